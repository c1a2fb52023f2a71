/* SPDX-License-Identifier: MIT */
/* address_list.h - a set of addresses, read from CIDR blocks (RFC 4632, RFC 4291 section 2.3) and
 * kept as ranges, so that a question costs a binary search. */
#ifndef SESSION_ADDRESS_LIST_H
#define SESSION_ADDRESS_LIST_H

#include <stdbool.h>

#include <weir/address.h>

struct address_range {
    uint8_t first[16], last[16]; /* as struct weir_address has them */
};

struct address_list {
    struct address_range *ranges; /* in order, apart from each other */
    uint32_t count;               /* 0: nobody is on it */
};

/* Reads "10.0.0.0/8, 192.168.1.7, 2001:db8::/32", by commas or spaces; null is an empty list. An
 * error names the setting and the block. The list is empty then, and otherwise the caller's to
 * free. */
enum weir_code address_list_parse(struct address_list *list, const char *text, const char *setting,
                                  struct weir_error *error);

/* Whether the address is in one of the blocks, whatever its port. A block of IPv6 holds no IPv4
 * address, though those have a form in it: "::/0" is every IPv6 address, and no other. */
bool address_list_has(const struct address_list *list, const struct weir_address *address);

void address_list_free(struct address_list *list);

#endif
