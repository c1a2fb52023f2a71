/* SPDX-License-Identifier: MIT */
/* reply_rate.h - limits the datagrams per second to one UDP address and port, for all peers of a
 * worker in a fixed amount of memory.
 *
 *      first row   [ ][ ][a][ ][ ][b]      hash(address, port) selects one bucket in each row
 *      second row  [ ][b][ ][ ][a][ ]      the fuller one of its two buckets limits a peer
 *
 * Two servers that answer each other look like a client and a server. But their loop sends to one
 * address and port as fast as the network allows, and ends when its datagrams are dropped once.
 *
 * This is a count-min sketch with conservative update (Estan and Varghese, 2002), of token buckets
 * instead of counters. A bucket is stored as the time at which it will be full (see bucket.h), so
 * it refills without being touched. Peers that share a bucket can only make it emptier: a peer
 * never gets more than its rate. It gets less only if both of its buckets are shared with busy
 * peers. docs/decisions/0009-udp-reply-loops.md has the numbers.
 *
 * A peer that empties its buckets gets nothing until they are full again, which takes one second.
 * So every datagram of a loop is dropped, and not only those above the rate. The lowest bit of a
 * bucket marks this episode; therefore all times here are even.
 */
#ifndef SESSION_REPLY_RATE_H
#define SESSION_REPLY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#include "siphash.h"

struct worker;

/* Buckets in each of the two rows, a power of two of at most 65536. The rows take 64 KiB. */
#ifndef REPLY_RATE_BUCKETS /* bench/reply_rate.c compares sizes */
#define REPLY_RATE_BUCKETS 4096u
#endif
#define REPLY_RATE_BURST_NS UINT64_C(1000000000) /* how long an empty bucket takes to fill; even */
#define REPLY_RATE_HELD UINT64_C(1)              /* the bit that marks an episode */
#define REPLY_RATE_PER_SECOND_MAX 10000000u
#define REPLY_RATE_KEYS 7

struct reply_rate {
    uint64_t cost_ns; /* of one datagram; even */
    uint64_t keys[REPLY_RATE_KEYS];
    uint64_t first[REPLY_RATE_BUCKETS], second[REPLY_RATE_BUCKETS];
};

enum reply_rate_verdict {
    REPLY_RATE_WITHIN,
    REPLY_RATE_EXCEEDED, /* this datagram begins an episode: the peer gets none for a second */
    REPLY_RATE_HELD_BACK /* a later datagram of the episode */
};

/* `per_second` is 1 to REPLY_RATE_PER_SECOND_MAX. Returns null if memory is exhausted. The caller
 * frees the result. */
struct reply_rate *reply_rate_open(uint32_t per_second, const struct siphash_key *key);
void reply_rate_free(struct reply_rate *rate); /* null is allowed */

/* Changes the rate, from the next datagram on. */
void reply_rate_set(struct reply_rate *rate, uint32_t per_second);

/* Returns the buckets of a peer, for reply_rate_take(). 0: the peer has no limit, because `rate` is
 * null, or because its address is a loopback address. */
uint64_t reply_rate_buckets_of(const struct reply_rate *rate, const struct net_address *peer);

/* Counts one datagram to a peer with a limit, unless the datagram must be dropped. */
static inline enum reply_rate_verdict reply_rate_take(struct reply_rate *rate, uint64_t buckets,
                                                      uint64_t now_ns)
{
    uint64_t *first = rate->first + buckets % REPLY_RATE_BUCKETS;
    uint64_t *second = rate->second + (buckets >> 16) % REPLY_RATE_BUCKETS;
    uint64_t level = *first < *second ? *first : *second;

    now_ns &= ~REPLY_RATE_HELD;
    if (level < now_ns) level = now_ns;
    if (level & REPLY_RATE_HELD) return REPLY_RATE_HELD_BACK;
    level += rate->cost_ns;
    if (level - now_ns > REPLY_RATE_BURST_NS) {
        *first = *second = (now_ns + REPLY_RATE_BURST_NS) | REPLY_RATE_HELD;
        return REPLY_RATE_EXCEEDED;
    }
    if (*first < level) *first = level;
    if (*second < level) *second = level;
    return REPLY_RATE_WITHIN;
}

/* Counts a datagram above datagram_reply_percent_max, and logs a warning once per server. */
void reply_rate_count_excess(struct worker *worker, const struct net_address *peer);

/* Counts a dropped datagram, and logs a warning once per episode, at a limited rate. */
void reply_rate_count_drop(struct worker *worker, const struct net_address *peer,
                           enum reply_rate_verdict verdict);

#endif
