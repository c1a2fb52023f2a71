/* SPDX-License-Identifier: MIT */
/* host.c - collects the addresses that host_lookup() finds; host_lookup_*.c ask the system. */
#include "host.h"

#include <string.h>

void host_map_ipv4(const void *ipv4, uint8_t ip[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(ip, prefix, sizeof prefix);
    memcpy(ip + sizeof prefix, ipv4, 4);
}

void host_add(struct host_addresses *found, const uint8_t ip[16], uint32_t scope)
{
    struct host_address *address = &found->at[found->count];

    for (uint32_t i = 0; i < found->count; i++)
        if (memcmp(found->at[i].ip, ip, 16) == 0 && found->at[i].scope == scope) return;
    if (found->count == HOST_ADDRESSES_MAX) return;
    memcpy(address->ip, ip, 16);
    address->scope = scope;
    found->count++;
}
