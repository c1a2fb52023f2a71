/* SPDX-License-Identifier: MIT */
/* linux_endpoint.h - what a listener or datagram socket has besides its handle, in both transports:
 * connections are many, and need none of it. */
#ifndef NET_LINUX_LINUX_ENDPOINT_H
#define NET_LINUX_LINUX_ENDPOINT_H

#include "datagram.h"
#include "handle_table.h"
#include "linux_socket.h"

struct linux_endpoint {
    struct handle_endpoint base;
    union {
        struct datagram datagram;
        struct linux_bound bound; /* listener */
    };
};

/* The caller knows that the handle is a listener or datagram socket. */
static inline struct linux_endpoint *linux_endpoint_of(const struct handle *handle)
{
    return weir_container_of(handle->endpoint, struct linux_endpoint, base);
}

#endif
