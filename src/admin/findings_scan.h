/* SPDX-License-Identifier: MIT */
/* findings_scan.h - a summary of all open sessions in a few kilobytes, whatever their number: the
 * worst session of each kind, and the addresses that have the most sessions. Owner: the caller,
 * which adds one session after the other. */
#ifndef ADMIN_FINDINGS_SCAN_H
#define ADMIN_FINDINGS_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

/* An address with more than 1/64 of the sessions is always among them. */
#define FINDINGS_ADDRESSES_MAX 63

/* What the rules need to know about one session. */
struct findings_session {
    uint64_t id;
    struct weir_address peer;
    enum weir_pause pause;
    uint64_t paused_ms, queued_bytes, partial_bytes, partial_ms;
    uint64_t deadline_ms; /* UINT64_MAX: none; otherwise as in struct weir_session_info */
    enum weir_reason deadline_reason;
};

/* Sessions of one kind, and the one that has been in this state for the longest time. */
struct findings_kind {
    uint64_t count;
    struct findings_session worst;
};

/* An IPv4 address, or a /64 network of IPv6. */
struct findings_address {
    struct weir_address peer; /* of one of the sessions */
    uint64_t count;           /* at least this many sessions; 0: the entry is free */
};

struct findings_scan {
    uint64_t sessions;
    struct findings_kind not_reading, over_rate, slow_frame, handler_paused;
    struct findings_address addresses[FINDINGS_ADDRESSES_MAX];
};

/* Begins an empty summary. */
void findings_scan_begin(struct findings_scan *scan);

/* Adds one session. Takes a time that does not depend on the number of sessions. */
void findings_scan_add(struct findings_scan *scan, const struct findings_session *session);

/* Returns the address with the most sessions; null: no session has an IP address. */
const struct findings_address *findings_scan_address(const struct findings_scan *scan);

#endif
