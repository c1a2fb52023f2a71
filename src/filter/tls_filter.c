/* SPDX-License-Identifier: MIT */
/* tls_filter.c - the filter "tls".
 *
 *      listeners -> struct tls_filter -> context (replaced by tls_filter_set(); counted)
 *                        '-> ticket keys (kept)         ^
 *      session's state ---------------------------------'  keeps its context until it ends
 *
 * A handshake costs a server about a millisecond, so a rush of clients must not stop a worker: a
 * worker makes at most 16 steps of handshakes per iteration of its loop, and the rest wait. */
#include "tls_filter.h"

#include "bucket.h"
#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "thread.h"
#include "tls_engine.h"

struct tls_filter {
    struct filter filter;
    struct lock *lock; /* for the next two: taken once per session */
    struct tls_context *context;
    bool requires_http1;
    struct tls_tickets *tickets;                      /* null: of a client */
    _Atomic uint32_t handshakes_max, rate_per_second; /* see struct tls_limits */
    _Atomic uint64_t bucket;                          /* of rate_per_second */
    _Atomic uint64_t handshakes, resumed, failed, refused_full, refused_rate, replaced;
};

/* What the sessions of one worker share. */
struct tls_filter_worker {
    struct tls_worker *tls;
    uint32_t iteration; /* in which `steps` were made */
    uint32_t steps;
    uint32_t unfinished; /* handshakes of clients */
};

struct tls_filter_state {
    struct tls_session *session;
    struct tls_filter *filter; /* the session's reference lasts longer */
    struct tls_filter_worker *worker;
    const struct filter_worker *clock;
    bool is_unfinished; /* it is one of worker->unfinished */
};

static void tls_filter__count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- The filter ---- */

static void tls_filter__free(struct filter *base)
{
    struct tls_filter *filter = (struct tls_filter *)base;

    tls_context_unref(filter->context);
    tls_tickets_unref(filter->tickets);
    lock_free(filter->lock);
    memory_free(filter);
}

struct filter *tls_filter_open(const struct tls_limits *limits)
{
    struct tls_filter *filter = memory_alloc(sizeof *filter);

    if (!filter) return NULL;
    filter->lock = lock_open();
    filter->tickets = filter->lock ? tls_tickets_open() : NULL;
    if (!filter->tickets) {
        tls_filter__free(&filter->filter);
        return NULL;
    }
    filter_init(&filter->filter, &tls_filter_kind, tls_filter__free);
    tls_filter_limit(&filter->filter, limits);
    return &filter->filter;
}

void tls_filter_limit(struct filter *base, const struct tls_limits *limits)
{
    struct tls_filter *filter = (struct tls_filter *)base;

    atomic_store_explicit(&filter->handshakes_max, limits->handshakes_max, memory_order_relaxed);
    atomic_store_explicit(&filter->rate_per_second, limits->rate_per_second, memory_order_relaxed);
}

static enum weir_code tls_filter__refuse_http2(struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "use ALPN protocol", "h2",
                      "a WebSocket needs HTTP/1.1",
                      "remove h2, or give the WebSocket a listener with other TLS settings");
}

enum weir_code tls_filter_load(struct filter *base, const struct weir_tls *settings,
                               struct tls_context **context, struct weir_error *error)
{
    const struct tls_filter *filter = (const struct tls_filter *)base;
    enum weir_code code = tls_context_open(settings, filter->tickets, context, error);

    if (code != WEIR_OK) return code;
    lock_take(filter->lock);
    bool is_wrong = filter->requires_http1 && tls_context_has_protocol(*context, "h2", 2);
    lock_give_back(filter->lock);
    if (!is_wrong) return WEIR_OK;
    tls_context_unref(*context);
    return tls_filter__refuse_http2(error);
}

void tls_filter_replace(struct filter *base, struct tls_context *context)
{
    struct tls_filter *filter = (struct tls_filter *)base;
    struct tls_context *before;

    lock_take(filter->lock);
    before = filter->context;
    filter->context = context;
    lock_give_back(filter->lock);
    tls_context_unref(before); /* its last session may free it later */
    tls_filter__count(&filter->replaced);
}

