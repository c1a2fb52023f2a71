/* SPDX-License-Identifier: MIT */
/* memory_watch.c - keeps the memory of one worker below its limit; account.h draws the limit. */
#include "memory_watch.h"

#include <inttypes.h>

#include "check.h"
#include "memory.h"
#include "session.h"
#include "worker.h"

/* Sessions that one look closes. If that is not enough, the next look closes more. */
#define MEMORY_WATCH__CLOSED_MAX 64u
/* How often free memory is returned to the system: faulting it in again costs time. */
#define MEMORY_WATCH__TRIM_NS (1000 * CLOCK_NS_PER_MS)
/* Free buffers that keep their memory, per pool; and freed heap memory that is not worth a call. */
#define MEMORY_WATCH__SPARE_BYTES (UINT64_C(1) << 20)
/* The part of the limit by which charged memory may grow before the next look. */
#define MEMORY_WATCH__GROWTH_PART 64u

/* What the worker holds now. */
struct memory_watch__use {
    struct net_memory net;
    uint64_t heap_bytes; /* charged to the account, and this worker's part of the payloads */
};

static struct memory_watch__use memory_watch__use(const struct worker *worker)
{
    struct worker_common *common = worker->common;
    uint64_t payload_bytes = atomic_load_explicit(&common->payload_bytes, memory_order_relaxed);
    uint32_t workers_count = common->workers_count > 0 ? common->workers_count : 1;

    return (struct memory_watch__use){
        .net = net_memory(worker->net),
        .heap_bytes = worker->account.charged_bytes + payload_bytes / workers_count,
    };
}

/* Whether the worker holds memory that can become free without a further look at it. */
static bool memory_watch__may_free(const struct worker *worker, const struct memory_watch__use *use)
{
    uint64_t bytes = use->net.taken_bytes + use->heap_bytes - worker->account.table_bytes;

    return bytes > 2 * MEMORY_WATCH__SPARE_BYTES;
}

/* ---- marks ---- */

/* Returns the part of the mark, but at least `least_bytes`. */
static uint64_t memory_watch__scaled(uint64_t full_bytes, uint32_t share, uint64_t least_bytes)
{
    uint64_t bytes = full_bytes * share / ACCOUNT_SHARE_FULL;

    weir_check(share <= ACCOUNT_SHARE_FULL);
    if (bytes < least_bytes) bytes = least_bytes;
    return bytes < full_bytes ? bytes : full_bytes;
}

static void memory_watch__set_marks(struct worker *worker, uint32_t share)
{
    uint32_t buffer_bytes = worker->buffer_bytes;

    worker->share = share;
    worker->share_bytes = memory_watch__scaled(worker->high_bytes, share, buffer_bytes);
    worker->pause_bytes =
        (uint32_t)memory_watch__scaled(worker->pause_full_bytes, share, buffer_bytes);
    worker->resume_bytes = (uint32_t)((uint64_t)worker->pause_bytes * worker->resume_full_bytes /
                                      worker->pause_full_bytes);
    weir_check(worker->resume_bytes < worker->pause_bytes);
    weir_check(worker->share_bytes <= worker->high_bytes);
}

static uint64_t memory_watch__streams_used(const struct account *account,
                                           const struct memory_watch__use *use)
{
    uint64_t limit_bytes = account->streams.limit_bytes;

    return limit_bytes > use->net.stream_room_bytes ? limit_bytes - use->net.stream_room_bytes : 0;
}

static uint32_t memory_watch__share(const struct account *account,
                                    const struct memory_watch__use *use)
{
    uint32_t streams = account_share(&account->streams, memory_watch__streams_used(account, use));
    uint32_t memory = account_share(&account->memory, use->net.taken_bytes + use->heap_bytes);

    return streams < memory ? streams : memory;
}

void memory_watch_start(struct worker *worker, uint32_t batch_buffers)
{
    account_set_streams(&worker->account, net_memory(worker->net).stream_room_bytes,
                        (uint64_t)batch_buffers * worker->buffer_bytes);
    memory_watch__set_marks(worker, ACCOUNT_SHARE_FULL);
}

/* ---- the reserve ---- */

static bool memory_watch__is_over(const struct account_part *part, uint64_t used_bytes,
                                  uint64_t leaving_bytes)
{
    weir_check(part->reserve_bytes <= part->limit_bytes);
    return used_bytes > part->limit_bytes - part->reserve_bytes + leaving_bytes;
}

/* Which reserve is in use, and stays so when the sessions that are closing have ended. */
enum memory_watch__short { MEMORY_WATCH__NOTHING, MEMORY_WATCH__STREAMS, MEMORY_WATCH__MEMORY };

