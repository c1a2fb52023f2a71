/* SPDX-License-Identifier: MIT */
/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include "heap.h"

static void snapshot__free(struct snapshot *snapshot)
{
    if (snapshot) heap_free(snapshot->workers);
    if (snapshot) heap_free(snapshot->handlers);
    heap_free(snapshot);
}

static struct snapshot *snapshot__open(uint32_t workers_count, size_t listeners_count)
{
    struct snapshot *snapshot = heap_alloc(sizeof *snapshot);

    if (!snapshot) return NULL;
    snapshot->workers = heap_alloc((workers_count + 1) * sizeof *snapshot->workers);
    snapshot->workers_count = workers_count;
    snapshot->handlers = heap_alloc((listeners_count + 1) * sizeof *snapshot->handlers);
    snapshot->listeners_count = listeners_count;
    if (snapshot->workers && snapshot->handlers) return snapshot;
    snapshot__free(snapshot);
    return NULL;
}

/* A listener that was removed meanwhile leaves an empty histogram. */
static void snapshot__fill_listeners(struct snapshot *snapshot, struct weir_server *server)
{
    size_t count = weir_server_listeners_count(server);

    if (count < snapshot->listeners_count) snapshot->listeners_count = count;
    for (size_t i = 0; i < snapshot->listeners_count; i++) {
        weir_server_listener(server, i, &snapshot->listeners[i]);
        (void)weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, snapshot->listeners[i].id,
                                    &snapshot->handlers[i]);
    }
}

static void snapshot__fill(struct snapshot *snapshot, struct weir_server *server,
                           const char *const *tls_names)
{
    snapshot->at_ms = weir_now();
    snapshot->at_unix_ms = weir_unix_time_ms();
    weir_server_stats(server, &snapshot->stats);
    for (uint32_t i = 0; i < snapshot->workers_count; i++)
        weir_server_worker_stats(server, i, &snapshot->workers[i]);
    snapshot__fill_listeners(snapshot, server);
    (void)weir_server_histogram(server, WEIR_HISTOGRAM_ITERATION, WEIR_WORKERS_ALL,
                                &snapshot->iterations);
    (void)weir_server_histogram(server, WEIR_HISTOGRAM_OPENING, WEIR_WORKERS_ALL,
                                &snapshot->openings);
    for (; *tls_names && snapshot->tls_count < SNAPSHOT_TLS_MAX; tls_names++) {
        struct snapshot_tls *tls = &snapshot->tls[snapshot->tls_count];
        tls->name = *tls_names;
        if (weir_server_tls_stats(server, *tls_names, &tls->stats)) snapshot->tls_count++;
    }
}

static struct snapshot *snapshot__take(const struct snapshots *snapshots,
                                       struct weir_server *server, const char *const *tls_names)
{
    struct snapshot *snapshot =
        snapshot__open(weir_server_workers_count(server), weir_server_listeners_count(server));

    if (!snapshot) return NULL;
    snapshot__fill(snapshot, server, tls_names);
    if (snapshots->read_cluster)
        snapshot->has_cluster = snapshots->read_cluster(&snapshot->cluster);
    return snapshot;
}

const struct snapshot *snapshots_take(struct snapshots *snapshots, struct weir_server *server,
                                      const char *const *tls_names)
{
    if (snapshots->now && weir_now() - snapshots->now->at_ms < SNAPSHOT_AGE_MAX_MS)
        return snapshots->now;
    struct snapshot *snapshot = snapshot__take(snapshots, server, tls_names);
    if (!snapshot) return NULL;
    snapshot__free(snapshots->before);
    snapshots->before = snapshots->now;
    snapshots->now = snapshot;
    return snapshot;
}

void snapshots_keep(struct snapshots *snapshots, struct weir_server *server,
                    const char *const *tls_names)
{
    struct snapshot *snapshot = snapshot__take(snapshots, server, tls_names);
    struct snapshot **oldest = &snapshots->kept[snapshots->kept_count % SNAPSHOT_KEPT_COUNT];

    if (!snapshot) return;
    snapshot__free(*oldest);
    *oldest = snapshot;
    snapshots->kept_count++;
}

const struct snapshot *snapshots_oldest(const struct snapshots *snapshots)
{
    size_t count = snapshots->kept_count;

    if (count == 0) return NULL;
    return snapshots->kept[count < SNAPSHOT_KEPT_COUNT ? 0 : count % SNAPSHOT_KEPT_COUNT];
}

void snapshots_free(struct snapshots *snapshots)
{
    for (size_t i = 0; i < SNAPSHOT_KEPT_COUNT; i++) snapshot__free(snapshots->kept[i]);
    snapshot__free(snapshots->now);
    snapshot__free(snapshots->before);
    *snapshots = (struct snapshots){0};
}