enum weir_code tls_filter_set(struct filter *base, const struct weir_tls *settings,
                              struct weir_error *error)
{
    struct tls_context *context;
    enum weir_code code = tls_filter_load(base, settings, &context, error);

    if (code == WEIR_OK) tls_filter_replace(base, context);
    return code;
}

enum weir_code tls_filter_require_http1(struct filter *base, struct weir_error *error)
{
    struct tls_filter *filter = (struct tls_filter *)base;

    lock_take(filter->lock);
    bool is_wrong = tls_context_has_protocol(filter->context, "h2", 2);
    if (!is_wrong) filter->requires_http1 = true;
    lock_give_back(filter->lock);
    return is_wrong ? tls_filter__refuse_http2(error) : WEIR_OK;
}

enum weir_code tls_filter_open_client(const struct weir_tls_connect *settings, const char *host,
                                      struct filter **opened, struct weir_error *error)
{
    struct tls_filter *filter = memory_alloc(sizeof *filter);
    enum weir_code code;

    if (filter) filter->lock = lock_open();
    if (!filter || !filter->lock) {
        memory_free(filter);
        return error_fill(error, WEIR_NO_MEMORY, 0, "open TLS settings", NULL, NULL, NULL);
    }
    code = tls_context_open_client(settings, host, &filter->context, error);
    if (code != WEIR_OK) {
        tls_filter__free(&filter->filter);
        return code;
    }
    filter_init(&filter->filter, &tls_filter_kind, tls_filter__free);
    *opened = &filter->filter;
    return WEIR_OK;
}

static struct tls_context *tls_filter__context(struct tls_filter *filter)
{
    struct tls_context *context;

    lock_take(filter->lock);
    weir_check(filter->context != NULL);
    context = tls_context_ref(filter->context);
    lock_give_back(filter->lock);
    return context;
}

void tls_filter_stats(const struct filter *base, struct weir_tls_stats *stats)
{
    struct tls_filter *filter = (struct tls_filter *)base;
    struct tls_context *context = tls_filter__context(filter);

    *stats = (struct weir_tls_stats){
        .handshakes = atomic_load(&filter->handshakes),
        .resumed = atomic_load(&filter->resumed),
        .failed = atomic_load(&filter->failed),
        .refused_full = atomic_load(&filter->refused_full),
        .refused_rate = atomic_load(&filter->refused_rate),
        .replaced = atomic_load(&filter->replaced) - 1,
        .expires_s = tls_context_expires(context),
    };
    tls_context_unref(context);
}

/* ---- Workers ---- */

static void *tls_filter__open_worker(void)
{
    struct tls_filter_worker *worker = memory_alloc(sizeof *worker);

    if (!worker) return NULL;
    worker->tls = tls_worker_open();
    if (worker->tls) return worker;
    memory_free(worker);
    return NULL;
}

static void tls_filter__free_worker(void *context)
{
    struct tls_filter_worker *worker = context;

    weir_check(worker->unfinished == 0);
    tls_worker_free(worker->tls);
    memory_free(worker);
}

/* ---- Sessions ---- */

/* Checks the limits on the handshakes of clients. Returns false, with a text, if one is reached. */
static bool tls_filter__admit(struct tls_filter *filter, const struct tls_filter_worker *worker,
                              uint64_t now_ns, struct filter_error *error)
{
    uint32_t most = atomic_load_explicit(&filter->handshakes_max, memory_order_relaxed);
    uint32_t rate = atomic_load_explicit(&filter->rate_per_second, memory_order_relaxed);

    if (most > 0 && worker->unfinished >= most) {
        tls_filter__count(&filter->refused_full);
        error->reason = WEIR_REASON_TLS;
        filter_fail(error, "too many unfinished TLS handshakes (tls_handshakes_max)");
        return false;
    }
    if (rate > 0 && !bucket_shared_take(&filter->bucket, now_ns, rate, rate)) {
        tls_filter__count(&filter->refused_rate);
        error->reason = WEIR_REASON_TLS;
        filter_fail(error, "too many TLS handshakes per second (tls_handshake_rate)");
        return false;
    }
    return true;
}