static enum memory_watch__short memory_watch__short_of(const struct account *account,
                                                       const struct memory_watch__use *use)
{
    if (memory_watch__is_over(&account->memory, use->net.taken_bytes + use->heap_bytes,
                              account->leaving_bytes))
        return MEMORY_WATCH__MEMORY;
    return memory_watch__is_over(&account->streams, memory_watch__streams_used(account, use),
                                 account->leaving_stream_bytes)
               ? MEMORY_WATCH__STREAMS
               : MEMORY_WATCH__NOTHING;
}

static struct account_search memory_watch__search(const struct worker *worker, bool stale_only)
{
    return (struct account_search){
        .now_ms = (uint32_t)worker->now_ms,
        .stale_ms = worker->config->send_timeout_ms,
        .share_bytes = worker->share_bytes,
        .stale_only = stale_only,
    };
}

static void memory_watch__close(struct worker *worker, struct weir_session *session)
{
    char peer[NET_ADDRESS_TEXT_BYTES];

    weir_check(session->worker == worker);
    weir_check(session->state != SESSION_CLOSING);
    log_limited(&worker->exhausted, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING,
                "closing %s: memory is short, and it holds %" PRIu64
                " bytes; raise memory_max_bytes (--memory) or limit the number of sessions",
                address_peer_text(&session->peer, peer, sizeof peer), account_held_bytes(session));
    session_close(session, WEIR_REASON_EXHAUSTED);
}

/* Closes sessions while the reserve is in use, the one that holds the most first. */
static void memory_watch__relieve(struct worker *worker)
{
    struct account *account = &worker->account;
    struct account_search search = memory_watch__search(worker, false);
    struct memory_watch__use use = memory_watch__use(worker);

    enum memory_watch__short what;

    weir_check(!worker->dispatch.session);
    for (uint32_t i = 0; i < MEMORY_WATCH__CLOSED_MAX; i++) {
        if ((what = memory_watch__short_of(account, &use)) == MEMORY_WATCH__NOTHING) break;
        search.buffers_only = what == MEMORY_WATCH__STREAMS;
        struct weir_session *session = account_find(account, &search);
        if (!session) break;
        memory_watch__close(worker, session);
        use = memory_watch__use(worker);
    }
}

void memory_watch_look(struct memory_watch *watch, struct worker *worker)
{
    struct account *account = &worker->account;
    struct memory_watch__use use = memory_watch__use(worker);
    uint32_t share = memory_watch__share(account, &use);
    thread_counter *memory_bytes = &worker->counters.memory_bytes;

    counter_move(memory_bytes, use.net.taken_bytes + use.heap_bytes, counter_read(memory_bytes));
    if (use.heap_bytes > watch->heap_max_bytes) watch->heap_max_bytes = use.heap_bytes;
    if (share != worker->share) memory_watch__set_marks(worker, share);
    /* Free buffers must not keep the memory that something else needs. */
    if (use.net.resident_bytes + use.heap_bytes >
        account->memory.limit_bytes - account->memory.reserve_bytes)
        net_discard(worker->net, 0);
    memory_watch__relieve(worker);
    account->must_look = share < ACCOUNT_SHARE_FULL;
    account->charged_max_bytes =
        account->charged_bytes + account->memory.limit_bytes / MEMORY_WATCH__GROWTH_PART;
    if (watch->may_free || !memory_watch__may_free(worker, &use)) return;
    watch->may_free = true;
    watch->due_ns = worker->now_ns + MEMORY_WATCH__TRIM_NS;
}

/* ---- from time to time ---- */

/* Closes one session that held more than its share for a whole send timeout: so slowly read peers
 * cannot hold what the others need. */
static void memory_watch__close_stale(struct worker *worker)
{
    struct account_search search = memory_watch__search(worker, true);

    weir_check(!worker->dispatch.session);
    struct weir_session *session = account_find(&worker->account, &search);

    if (session) memory_watch__close(worker, session);
}

/* Returns free memory to the system. */
static void memory_watch__trim(struct memory_watch *watch, struct worker *worker)
{
    struct memory_watch__use use = memory_watch__use(worker);
    uint64_t spare_bytes = MEMORY_WATCH__SPARE_BYTES;

    if (use.net.resident_bytes > use.net.taken_bytes + 2 * spare_bytes)
        net_discard(worker->net, spare_bytes);
    if (watch->heap_max_bytes > use.heap_bytes + spare_bytes) {
        memory_trim();
        watch->heap_max_bytes = use.heap_bytes;
    }
    watch->may_free = memory_watch__may_free(worker, &use);
    watch->due_ns = worker->now_ns + MEMORY_WATCH__TRIM_NS;
}

void memory_watch_sample(struct memory_watch *watch, struct worker *worker)
{
    worker->account.must_look = true;
    if (worker->share < ACCOUNT_SHARE_FULL) memory_watch__close_stale(worker);
    if (watch->may_free && worker->now_ns >= watch->due_ns) memory_watch__trim(watch, worker);
}
