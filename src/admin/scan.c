/* SPDX-License-Identifier: MIT */
/* scan.c - see scan.h. */
#include "scan.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

#define SCAN__SPARE_SESSIONS 256u /* room for sessions that begin while a scan runs */

static void scan__free(struct scan *scan)
{
    if (scan) heap_free(scan->sessions);
    if (scan) heap_free(scan->groups);
    heap_free(scan);
}

/* ---- the observed server's workers ---- */

static void scan__end(struct weir_worker *worker, void *argument);

static void scan__over(struct scans *scans)
{
    atomic_store(&scans->has_ended, true);
    (void)weir_post(scans->own, 0, scan__end, scans); /* if it fails, scans_ask() finds the end */
}

static void scan__on_group(void *user, const struct weir_group_info *info)
{
    struct scans *scans = user;
    struct scan *scan = scans->running;

    if (scan->groups_count == scan->groups_capacity) {
        scan->lacks_groups = true;
        return;
    }
    struct scan_group *group = &scan->groups[scan->groups_count++];
    *group = (struct scan_group){
        .members = info->members,
        .congested = info->congested,
        .offered = info->offered,
        .delivered = info->delivered,
        .dropped_full = info->dropped_full,
        .dropped_closed = info->dropped_closed,
        .dropped_not_framed = info->dropped_not_framed,
        .dropped_no_memory = info->dropped_no_memory,
        .dropped_reply = info->dropped_reply,
        .dropped_late = info->dropped_late,
    };
    snprintf(group->name, sizeof group->name, "%s", info->name);
}

static bool scan__list_groups(struct scans *scans, uint64_t cursor);

static void scan__on_groups_end(void *user, uint64_t cursor)
{
    struct scans *scans = user;

    if (cursor == 0 || scans->running->lacks_groups || !scan__list_groups(scans, cursor))
        scan__over(scans);
}

/* Asks for the next slice of groups. Returns false if there is none. */
static bool scan__list_groups(struct scans *scans, uint64_t cursor)
{
    struct weir_groups_query query = {.size = sizeof query,
                                      .cursor = cursor,
                                      .user = scans,
                                      .on_group = scan__on_group,
                                      .on_end = scan__on_groups_end};
    enum weir_code code = weir_groups_list(scans->observed, &query);

    if (code == WEIR_OK) return true;
    if (code != WEIR_GONE) scans->running->lacks_groups = true;
    return false;
}

static void scan__on_session(void *user, const struct weir_session_info *info)
{
    struct scans *scans = user;
    struct scan *scan = scans->running;

    if (scan->sessions_count == scan->sessions_capacity) {
        scan->is_incomplete = true;
        return;
    }
    struct weir_session_info *session = &scan->sessions[scan->sessions_count++];
    *session = *info;
    session->received_frame = session->sent_frame = NULL; /* valid only here */
}

static bool scan__list(struct scans *scans, uint64_t cursor);

static void scan__on_end(void *user, uint64_t cursor)
{
    struct scans *scans = user;

    if (cursor != 0 && !scans->running->is_incomplete && scan__list(scans, cursor)) return;
    if (!scan__list_groups(scans, 0)) scan__over(scans);
}

/* Asks for the next slice of sessions. Returns false if there is none. */
static bool scan__list(struct scans *scans, uint64_t cursor)
{
    struct weir_sessions_query query = {.size = sizeof query,
                                        .cursor = cursor,
                                        .user = scans,
                                        .on_session = scan__on_session,
                                        .on_end = scan__on_end};
    enum weir_code code = weir_sessions_list(scans->observed, &query);

    if (code == WEIR_OK) return true;
    if (code != WEIR_GONE) scans->running->is_incomplete = true;
    return false;
}

/* ---- the admin server's worker ---- */

static int scan__compare(const void *a, const void *b)
{
    const struct scan_group *one = a, *other = b;

    return strcmp(one->name, other->name);
}

static void scan__add(struct scan_group *sum, const struct scan_group *group)
{
    sum->members += group->members;
    sum->congested += group->congested;
    sum->offered += group->offered;
    sum->delivered += group->delivered;
    sum->dropped_full += group->dropped_full;
    sum->dropped_closed += group->dropped_closed;
    sum->dropped_not_framed += group->dropped_not_framed;
    sum->dropped_no_memory += group->dropped_no_memory;
    sum->dropped_reply += group->dropped_reply;
    sum->dropped_late += group->dropped_late;
}

