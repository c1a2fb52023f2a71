/* SPDX-License-Identifier: MIT */
/* address_counts.c - how many sessions each remote address has.
 *
 * Open addressing: an address is in the slot of its hash or in one of those behind it, up to the
 * first free one. When one goes, those behind it that would now not be found move up. The table is
 * never more than half full, and its pages cost nothing until they are used.
 */
#include "address_counts.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "memory.h"
#include "thread.h"

struct address_count {
    uint8_t ip[16]; /* of IPv6 the first 8 bytes, then zeroes */
    uint32_t count; /* 0: the slot is free */
};

#define ADDRESS_COUNTS__V6_BYTES 8u

bool address_counts_init(struct address_counts *counts, uint32_t entries_max,
                         const struct siphash_key *key)
{
    uint32_t slots_count = 64;

    weir_check(entries_max <= 1u << 24);
    while (slots_count < entries_max * 2) slots_count *= 2;
    *counts = (struct address_counts){.lock = lock_open(), .slots_count = slots_count, .key = key};
    counts->entries = memory_pages((size_t)slots_count * sizeof *counts->entries);
    if (counts->lock && counts->entries) return true;
    address_counts_free(counts);
    return false;
}

void address_counts_free(struct address_counts *counts)
{
    if (counts->entries)
        memory_pages_free(counts->entries, (size_t)counts->slots_count * sizeof *counts->entries);
    lock_free(counts->lock);
    *counts = (struct address_counts){.lock = NULL};
}

/* Returns the part of an address that one customer has: IPv4 all of it, IPv6 a /64. */
static struct address_count address_counts__entry_of(const struct net_address *address)
{
    struct address_count entry = {.count = 1};

    memcpy(entry.ip, address->ip,
           address_is_v4(address) ? sizeof entry.ip : ADDRESS_COUNTS__V6_BYTES);
    return entry;
}

static uint32_t address_counts__home(const struct address_counts *counts,
                                     const struct address_count *entry)
{
    return (uint32_t)siphash(counts->key, entry->ip, sizeof entry->ip) & (counts->slots_count - 1);
}

/* Returns the slot that the address is in, or would be. */
static uint32_t address_counts__slot(const struct address_counts *counts,
                                     const struct address_count *entry)
{
    uint32_t slot = address_counts__home(counts, entry);

    while (counts->entries[slot].count > 0 &&
           memcmp(counts->entries[slot].ip, entry->ip, sizeof entry->ip) != 0)
        slot = (slot + 1) & (counts->slots_count - 1);
    return slot;
}

bool address_counts_add(struct address_counts *counts, const struct net_address *address,
                        uint32_t limit)
{
    struct address_count fresh = address_counts__entry_of(address);
    bool added = true;

    lock_take(counts->lock);
    struct address_count *entry = &counts->entries[address_counts__slot(counts, &fresh)];
    if (entry->count == 0)
        *entry = fresh;
    else if (entry->count < limit)
        entry->count++;
    else
        added = false;
    lock_give_back(counts->lock);
    return added;
}

void address_counts_grow(struct address_counts *counts, struct address_counts *larger)
{
    struct address_count *entries = larger->entries;
    uint32_t slots_count = larger->slots_count;

    if (!counts->lock) {
        *counts = *larger;
        *larger = (struct address_counts){.lock = NULL};
        return;
    }
    weir_check(larger->slots_count >= counts->slots_count);
    lock_take(counts->lock);
    for (uint32_t i = 0; i < counts->slots_count; i++)
        if (counts->entries[i].count > 0)
            larger->entries[address_counts__slot(larger, &counts->entries[i])] = counts->entries[i];
    larger->entries = counts->entries;
    larger->slots_count = counts->slots_count;
    counts->entries = entries;
    counts->slots_count = slots_count;
    lock_give_back(counts->lock);
}

/* Frees the slot and moves up entries that would not be found after a free slot. */
static void address_counts__close_gap(struct address_counts *counts, uint32_t gap)
{
    uint32_t mask = counts->slots_count - 1;

    for (uint32_t at = (gap + 1) & mask; counts->entries[at].count > 0; at = (at + 1) & mask) {
        uint32_t home = address_counts__home(counts, &counts->entries[at]);
        /* It may stay when its home lies behind the gap: in (gap, at], as the slots go round. */
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        counts->entries[gap] = counts->entries[at];
        gap = at;
    }
    counts->entries[gap].count = 0;
}

void address_counts_remove(struct address_counts *counts, const struct net_address *address)
{
    const struct address_count entry = address_counts__entry_of(address);

    lock_take(counts->lock);
    uint32_t slot = address_counts__slot(counts, &entry);
    weir_check(counts->entries[slot].count > 0);
    if (counts->entries[slot].count > 1)
        counts->entries[slot].count--;
    else
        address_counts__close_gap(counts, slot);
    lock_give_back(counts->lock);
}
