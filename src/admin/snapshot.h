/* SPDX-License-Identifier: MIT */
/* snapshot.h - the figures of the observed server at one moment. Taking a snapshot waits for no
 * worker. All readers share one snapshot per second, and the one before it, for rates. */
#ifndef ADMIN_SNAPSHOT_H
#define ADMIN_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#define SNAPSHOT_AGE_MAX_MS 1000u /* an older snapshot is taken again */
#define SNAPSHOT_TLS_MAX 64u      /* names of weir_server_tls() that are shown */

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
    size_t tls_count;
    struct snapshot_tls tls[SNAPSHOT_TLS_MAX];
};

/* Starts as {0}. Used by the admin server's worker. */
struct snapshots {
    struct snapshot *now;    /* null: none was taken */
    struct snapshot *before; /* null: `now` is the first one */
};

/* Takes a snapshot of the server, unless the last one is younger than SNAPSHOT_AGE_MAX_MS.
 * `tls_names` ends with null. Returns the newest snapshot; null: out of memory. */
const struct snapshot *snapshots_take(struct snapshots *snapshots, struct weir_server *server,
                                      const char *const *tls_names);

/* Frees both snapshots. */
void snapshots_free(struct snapshots *snapshots);

#endif
