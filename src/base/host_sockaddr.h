/* SPDX-License-Identifier: MIT */
/* host_sockaddr.h - adds what the system's resolver found to the addresses of a host. */
#ifndef BASE_HOST_SOCKADDR_H
#define BASE_HOST_SOCKADDR_H

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include <string.h>

#include "host.h"

/* Adds the address; one that is neither IPv4 nor IPv6 is left out. For host_lookup(). */
static inline void host_add_sockaddr(struct host_addresses *found, const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint8_t ip[16];

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        host_map_ipv4(&v4.sin_addr, ip);
        host_add(found, ip, 0);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        host_add(found, v6.sin6_addr.s6_addr, v6.sin6_scope_id);
    }
}

#endif
