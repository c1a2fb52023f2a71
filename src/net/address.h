/* SPDX-License-Identifier: MIT */
/* address.h - what the layers above the seam ask of an address. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

/* Whether it is an IPv4 address in its mapped form. */
bool address_is_v4(const struct weir_address *address);

/* An IPv4 address, host order: 0x7f000001 is 127.0.0.1. */
struct weir_address address_of_v4(uint32_t ip, uint16_t port);

/* "[::]", and "0.0.0.0". */
bool address_is_any(const struct weir_address *address);

/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct weir_address *address);

/* Whether a datagram that claims to come from there can be answered: not from port 0, nor from an
 * unspecified, multicast or broadcast address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7). */
bool address_is_answerable(const struct weir_address *address);

/* The same address and port. */
bool address_equals(const struct weir_address *a, const struct weir_address *b);

/* The same address, whatever the ports. */
bool address_same_ip(const struct weir_address *a, const struct weir_address *b);

#endif
