/* SPDX-License-Identifier: MIT */
/* findings_scan.c - keeps the worst session of each kind, and counts the addresses that have the
 * most sessions by the algorithm of Misra and Gries ("Finding repeated elements", 1982): a fixed
 * number of counters, all of which fall by one when a session finds none for its address. A counter
 * is then too low by at most sessions / (FINDINGS_ADDRESSES_MAX + 1), and never too high. */
#include "findings_scan.h"

#include <stdbool.h>
#include <string.h>

#include "findings_limits.h"

#define FINDINGS_SCAN__MAPPED_BYTES 12 /* of the prefix ::ffff:0:0/96, before an IPv4 address */
#define FINDINGS_SCAN__NETWORK_BYTES 8 /* of a /64 */

void findings_scan_begin(struct findings_scan *scan)
{
    *scan = (struct findings_scan){.sessions = 0};
}

/* ---- the worst of each kind ---- */

/* Counts the session if it has been in this state for `least_ms`. `state_ms` and `worst_ms` belong
 * to this session and to the worst one. */
static void findings_scan__count(struct findings_kind *kind, const struct findings_session *session,
                                 uint64_t state_ms, uint64_t worst_ms, uint64_t least_ms)
{
    if (state_ms < least_ms) return;
    if (kind->count == 0 || state_ms > worst_ms) kind->worst = *session;
    kind->count++;
}

static void findings_scan__count_pause(struct findings_kind *kind,
                                       const struct findings_session *session, uint64_t least_ms)
{
    findings_scan__count(kind, session, session->paused_ms, kind->worst.paused_ms, least_ms);
}

static void findings_scan__count_slow_frame(struct findings_kind *kind,
                                            const struct findings_session *session)
{
    /* Reading that is paused delays a frame: the peer is not to blame. */
    if (session->partial_bytes == 0 || session->pause != WEIR_PAUSE_NONE) return;
    if (session->partial_bytes * 1000 >= session->partial_ms * FINDINGS_SLOW_FRAME_BYTES_PER_S)
        return;
    findings_scan__count(kind, session, session->partial_ms, kind->worst.partial_ms,
                         FINDINGS_SLOW_FRAME_MS);
}

/* ---- the addresses ---- */

static bool findings_scan__is_same(const struct weir_address *a, const struct weir_address *b)
{
    static const uint8_t mapped[FINDINGS_SCAN__MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = memcmp(a->ip, mapped, sizeof mapped) == 0;

    return memcmp(a->ip, b->ip, is_v4 ? sizeof a->ip : FINDINGS_SCAN__NETWORK_BYTES) == 0;
}

static struct findings_address *findings_scan__find(struct findings_scan *scan,
                                                    const struct weir_address *peer)
{
    struct findings_address *unused = NULL;

    for (size_t i = 0; i < FINDINGS_ADDRESSES_MAX; i++) {
        struct findings_address *address = &scan->addresses[i];
        if (address->count == 0)
            unused = address;
        else if (findings_scan__is_same(&address->peer, peer))
            return address;
    }
    return unused;
}

static void findings_scan__add_address(struct findings_scan *scan, const struct weir_address *peer)
{
    struct findings_address *address = findings_scan__find(scan, peer);

    if (address) {
        if (address->count == 0) address->peer = *peer;
        address->count++;
        return;
    }
    for (size_t i = 0; i < FINDINGS_ADDRESSES_MAX; i++) scan->addresses[i].count--;
}

/* ---- the calls ---- */

void findings_scan_add(struct findings_scan *scan, const struct findings_session *session)
{
    scan->sessions++;
    if (session->pause == WEIR_PAUSE_QUEUE)
        findings_scan__count_pause(&scan->not_reading, session, FINDINGS_NOT_READING_MS);
    if (session->pause == WEIR_PAUSE_RATE)
        findings_scan__count_pause(&scan->over_rate, session, FINDINGS_RATE_PAUSED_MS);
    if (session->pause == WEIR_PAUSE_HANDLER)
        findings_scan__count_pause(&scan->handler_paused, session, FINDINGS_HANDLER_PAUSED_MS);
    findings_scan__count_slow_frame(&scan->slow_frame, session);
    if (session->peer.path_bytes == 0) findings_scan__add_address(scan, &session->peer);
}

const struct findings_address *findings_scan_address(const struct findings_scan *scan)
{
    const struct findings_address *most = &scan->addresses[0];

    for (size_t i = 1; i < FINDINGS_ADDRESSES_MAX; i++)
        if (scan->addresses[i].count > most->count) most = &scan->addresses[i];
    return most->count > 0 ? most : NULL;
}
