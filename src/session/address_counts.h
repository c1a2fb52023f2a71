/* SPDX-License-Identifier: MIT */
/* address_counts.h - how many sessions each remote address has: an IPv4 address, or a /64 of IPv6,
 * which is what one customer has at least (RFC 6177). One for all workers, under a lock that is
 * taken when a connection begins and ends. */
#ifndef SESSION_ADDRESS_COUNTS_H
#define SESSION_ADDRESS_COUNTS_H

#include <stdbool.h>

#include "address.h"

#include "siphash.h"

struct address_count;
struct lock;

struct address_counts {
    struct lock *lock;             /* over the entries; null: it is not open */
    struct address_count *entries; /* slots_count of them */
    uint32_t slots_count;          /* a power of two, at least twice the most entries */
    const struct siphash_key *key;
};

/* Allocates room for this many addresses. `key` must outlive the counts. Returns false if memory is
 * exhausted. */
bool address_counts_init(struct address_counts *counts, uint32_t entries_max,
                         const struct siphash_key *key);

/* Exchanges the memory of open counts for that of `larger`, which is empty, and copies the counts
 * into it. If the counts are not open yet, opens them. The caller frees `larger`. Thread: any; but
 * no thread uses counts that are not open. */
void address_counts_grow(struct address_counts *counts, struct address_counts *larger);

/* Every count must be 0. Harmless if the counts were not opened. */
void address_counts_free(struct address_counts *counts);

/* Counts one more session of the address. Returns false, and counts nothing, if it has `limit`. */
bool address_counts_add(struct address_counts *counts, const struct net_address *address,
                        uint32_t limit);

/* Counts one session less. */
void address_counts_remove(struct address_counts *counts, const struct net_address *address);

#endif
