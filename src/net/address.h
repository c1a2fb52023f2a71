/* SPDX-License-Identifier: MIT */
/* address.h - questions about addresses, for the layers above src/net. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weir/address.h>

/* What precedes an IPv4 address in its mapped form. */
extern const uint8_t address_v4_prefix[12];

/* Returns whether the address is an IPv4 address in its mapped form. */
bool address_is_v4(const struct weir_address *address);

/* Returns an IPv4 address; `ip` is in host order: 0x7f000001 is 127.0.0.1. */
struct weir_address address_of_v4(uint32_t ip, uint16_t port);

/* Returns whether the address is "[::]" or "0.0.0.0". */
bool address_is_any(const struct weir_address *address);

/* Returns whether the address is in 127.0.0.0/8 or is ::1. It is asked for each datagram, so two
 * bytes rule out most other addresses. */
static inline bool address_is_loopback(const struct weir_address *address)
{
    static const uint8_t v4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, v6[16] = {[15] = 1};

    if (address->ip[12] == 127) return memcmp(address->ip, v4, sizeof v4) == 0;
    return address->ip[15] == 1 && memcmp(address->ip, v6, sizeof v6) == 0;
}

/* Returns whether a datagram from this address can be answered: not from port 0, nor from an
 * unspecified, multicast or broadcast address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7). */
bool address_is_answerable(const struct weir_address *address);

/* Returns whether address and port are equal. */
bool address_equals(const struct weir_address *a, const struct weir_address *b);

/* Returns whether the addresses are equal; ignores the ports. */
bool address_same_ip(const struct weir_address *a, const struct weir_address *b);

#endif