/* Adds up the entries of the workers that belong to one name. */
static void scan__join_groups(struct scan *scan)
{
    size_t kept = 0;

    if (scan->groups_count == 0) return;
    qsort(scan->groups, scan->groups_count, sizeof scan->groups[0], scan__compare);
    for (size_t i = 1; i < scan->groups_count; i++) {
        if (strcmp(scan->groups[kept].name, scan->groups[i].name) == 0)
            scan__add(&scan->groups[kept], &scan->groups[i]);
        else
            scan->groups[++kept] = scan->groups[i];
    }
    scan->groups_count = kept + 1;
}

static void scan__finish(struct scans *scans)
{
    scan__join_groups(scans->running);
    scan__free(scans->spare);
    scans->spare = scans->last;
    scans->last = scans->running;
    scans->running = NULL;
    scans->last->at_ms = weir_now();
    visit_list_wake(&scans->waiting);
}

static void scan__end(struct weir_worker *worker, void *argument)
{
    struct scans *scans = argument;

    (void)worker;
    if (scans->running && atomic_load(&scans->has_ended)) scan__finish(scans);
}

/* Prepares memory for groups: four times as much as for a scan that lacked room. */
static bool scan__prepare_groups(const struct scans *scans, struct scan *scan)
{
    const struct scan *last = scans->last;
    size_t count = last ? last->groups_capacity : SCAN_GROUPS_FIRST;

    if (last && last->lacks_groups && count < SCAN_GROUPS_MAX) count *= 4;
    scan->groups_count = 0;
    scan->lacks_groups = false;
    if (count <= scan->groups_capacity) return true;
    heap_free(scan->groups);
    scan->groups_capacity = 0;
    scan->groups = heap_alloc(count * sizeof *scan->groups);
    if (!scan->groups) return false;
    memset(scan->groups, 0xff, count * sizeof *scan->groups);
    scan->groups_capacity = count;
    return true;
}

/* Prepares memory for `count` sessions. It is written here, so that the workers that fill it do not
 * wait for the system to provide it. */
static bool scan__prepare(struct scans *scans, size_t count)
{
    struct scan *scan = scans->spare ? scans->spare : heap_alloc(sizeof *scan);

    scans->spare = scan;
    if (!scan) return false;
    if (count > scan->sessions_capacity) {
        heap_free(scan->sessions);
        scan->sessions_capacity = 0;
        scan->sessions = heap_alloc(count * sizeof *scan->sessions);
        if (!scan->sessions) return false;
        memset(scan->sessions, 0xff, count * sizeof *scan->sessions);
        scan->sessions_capacity = count;
    }
    scan->sessions_count = 0;
    scan->is_incomplete = false;
    return scan__prepare_groups(scans, scan);
}

static void scan__begin(struct scans *scans)
{
    struct weir_stats stats;

    weir_server_stats(scans->observed, &stats);
    uint64_t count = stats.open; /* the two counters below are not read at the same moment */
    if (stats.peers_opened > stats.peers_closed) count += stats.peers_opened - stats.peers_closed;
    count += count / 8 + SCAN__SPARE_SESSIONS;
    if (count > SCAN_SESSIONS_MAX) count = SCAN_SESSIONS_MAX;
    if (!scan__prepare(scans, (size_t)count)) return;
    scans->running = scans->spare;
    scans->spare = NULL;
    atomic_store(&scans->has_ended, false);
    if (!scan__list(scans, 0)) scan__finish(scans);
}

const struct scan *scans_ask(struct scans *scans, struct weir_server *own,
                             struct weir_server *observed)
{
    scans->own = own;
    scans->observed = observed;
    if (scans->running && atomic_load(&scans->has_ended)) scan__finish(scans);
    bool is_young = scans->last && weir_now() - scans->last->at_ms < SCAN_AGE_MAX_MS;
    if (!is_young && !scans->running) scan__begin(scans);
    return scans->running ? NULL : scans->last;
}

const struct scan *scans_last(const struct scans *scans)
{
    bool is_young = scans->last && weir_now() - scans->last->at_ms < SCAN_KEPT_MS;

    return is_young ? scans->last : NULL;
}

void scans_trim(struct scans *scans)
{
    if (scans_last(scans)) return;
    scan__free(scans->last);
    scan__free(scans->spare);
    scans->last = scans->spare = NULL;
}

void scans_free(struct scans *scans)
{
    scan__free(scans->last);
    scan__free(scans->running);
    scan__free(scans->spare);
    scans->last = scans->running = scans->spare = NULL;
}
