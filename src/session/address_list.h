/* SPDX-License-Identifier: MIT */
/* address_list.h - a set of addresses, read from CIDR blocks (RFC 4632, RFC 4291 section 2.3) and
 * stored as ranges, so that a lookup is a binary search. */
#ifndef SESSION_ADDRESS_LIST_H
#define SESSION_ADDRESS_LIST_H

#include <stdbool.h>

#include "address.h"

struct address_range {
    uint8_t first[16], last[16]; /* as struct net_address has them */
};

struct address_list {
    struct address_range *ranges; /* sorted, disjoint */
    uint32_t count;               /* 0: the list is empty */
};

/* Reads "10.0.0.0/8, 192.168.1.7, 2001:db8::/32", separated by commas or spaces; null is an empty
 * list. The caller frees the list. On an error, which names the setting and the block, the list is
 * empty. */
enum weir_code address_list_parse(struct address_list *list, const char *text, const char *setting,
                                  struct weir_error *error);

/* Whether the address is in one of the blocks; the port does not matter. A block of IPv6 contains
 * no IPv4 address: "::/0" is every IPv6 address. */
bool address_list_has(const struct address_list *list, const struct net_address *address);

void address_list_free(struct address_list *list);

#endif