static void *tls_filter__open(const struct filter *base, struct filter_worker *clock,
                              struct filter_error *error)
{
    struct tls_filter *filter = (struct tls_filter *)base;
    struct tls_filter_worker *worker = filter_worker_context(clock, &tls_filter_kind);
    struct tls_filter_state *state;
    struct tls_context *context;

    if (!worker) return NULL;
    if (filter->tickets && !tls_filter__admit(filter, worker, clock->now_ns, error)) return NULL;
    state = memory_alloc(sizeof *state);
    if (!state) return NULL;
    context = tls_filter__context(filter);
    state->session = tls_session_open(context, worker->tls);
    tls_context_unref(context); /* the session has its own reference */
    if (!state->session) {
        memory_free(state);
        return NULL;
    }
    state->filter = filter;
    state->worker = worker;
    state->clock = clock;
    state->is_unfinished = filter->tickets != NULL;
    worker->unfinished += state->is_unfinished;
    return state;
}

static void tls_filter__finish(struct tls_filter_state *state)
{
    if (!state->is_unfinished) return;
    state->is_unfinished = false;
    state->worker->unfinished--;
}

static void tls_filter__release(void *context)
{
    struct tls_filter_state *state = context;

    tls_filter__finish(state);
    tls_session_free(state->session);
    memory_free(state);
}

/* Returns false if the worker has made all its steps of this iteration. */
static bool tls_filter__take_step(struct tls_filter_state *state)
{
    struct tls_filter_worker *worker = state->worker;

    if (worker->iteration != state->clock->iteration) {
        worker->iteration = state->clock->iteration;
        worker->steps = 0;
    }
    if (worker->steps == TLS_HANDSHAKE_STEPS_MAX) return false;
    worker->steps++;
    return true;
}

static enum filter_result tls_filter__handshake(struct tls_filter_state *state,
                                                struct filter_io *io)
{
    enum filter_result result;

    if (!tls_filter__take_step(state)) return FILTER_LATER;
    tls_worker_set_now(state->worker->tls, state->clock->now_ns);
    result = tls_session_feed(state->session, io);
    if (result == FILTER_BAD) {
        tls_filter__finish(state); /* the session lingers, without a handshake */
        tls_filter__count(&state->filter->failed);
    }
    if (result != FILTER_OPEN) return result;
    tls_filter__finish(state);
    tls_filter__count(&state->filter->handshakes);
    if (tls_session_is_resumed(state->session)) tls_filter__count(&state->filter->resumed);
    return FILTER_OPEN;
}

static enum filter_result tls_filter__feed(void *context, struct filter_io *io)
{
    struct tls_filter_state *state = context;

    return tls_session_is_open(state->session) ? tls_session_feed(state->session, io)
                                               : tls_filter__handshake(state, io);
}

static size_t tls_filter__seal_max(const void *context, size_t room)
{
    const struct tls_filter_state *state = context;

    return tls_session_seal_max(state->session, room);
}

static bool tls_filter__seal(void *context, const uint8_t *plain, size_t length,
                             struct filter_output *out, struct filter_error *error)
{
    struct tls_filter_state *state = context;

    return tls_session_seal(state->session, plain, length, out, error);
}

static void tls_filter__goodbye(void *context, enum weir_reason reason, struct filter_output *out)
{
    struct tls_filter_state *state = context;

    (void)reason;
    tls_session_goodbye(state->session, out);
}

static size_t tls_filter__held_bytes(const void *context)
{
    const struct tls_filter_state *state = context;

    return tls_session_held_bytes(state->session);
}

bool tls_filter_info(const void *context, struct weir_tls_info *info)
{
    const struct tls_filter_state *state = context;

    return tls_session_info(state->session, info);
}

const struct filter_kind tls_filter_kind = {
    .name = "tls",
    .reason = WEIR_REASON_TLS,
    .transforms = true,
    .open_worker = tls_filter__open_worker,
    .free_worker = tls_filter__free_worker,
    .open = tls_filter__open,
    .feed = tls_filter__feed,
    .seal_max = tls_filter__seal_max,
    .seal = tls_filter__seal,
    .goodbye = tls_filter__goodbye,
    .held_bytes = tls_filter__held_bytes,
    .release = tls_filter__release,
};
