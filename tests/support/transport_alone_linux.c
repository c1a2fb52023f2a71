/* SPDX-License-Identifier: MIT */
/* transport_alone_linux.c - epoll that claims that its listeners cannot share an address. */
#include "transport_alone.h"

#include "transport.h"
#include "transports_linux.h"

struct transport transport_alone = {.name = "alone", .asked_by_name_only = true};

const char *transport_alone_name(void)
{
    if (!transport_alone.open) {
        transport_alone = transport_epoll;
        transport_alone.name = "alone";
        transport_alone.asked_by_name_only = true;
        transport_alone.listeners_share = false;
    }
    return "alone";
}
