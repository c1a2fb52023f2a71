/* SPDX-License-Identifier: MIT */
/* metrics_histograms.c - see metrics_histograms.h. The server's buckets are finer than monitoring
 * needs: they are added up to three per decade, whose bounds are among the server's. */
#include "metrics_histograms.h"

#define METRICS_HISTOGRAMS__US UINT64_C(1000)
#define METRICS_HISTOGRAMS__MS UINT64_C(1000000)

static const uint64_t metrics_histograms__bounds_ns[] = {
    METRICS_HISTOGRAMS__US,        2500,
    5 * METRICS_HISTOGRAMS__US,    10 * METRICS_HISTOGRAMS__US,
    25 * METRICS_HISTOGRAMS__US,   50 * METRICS_HISTOGRAMS__US,
    100 * METRICS_HISTOGRAMS__US,  250 * METRICS_HISTOGRAMS__US,
    500 * METRICS_HISTOGRAMS__US,  METRICS_HISTOGRAMS__MS,
    2500 * METRICS_HISTOGRAMS__US, 5 * METRICS_HISTOGRAMS__MS,
    10 * METRICS_HISTOGRAMS__MS,   25 * METRICS_HISTOGRAMS__MS,
    50 * METRICS_HISTOGRAMS__MS,   100 * METRICS_HISTOGRAMS__MS,
    250 * METRICS_HISTOGRAMS__MS,  500 * METRICS_HISTOGRAMS__MS,
    1000 * METRICS_HISTOGRAMS__MS, 2500 * METRICS_HISTOGRAMS__MS,
    5000 * METRICS_HISTOGRAMS__MS, 10000 * METRICS_HISTOGRAMS__MS,
};

/* Writes one histogram, with the labels that were added. Bounds below the first bucket are left
 * out: what it counts is not known more exactly. */
static void metrics_histograms__one(struct exposition *exposition,
                                    const struct weir_histogram *histogram)
{
    size_t count = sizeof metrics_histograms__bounds_ns / sizeof metrics_histograms__bounds_ns[0];
    uint64_t cumulative = 0;
    uint32_t at = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t bound = metrics_histograms__bounds_ns[i];
        if (histogram->buckets_count == 0 || bound < histogram->upper_ns[0]) continue;
        while (at < histogram->buckets_count && histogram->upper_ns[at] <= bound)
            cumulative += histogram->counts[at++];
        exposition_bucket(exposition, bound, cumulative);
    }
    while (at < histogram->buckets_count) cumulative += histogram->counts[at++];
    exposition_bucket(exposition, UINT64_MAX, cumulative);
    exposition_sum(exposition, histogram->sum_ns, cumulative);
}

static void metrics_histograms__workers(struct exposition *exposition,
                                        const struct weir_server *server, uint32_t workers_count)
{
    struct weir_histogram histogram;

    exposition_family(exposition, "loop_iteration_seconds", EXPOSITION_HISTOGRAM,
                      "Duration of the iterations of a worker's event loop.");
    for (uint32_t worker = 0; worker < workers_count; worker++) {
        if (weir_server_histogram(server, WEIR_HISTOGRAM_ITERATION, worker, &histogram) != WEIR_OK)
            continue;
        exposition_label_u64(exposition, "worker", worker);
        metrics_histograms__one(exposition, &histogram);
    }
}

static void metrics_histograms__handlers(struct exposition *exposition,
                                         const struct weir_server *server,
                                         const struct snapshot *snapshot)
{
    struct weir_histogram histogram;

    exposition_family(exposition, "handler_seconds", EXPOSITION_HISTOGRAM,
                      "Duration of a handler's on_message, of a sample of its calls.");
    for (size_t i = 0; i < snapshot->listeners_count; i++) {
        const struct weir_listener_info *listener = &snapshot->listeners[i];
        if (weir_server_histogram(server, WEIR_HISTOGRAM_HANDLER, listener->id, &histogram) !=
            WEIR_OK)
            continue;
        exposition_label_u64(exposition, "listener", listener->id);
        exposition_label(exposition, "handler", listener->handler);
        metrics_histograms__one(exposition, &histogram);
    }
}

void metrics_histograms_write(struct exposition *exposition, const struct weir_server *server,
                              const struct snapshot *snapshot)
{
    struct weir_histogram histogram;

    metrics_histograms__workers(exposition, server, snapshot->workers_count);
    metrics_histograms__handlers(exposition, server, snapshot);
    if (weir_server_histogram(server, WEIR_HISTOGRAM_OPENING, WEIR_WORKERS_ALL, &histogram) !=
        WEIR_OK)
        return;
    exposition_family(exposition, "opening_seconds", EXPOSITION_HISTOGRAM,
                      "Time from accept until the filters of a session are open.");
    metrics_histograms__one(exposition, &histogram);
}
