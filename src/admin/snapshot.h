/* SPDX-License-Identifier: MIT */
/* snapshot.h - the figures of the observed server at one moment. Taking a snapshot waits for no
 * worker. All readers share one snapshot per second, and the one before it, for rates. The admin
 * server also keeps one every few seconds, so that it can say what has changed within a minute. */
#ifndef ADMIN_SNAPSHOT_H
#define ADMIN_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cluster.h>
#include <weir/weir.h>

#define SNAPSHOT_AGE_MAX_MS 1000u /* an older snapshot is taken again */
#define SNAPSHOT_KEPT_EVERY_MS 5000u
#define SNAPSHOT_KEPT_COUNT 13u /* the oldest is 60 seconds old, or from the start */
#define SNAPSHOT_TLS_MAX 64u    /* names of weir_server_tls() that are shown */

struct snapshot_tls {
    const char *name; /* belongs to the settings of the admin server */
    struct weir_tls_stats stats;
};

struct snapshot {
    uint64_t at_ms; /* weir_now() */
    int64_t at_unix_ms;
    struct weir_stats stats;
    uint32_t workers_count;
    struct weir_worker_stats *workers;
    size_t listeners_count;
    struct weir_listener_info listeners[WEIR_LISTENERS_MAX];
    struct weir_histogram iterations, openings; /* of all workers */
    struct weir_histogram *handlers;            /* one per listener, in the same sequence */
    size_t tls_count;
    struct snapshot_tls tls[SNAPSHOT_TLS_MAX];
    bool has_cluster;
    struct weir_cluster_stats cluster;
};

/* Starts as {.read_cluster = ...}. Used by the admin server's worker. */
struct snapshots {
    bool (*read_cluster)(struct weir_cluster_stats *stats); /* of struct admin_settings; or null */
    struct snapshot *now;                                   /* null: none was taken */
    struct snapshot *before;                                /* null: `now` is the first one */
    struct snapshot *kept[SNAPSHOT_KEPT_COUNT];             /* a ring */
    size_t kept_count;                                      /* snapshots that were ever kept */
};

/* Takes a snapshot of the server, unless the last one is younger than SNAPSHOT_AGE_MAX_MS.
 * `tls_names` ends with null. Returns the newest snapshot; null: out of memory. */
const struct snapshot *snapshots_take(struct snapshots *snapshots, struct weir_server *server,
                                      const char *const *tls_names);

/* Takes another snapshot, and keeps it instead of the oldest one. Call it every
 * SNAPSHOT_KEPT_EVERY_MS. */
void snapshots_keep(struct snapshots *snapshots, struct weir_server *server,
                    const char *const *tls_names);

/* Returns the oldest snapshot that was kept; null: none. */
const struct snapshot *snapshots_oldest(const struct snapshots *snapshots);

/* Frees all snapshots. */
void snapshots_free(struct snapshots *snapshots);

#endif
