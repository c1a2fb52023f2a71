/* SPDX-License-Identifier: MIT */
/* observe.h - how long things take: histograms, for monitoring. Include <weir/weir.h>, which
 * includes this file. Nothing here makes a worker wait: histograms are read while the workers write
 * them. */
#ifndef WEIR_OBSERVE_H
#define WEIR_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_server;

/* ---- Histograms ---- */

/* What a histogram counts. */
enum weir_histogram_kind {
    /* Duration of loop iterations: from the end of one wait for the system to the start of the
     * next. What arrives meanwhile waits for that long. A loop iteration that only hands out
     * recorded results does not wait: it counts as a short one, and its time belongs to the
     * iteration before it. Iterations up to 500 us share the first bucket. On epoll and Windows
     * those after which no timer was pending are counted there, too, and not in `sum_ns`. */
    WEIR_HISTOGRAM_ITERATION = 1,
    /* Time from accept or connect until on_open, of sessions with filters (PROXY protocol, TLS,
     * WebSocket). Measured with the time at which each batch of events begins. */
    WEIR_HISTOGRAM_OPENING,
    /* Duration of on_message. Ten times a second, each worker selects up to 64 sessions of which
     * data has just arrived, and measures their next call of on_message. So the counts are those of
     * a sample, not of all calls. */
    WEIR_HISTOGRAM_HANDLER,
};

#define WEIR_HISTOGRAM_BUCKETS_MAX 80

#define WEIR_WORKERS_ALL UINT32_MAX /* the sum over all workers */

/* How often durations occurred, since the start of the server. Bucket i counts those above
 * upper_ns[i - 1] (i > 0) and up to upper_ns[i]. The bounds of a kind never change while the server
 * runs, and each is 20 to 27 percent above the one before. The last one is UINT64_MAX; the one
 * before it is 10 seconds. */
struct weir_histogram {
    uint64_t count;         /* sum of all `counts` */
    uint64_t sum_ns;        /* of the durations; divided by `count` it is their mean */
    uint32_t buckets_count; /* at most WEIR_HISTOGRAM_BUCKETS_MAX */
    uint64_t upper_ns[WEIR_HISTOGRAM_BUCKETS_MAX];
    uint64_t counts[WEIR_HISTOGRAM_BUCKETS_MAX];
};

/* Fills in the first `size` bytes of *histogram. Call weir_server_histogram() instead. */
WEIR_API enum weir_code weir_server_histogram_sized(const struct weir_server *server,
                                                    enum weir_histogram_kind kind, uint32_t which,
                                                    struct weir_histogram *histogram, size_t size);

/* Fills in a histogram. `which` is
 *   WEIR_HISTOGRAM_ITERATION, WEIR_HISTOGRAM_OPENING   a worker, from 0, or WEIR_WORKERS_ALL
 *   WEIR_HISTOGRAM_HANDLER   the id of a listener (struct weir_listener_info), for its sessions on
 *                            all workers; 0: all outbound sessions (weir_connect())
 * Returns WEIR_OK; WEIR_GONE: there is no such worker or listener; WEIR_INVALID: there is no such
 * kind. Unless it returns WEIR_OK, *histogram is empty: all members are 0. Thread: any, except
 * while weir_server_start() runs. */
static inline enum weir_code weir_server_histogram(const struct weir_server *server,
                                                   enum weir_histogram_kind kind, uint32_t which,
                                                   struct weir_histogram *histogram)
{
    return weir_server_histogram_sized(server, kind, which, histogram, sizeof *histogram);
}

/* Subtracts an earlier state of the same histogram: what is left are the durations since then. An
 * `earlier` with no buckets subtracts nothing. Thread: any. */
WEIR_API void weir_histogram_subtract(struct weir_histogram *histogram,
                                      const struct weir_histogram *earlier);

/* Returns a duration that `permille` of 1000 durations do not exceed: 500 is the median, 990 the
 * 99th percentile. It is interpolated inside a bucket; from 10 seconds on it is 10 seconds. Returns
 * 0 if the histogram is empty. Thread: any. */
WEIR_API uint64_t weir_histogram_percentile_ns(const struct weir_histogram *histogram,
                                               uint32_t permille);

#ifdef __cplusplus
}
#endif
#endif
