/* SPDX-License-Identifier: MIT */
/* reply_rate.c - the buckets of reply_rate.h, and the hash that selects them.
 *
 * The hash is pair-multiply-shift (Thorup, 2015). With random keys, two peers share a bucket with
 * the probability 1 / REPLY_RATE_BUCKETS, whichever addresses an attacker chooses in advance.
 * SipHash executes five times as many instructions.
 */
#include "reply_rate.h"

#include <inttypes.h>
#include <string.h>

#include "address.h"
#include "address_loopback.h"
#include "check.h"
#include "memory.h"
#include "worker.h"

_Static_assert((REPLY_RATE_BUCKETS & (REPLY_RATE_BUCKETS - 1)) == 0 && REPLY_RATE_BUCKETS <= 65536,
               "16 bits of the hash select a bucket");

#define REPLY_RATE__SELECTED (UINT64_C(1) << 32) /* so that the result is never 0 */

struct reply_rate *reply_rate_open(uint32_t per_second, const struct siphash_key *key)
{
    struct reply_rate *rate = memory_alloc(sizeof *rate);

    if (!rate) return NULL;
    reply_rate_set(rate, per_second);
    for (uint32_t i = 0; i < REPLY_RATE_KEYS; i++) rate->keys[i] = siphash(key, &i, sizeof i);
    return rate;
}

void reply_rate_set(struct reply_rate *rate, uint32_t per_second)
{
    weir_check(per_second > 0 && per_second <= REPLY_RATE_PER_SECOND_MAX);
    rate->cost_ns = (REPLY_RATE_BURST_NS / per_second + 1) & ~REPLY_RATE_HELD;
}

void reply_rate_free(struct reply_rate *rate)
{
    memory_free(rate);
}

uint64_t reply_rate_buckets_of(const struct reply_rate *rate, const struct net_address *peer)
{
    uint32_t ip[4];

    if (!rate || address_is_loopback(peer)) return 0;
    const uint64_t *keys = rate->keys;
    memcpy(ip, peer->ip, sizeof ip);
    uint64_t hash = keys[6] + (keys[0] + ip[1]) * (keys[1] + ip[0]) +
                    (keys[2] + ip[3]) * (keys[3] + ip[2]) +
                    (keys[4] + peer->port) * (keys[5] + peer->scope);
    return hash >> 32 | REPLY_RATE__SELECTED;
}

void reply_rate_count_drop(struct worker *worker, const struct net_address *peer,
                           enum reply_rate_verdict verdict)
{
    char text[NET_ADDRESS_TEXT_BYTES];

    weir_check(verdict != REPLY_RATE_WITHIN);
    counter_add(&worker->counters.dropped_reply_rate, 1);
    if (verdict == REPLY_RATE_EXCEEDED)
        log_limited(&worker->reply_rate_episodes, &worker->common->log, worker->now_ms,
                    WEIR_LOG_WARNING,
                    "no datagrams to %s for a second: more than datagram_reply_rate_max in a "
                    "second, as in a reply loop between two servers",
                    net_address_text(peer, text, sizeof text));
}

void reply_rate_count_excess(struct worker *worker, const struct net_address *peer)
{
    char text[NET_ADDRESS_TEXT_BYTES];

    counter_add(&worker->counters.dropped_reply, 1);
    if (atomic_exchange(&worker->common->reply_limit_noted, true)) return;
    log_line(&worker->common->log, WEIR_LOG_WARNING,
             "a datagram to %s was not sent: datagram_reply_percent_max (--udp-reply-ratio) allows "
             "%" PRIu32 " %% of the bytes received from it; raise it, or let the handler "
             "authenticate the peer and call weir_session_vouch() (logged once)",
             net_address_text(peer, text, sizeof text), worker->config->datagram_reply_percent_max);
}
