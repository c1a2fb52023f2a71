/* SPDX-License-Identifier: MIT */
/* scan.h - all sessions and groups of the observed server at about one time. Its workers list them
 * in slices between other events, so a scan takes some milliseconds, and delays no session. Scans
 * are made only for a client that asks: one at a time, and at most one per second.
 *
 *      scans_ask -> sessions of worker 0, 1, ... -> groups of worker 0, 1, ... -> scan__end
 */
#ifndef ADMIN_SCAN_H
#define ADMIN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#include "visit.h"

#define SCAN_AGE_MAX_MS 1000u     /* an older scan is made again for the next client */
#define SCAN_KEPT_MS 10000u       /* then its memory is freed */
#define SCAN_SESSIONS_MAX 200000u /* further sessions are left out: is_incomplete */
#define SCAN_WAIT_MS 10000u       /* a client waits this long for a scan */

#define SCAN_GROUPS_FIRST 1024u /* room for groups; a scan that needed more makes the next larger */
#define SCAN_GROUPS_MAX 65536u

/* A group. A scan adds up what its workers say. */
struct scan_group {
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
    uint64_t members, congested; /* as in struct weir_group_info, as are the others */
    uint64_t offered, delivered;
    uint64_t dropped_full, dropped_closed, dropped_not_framed, dropped_no_memory, dropped_reply;
    uint64_t dropped_late;
};

struct scan {
    uint64_t at_ms;     /* weir_now() when it ended */
    bool is_incomplete; /* sessions are missing: there are too many, or a worker was too busy */
    size_t sessions_count, sessions_capacity;
    struct weir_session_info *sessions; /* in no particular order; without watched frames */
    bool lacks_groups;                  /* groups are missing, for the same causes */
    size_t groups_count, groups_capacity;
    struct scan_group *groups; /* by name */
};

/* Starts as {0}. Used by the admin server's worker. */
struct scans {
    struct weir_server *own, *observed;
    struct scan *last;         /* null: none */
    struct scan *running;      /* belongs to the observed server's workers; null: none */
    struct scan *spare;        /* memory for the next one */
    _Atomic bool has_ended;    /* the running one */
    struct visit_list waiting; /* for the running one */
};

/* Returns the last scan if it is young enough. Null: a scan runs, and scans->waiting is woken when
 * it has ended; or there is no memory for one (scans->running is null). */
const struct scan *scans_ask(struct scans *scans, struct weir_server *own,
                             struct weir_server *observed);

/* Returns the last scan if it is younger than SCAN_KEPT_MS, otherwise null. */
const struct scan *scans_last(const struct scans *scans);

/* Frees the last scan if it is older than SCAN_KEPT_MS. */
void scans_trim(struct scans *scans);

/* Frees everything. Every worker of the observed server must have ended. */
void scans_free(struct scans *scans);

#endif
