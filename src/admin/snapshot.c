/* SPDX-License-Identifier: MIT */
/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include "heap.h"

static void snapshot__free(struct snapshot *snapshot)
{
    if (snapshot) heap_free(snapshot->workers);
    heap_free(snapshot);
}

static struct snapshot *snapshot__open(uint32_t workers_count)
{
    struct snapshot *snapshot = heap_alloc(sizeof *snapshot);

    if (!snapshot) return NULL;
    snapshot->workers = heap_alloc((workers_count + 1) * sizeof *snapshot->workers);
    snapshot->workers_count = workers_count;
    if (snapshot->workers) return snapshot;
    snapshot__free(snapshot);
    return NULL;
}

static void snapshot__fill(struct snapshot *snapshot, struct weir_server *server,
                           const char *const *tls_names)
{
    snapshot->at_ms = weir_now();
    snapshot->at_unix_ms = weir_unix_time_ms();
    weir_server_stats(server, &snapshot->stats);
    for (uint32_t i = 0; i < snapshot->workers_count; i++)
        weir_server_worker_stats(server, i, &snapshot->workers[i]);
    snapshot->listeners_count = weir_server_listeners_count(server);
    for (size_t i = 0; i < snapshot->listeners_count; i++)
        weir_server_listener(server, i, &snapshot->listeners[i]);
    for (; *tls_names && snapshot->tls_count < SNAPSHOT_TLS_MAX; tls_names++) {
        struct snapshot_tls *tls = &snapshot->tls[snapshot->tls_count];
        tls->name = *tls_names;
        if (weir_server_tls_stats(server, *tls_names, &tls->stats)) snapshot->tls_count++;
    }
}

const struct snapshot *snapshots_take(struct snapshots *snapshots, struct weir_server *server,
                                      const char *const *tls_names)
{
    if (snapshots->now && weir_now() - snapshots->now->at_ms < SNAPSHOT_AGE_MAX_MS)
        return snapshots->now;
    struct snapshot *snapshot = snapshot__open(weir_server_workers_count(server));
    if (!snapshot) return NULL;
    snapshot__fill(snapshot, server, tls_names);
    snapshot__free(snapshots->before);
    snapshots->before = snapshots->now;
    snapshots->now = snapshot;
    return snapshot;
}

void snapshots_free(struct snapshots *snapshots)
{
    snapshot__free(snapshots->now);
    snapshot__free(snapshots->before);
    *snapshots = (struct snapshots){0};
}
