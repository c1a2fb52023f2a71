/* SPDX-License-Identifier: MIT */
/* observe.h - how long things take (histograms), the groups of a server, and the last frames of one
 * session: for monitoring and for tools. Include <weir/weir.h>, which includes this file.
 *
 * Nothing here makes a worker wait. Histograms are read while the workers write them. Lists and
 * watches are commands that the workers carry out between two events. */
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

/* ---- Groups ---- */

/* A group on one worker at one moment. Weir fills it in; later versions append members. The counts
 * begin when the group gets its first member on this worker. Each broadcast counts once for each
 * member at that time: `offered` is the sum of `delivered` and all dropped_... except dropped_late.
 */
struct weir_group_info {
    const char *name; /* valid during the callback */
    uint32_t worker;  /* from 0 */
    uint32_t members; /* on this worker */
    /* Members whose send queue rose above its high-water mark and has not yet fallen to the
     * low-water mark: sessions that speak to the group by weir_session_broadcast() wait for them.
     */
    uint32_t congested;
    uint64_t offered, delivered; /* a delivered message is queued, or sent (UDP) */
    uint64_t dropped_full;       /* the member's send queue was full: see broadcast_policy */
    uint64_t dropped_closed;     /* the member was closing */
    uint64_t dropped_not_framed; /* the member's codec refused the message */
    uint64_t dropped_no_memory;  /* no buffer or no memory */
    uint64_t dropped_reply;      /* UDP: above a limit on replies */
    /* Queued for a member, and dropped before they were sent: as the oldest ones of a full queue,
     * or because the session ended. A session in several groups counts in each of them. */
    uint64_t dropped_late;
};

#define WEIR_GROUPS_PER_SLICE_MAX 64 /* most groups that one weir_groups_list() shows */

/* What weir_groups_list() shows. Zero the struct, set `size` and both callbacks. */
struct weir_groups_query {
    size_t size;       /* sizeof(struct weir_groups_query) of the author's version */
    uint64_t cursor;   /* 0: from the first group; then the value that on_end received */
    const char *group; /* null: all groups; otherwise only the one of this name; it is copied */
    /* Groups to show, 1 to WEIR_GROUPS_PER_SLICE_MAX; 0: that maximum. Groups whose names have the
     * same hash are never separated, so a slice of few groups can have one more. */
    uint32_t count_max;
    void *user; /* passed to the callbacks */
    /* Called for each group of the worker. *info is valid during the call. Thread: the worker's;
     * the call must not block. */
    void (*on_group)(void *user, const struct weir_group_info *info);
    /* Called once, last. `cursor` continues the list; 0: there are no further groups. May call
     * weir_groups_list() again. Thread: the same. */
    void (*on_end)(void *user, uint64_t cursor);
};

/* Shows a slice of the groups of one worker: those that have members there. A group with members on
 * several workers is shown once for each of them, so add up what belongs to one name. The cursor
 * leads through all workers, as in weir_sessions_list(), and a slice can be empty although others
 * follow. A group that exists on a worker from the first slice to the last is shown exactly once
 * for that worker. *query is copied. Returns:
 *   WEIR_OK            on_end will be called exactly once, also if the server is stopped
 *   WEIR_GONE          the workers from the cursor on have ended
 *   WEIR_MAILBOX_FULL  the worker's mailbox is full
 *   WEIR_INVALID       query->size is wrong, or no group can have this name
 *   WEIR_NO_MEMORY
 * Thread: any, after weir_server_start() returned or inside a handler. */
WEIR_API enum weir_code weir_groups_list(struct weir_server *server,
                                         const struct weir_groups_query *query);

/* ---- Frames of one session ---- */

#define WEIR_WATCHED_BYTES_MAX 256 /* first bytes of a frame that a watch keeps */

/* The last frame of a watched session in one direction. Later versions append members. */
struct weir_watched_frame {
    uint64_t count;          /* frames in this direction since the watch began */
    uint64_t ago_ms;         /* since it was delivered to the handler, or queued for the peer */
    uint64_t frame_length;   /* with its header and trailer; UDP: of the datagram */
    uint64_t message_length; /* without them */
    uint32_t bytes_count; /* of `bytes`: at most WEIR_WATCHED_BYTES_MAX, from the frame's begin */
    uint8_t bytes[WEIR_WATCHED_BYTES_MAX];
};

/* Watches a session for `duration_ms` milliseconds from now on: weir keeps the beginning of its
 * last frame in each direction, and struct weir_session_info shows them (received_frame,
 * sent_frame). A second call changes the duration and keeps the frames; 0 ends the watch. A worker
 * watches at most 16 sessions: a further watch ends the one that would have ended first. Sessions
 * that are not watched pay nothing. Returns:
 *   WEIR_OK            the watch begins when the session's worker reads its mailbox; in a callback
 *                      on that worker, immediately
 *   WEIR_GONE          no open session has this id
 *   WEIR_MAILBOX_FULL  the worker's mailbox is full
 * Without memory for the frames no watch begins. Thread: any, after weir_server_start() returned or
 * inside a handler. */
WEIR_API enum weir_code weir_session_watch(struct weir_server *server, uint64_t id,
                                           uint32_t duration_ms);

#ifdef __cplusplus
}
#endif
#endif
