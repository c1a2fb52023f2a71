/* SPDX-License-Identifier: MIT */
/* address_read.h - the parsers of addresses without a port. Private to src/net. */
#ifndef NET_ADDRESS_READ_H
#define NET_ADDRESS_READ_H

#include <stdint.h>

/* Parse the address at the front of a text: four numbers, or the groups of RFC 4291. Return where
 * the address ends; null: there is none, and *ip is unspecified. */
const char *address_read_v4(const char *text, uint8_t ip[4]);
const char *address_read_v6(const char *text, uint8_t ip[16]);

#endif
