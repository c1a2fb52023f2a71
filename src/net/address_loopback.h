/* SPDX-License-Identifier: MIT */
/* address_loopback.h - whether an address is one of this machine's own. Apart from address.h, which
 * most files include, because it needs a header of the C library: without one they compile where
 * the C library is missing (clang_reads_msvc in scripts/test). */
#ifndef NET_ADDRESS_LOOPBACK_H
#define NET_ADDRESS_LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "address.h"

/* Returns whether the address is in 127.0.0.0/8 or is ::1. It is asked for each datagram, so two
 * bytes rule out most other addresses. */
static inline bool address_is_loopback(const struct net_address *address)
{
    static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, v6[16] = {[15] = 1};

    if (address->ip[12] == 127) return memcmp(address->ip, v4, sizeof v4) == 0;
    return address->ip[15] == 1 && memcmp(address->ip, v6, sizeof v6) == 0;
}

#endif
