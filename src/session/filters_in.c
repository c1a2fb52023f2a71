/* SPDX-License-Identifier: MIT */
/* filters_in.c - the received bytes of a session with filters.
 *
 *      NET_RECEIVED -> [ wire ] -> filters that open, one after the other --> OPEN, on_open
 *                         '-> the filter that transforms -> plain buffer -> filters that open above
 *                                                                '-> inbound.c: codec, handler
 *
 * Wire bytes are used only while the session may decode; otherwise they wait, and receiving is off.
 * Each call of a filter has a buffer for what it originates. Without one, or without one for plain
 * bytes, the input waits until the pool has a buffer (needs_buffer): the flush looks.
 *
 * Once a filter has reported the end of the peer's stream, later wire bytes are discarded. The
 * session sends its answers, and waits for the peer's FIN as after a finish. */
#include "filters_in.h"

#include "account.h"
#include "check.h"
#include "filters.h"
#include "filters_opening.h"
#include "filters_out.h"
#include "inbound.h"
#include "session.h"
#include "worker.h"

/* Most received bytes before all filters are open. */
#define FILTERS_IN__OPENING_BYTES_MAX (64u * 1024)

/* ---- one call of a filter ---- */

/* Makes the state of the filter, for its first byte. Returns false after ending the session. */
static bool filters_in__make_state(struct weir_session *session, uint32_t index)
{
    struct filters_worker *shared = session->worker->filters;
    struct filters_one *one = &session->filters->chain[index];
    struct filter_error error = {.reason = WEIR_REASON_EXHAUSTED};

    shared->filter.now_ns = session->worker->now_ns;
    shared->filter.now_ms = session->worker->now_ms;
    one->state = one->filter->kind->open(one->filter, &shared->filter, &error);
    if (one->state)
        filters_charge(session, index);
    else if (error.text[0] != '\0')
        filters_opening_fail(session, index, &error);
    else
        session_close(session, error.reason);
    return one->state != NULL;
}

/* The pool is empty: the input waits. Returns false. */
static bool filters_in__lacks_buffer(struct weir_session *session)
{
    session->filters->needs_buffer = true;
    worker_flush_later(session->worker, session);
    return false;
}

/* Checks what a filter did with its arguments. */
static void filters_in__check(const struct filter_io *io, size_t before, enum filter_result result)
{
    size_t used = before - io->in_length;
    size_t appended = io->out->length + (io->plain ? io->plain->length : 0);

    weir_check(io->in_length <= before);
    weir_check(io->out->length <= io->out->max);
    weir_check(!io->plain || io->plain->length <= io->plain->max);
    weir_check(result != FILTER_MORE || io->in_length == 0);
    weir_check(result != FILTER_AGAIN || used + appended > 0);
}

/* Calls feed of filter `index` with the bytes of `in` (null: without), which it shortens, and
 * appends to `plain` (null: it has none). Queues what the filter originates. */
static enum filter_result filters_in__feed(struct weir_session *session, uint32_t index,
                                           struct net_buffer *in, struct net_buffer *plain,
                                           struct filter_error *error)
{
    struct worker *worker = session->worker;
    struct filters_worker *shared = worker->filters;
    struct filters_one *one = &session->filters->chain[index];
    struct filter_output plain_out = {NULL, 0, 0};
    struct filter_output out = {shared->spare->bytes, 0, shared->spare->capacity};
    struct filter_io io = {.out = &out, .error = error, .wake_ms = UINT64_MAX};
    size_t before = in ? in->length : 0;

    if (in) io.in = in->bytes;
    io.in_length = before;
    if (plain) {
        plain_out = (struct filter_output){plain->bytes, 0, plain->capacity};
        io.plain = &plain_out;
    }
    shared->filter.iteration = worker->work.iteration;
    shared->filter.now_ns = worker->now_ns;
    shared->filter.now_ms = worker->now_ms;
    enum filter_result result = one->filter->kind->feed(one->state, &io);
    filters_in__check(&io, before, result);
    if (in) {
        in->bytes += before - io.in_length;
        in->length = (uint32_t)io.in_length;
    }
    if (plain) plain->length = (uint32_t)plain_out.length;
    if (index == session->filters->at) session->filters->wake_ms = io.wake_ms;
    if (io.serves) session->filters->serves = true;
    filters_charge(session, index);
    filters_out_add(session, index, (uint32_t)out.length);
    return result;
}

/* Gives the first wire buffer back when it is used up. */
static void filters_in__pop_wire(struct weir_session *session)
{
    struct filters *filters = session->filters;
    struct net_buffer *buffer = filters->wire;

    if (!buffer || buffer->length > 0) return;
    filters->wire = buffer->next;
    session->unread_bytes -= buffer->capacity;
    net_give_back(session->worker->net, buffer);
}

/* The same for the plain buffer. */
static void filters_in__pop_plain(struct weir_session *session)
{
    struct filters *filters = session->filters;
    struct net_buffer *buffer = filters->plain;

    if (!buffer || buffer->length > 0) return;
    filters->plain = NULL;
    session->unread_bytes -= buffer->capacity;
    net_give_back(session->worker->net, buffer);
}

/* Passes a buffer of plain bytes on, behind all filters. */
static void filters_in__deliver(struct weir_session *session, struct net_buffer *plain)
{
    session->filters->must_respond = session->filters->responds;
    inbound_add(session, plain);
}

/* Takes over what the filter that transforms has made. */
static void filters_in__take_plain(struct weir_session *session, struct net_buffer *plain)
{
    struct filters *filters = session->filters;

    weir_check(!session_is_ending(session)); /* wire bytes need no memory but the buffer */
    if (plain->length == 0) {
        net_give_back(session->worker->net, plain);
    } else if (filters_are_open(filters)) {
        filters_in__deliver(session, plain);
    } else {
        weir_check(!filters->plain);
        filters->plain = plain;
        session->unread_bytes += plain->capacity;
    }
}

/* ---- the end of the peer's stream ---- */

/* Whether the stream is complete although TLS does not say so: its codec delimits frames, and
 * stands between two of them. */
static bool filters_in__is_whole(const struct weir_session *session)
{
    return session->service->framing_codec->decode && !session->frame_partial;
}

static void filters_in__on_fin(struct weir_session *session)
{
    const struct filters *filters = session->filters;

    weir_check(!session->peer_ended);
    session->peer_done = true;
    if (filters_are_open(filters)) {
        if (filters_transform(filters) && !filters_in__is_whole(session))
            session_finish(session, WEIR_REASON_TRUNCATED);
        else
            inbound_end(session);
    } else if (filters_opening_is_idle(session)) { /* it has checked the server */
        session_finish(session, WEIR_REASON_PEER_DONE);
    } else {
        filters_opening_fail_text(session, "the peer closed the connection before it was open");
    }
}

/* Passes the end of the peer's stream on, behind all input. Returns whether to go on. */
static bool filters_in__end(struct weir_session *session)
{
    struct filters *filters = session->filters;

    if (filters->end_waits) {
        filters->end_waits = false;
        if (filters_are_open(filters))
            inbound_end(session);
        else
            filters_opening_fail_text(session, "the peer ended its stream before it was open");
        return true;
    }
    if (!filters->fin_waits) return false;
    filters->fin_waits = false;
    filters_in__on_fin(session);
    return true;
}

/* A filter has reported the end of the stream: only FIN can follow. */
static void filters_in__on_end(struct weir_session *session)
{
    struct filters *filters = session->filters;

    session->peer_ended = filters->end_waits = true;
    if (filters->fin_waits) session->peer_done = true;
    filters->fin_waits = false;
    filters->again = false;
    while (filters->wire) {
        filters->wire->length = 0;
        filters_in__pop_wire(session);
    }
}

/* ---- steps ---- */

/* Whether a filter can be called now: with a buffer for what it originates, and a send queue below
 * the mark. */
static bool filters_in__may_feed(struct weir_session *session)
{
    if (session->queue.pinned_bytes >= session->worker->pause_bytes &&
        !filters_are_upgrading(session->filters))
        return false;
    if (filters_reserve(session->worker)) return true;
    return filters_in__lacks_buffer(session);
}

/* Acts on what a filter returned. Returns whether to go on. */
static bool filters_in__act(struct weir_session *session, uint32_t index, enum filter_result result,
                            const struct filter_error *error)
{
    struct filters *filters = session->filters;
    bool *again = index == filters->at ? &filters->must_feed : &filters->again;

    switch (result) {
    case FILTER_MORE: break;
    case FILTER_AGAIN: *again = true; break;
    case FILTER_LATER: *again = true; return false;
    case FILTER_OPEN: filters_opening_advance(session, index); break;
    case FILTER_END: filters_in__on_end(session); break;
    case FILTER_BAD:
    default: weir_check(result == FILTER_BAD); filters_opening_fail(session, index, error);
    }
    return true;
}

/* Calls a filter with the first wire buffer, and counts what it uses before the connection is open.
 * Returns whether to go on. */
static bool filters_in__feed_wire(struct weir_session *session, uint32_t index,
                                  struct net_buffer *plain)
{
    struct filters *filters = session->filters;
    struct filter_error error = {.reason = filters->chain[index].filter->kind->reason};
    uint32_t before = filters->wire ? filters->wire->length : 0;
    bool was_open = filters_are_open(filters);
    enum filter_result result = filters_in__feed(session, index, filters->wire, plain, &error);
    if (!was_open) filters->opening_bytes += before - (filters->wire ? filters->wire->length : 0);
    filters_in__pop_wire(session);
    if (plain) filters_in__take_plain(session, plain);
    if (session_is_ending(session)) return false; /* by the handler, or memory was exhausted */
    if (filters->seal_waits) worker_flush_later(session->worker, session);
    if (filters->opening_bytes > FILTERS_IN__OPENING_BYTES_MAX) {
        filters_opening_fail_text(session, "more than 65536 bytes came before it was open");
        return false;
    }
    return filters_in__act(session, index, result, &error);
}

/* Calls the filter that transforms. Returns whether to go on. */
static bool filters_in__transform(struct weir_session *session)
{
    struct filters *filters = session->filters;

    if (!filters->wire && !filters->again) return filters_in__end(session);
    if (!filters_in__may_feed(session)) return false;
    struct net_buffer *plain = net_take(session->worker->net, 1);
    if (!plain) return filters_in__lacks_buffer(session);
    filters->again = false;
    return filters_in__feed_wire(session, filters->transform, plain);
}

/* Calls a filter that opens with the bytes of the filter that transforms. */
static bool filters_in__feed_plain(struct weir_session *session, uint32_t index)
{
    struct filters *filters = session->filters;
    struct filter_error error = {.reason = filters->chain[index].filter->kind->reason};

    enum filter_result result = filters_in__feed(session, index, filters->plain, NULL, &error);
    if (session_is_ending(session)) return false; /* memory was exhausted */
    filters_in__pop_plain(session);
    return filters_in__act(session, index, result, &error);
}

/* Calls the filter that opens. Returns whether to go on. */
static bool filters_in__open(struct weir_session *session)
{
    struct filters *filters = session->filters;
    bool is_above = filters_transform(filters);
    bool has_input = (is_above ? filters->plain : filters->wire) != NULL;

    if (!has_input && !filters->must_feed)
        return is_above ? filters_in__transform(session) : filters_in__end(session);
    if (!filters_in__may_feed(session)) return false;
    if (!filters->chain[filters->at].state && !filters_in__make_state(session, filters->at))
        return false;
    filters->must_feed = false;
    return is_above ? filters_in__feed_plain(session, filters->at)
                    : filters_in__feed_wire(session, filters->at, NULL);
}

/* Lets a filter respond to what was decoded. */
static void filters_in__respond_one(struct weir_session *session, uint32_t index)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    struct filters_one *one = &filters->chain[index];
    struct filter_error error = {.reason = one->filter->kind->reason};
    struct net_buffer *buffer = worker->filters->spare;
    struct filter_output out = {buffer->bytes, 0, buffer->capacity};
    struct filter_response response = {
        .now_ms = worker->now_ms, .wake_ms = UINT64_MAX, .out = &out, .error = &error};

    response.is_reading = !session_is_paused(session);
    response.is_sending = session->send_out || !send_queue_is_empty(&session->queue);
    enum filter_result result = one->filter->kind->respond(one->state, &response);
    weir_check(out.length <= out.max);
    weir_check(result != FILTER_AGAIN || out.length > 0);
    filters->wake_ms = response.wake_ms;
    counter_add(&worker->counters.websocket_pings, response.controls_count);
    filters_charge(session, index);
    filters_out_add(session, index, (uint32_t)out.length);
    if (session_is_ending(session)) return; /* memory was exhausted */
    session_update_deadline(session);
    if (result == FILTER_MORE) return;
    if (result == FILTER_AGAIN)
        filters->must_respond = true;
    else
        filters_in__act(session, index, result, &error);
}

/* The filters respond to what was decoded. Returns whether to go on. */
static bool filters_in__respond(struct weir_session *session)
{
    struct filters *filters = session->filters;
    uint32_t index = 0;

    if (!filters_in__may_feed(session)) return false;
    filters->must_respond = false;
    while (!filters->chain[index].filter->kind->respond) index++; /* `responds`: there is one */
    filters_in__respond_one(session, index);
    return true;
}

/* Takes the first buffer that waits behind the filters; null: there is none. */
static struct net_buffer *filters_in__take(struct weir_session *session)
{
    struct filters *filters = session->filters;
    struct net_buffer *buffer = filters->plain;

    if (buffer) {
        filters->plain = NULL;
    } else {
        buffer = filters->wire;
        if (!buffer) return NULL;
        filters->wire = buffer->next;
    }
    session->unread_bytes -= buffer->capacity;
    return buffer;
}

/* Passes on what needs no filter any longer. Returns whether to go on. */
static bool filters_in__pass(struct weir_session *session)
{
    struct net_buffer *buffer = filters_in__take(session);

    if (!buffer) return filters_in__end(session);
    filters_in__deliver(session, buffer);
    return true;
}

/* Runs the next piece of input of an open session. Returns whether to go on. */
static bool filters_in__step_open(struct weir_session *session)
{
    struct filters *filters = session->filters;

    if (filters->passes) return filters_in__pass(session);
    if (filters->must_respond) return filters_in__respond(session);
    if (session->unread) {
        inbound_continue(session);
        filters->must_respond = filters->responds;
        return session->state == SESSION_OPEN && !session->unread;
    }
    if (!inbound_may_decode(session)) return false;
    if (!filters->plain && filters_transform(filters)) return filters_in__transform(session);
    return filters_in__pass(session);
}

/* Whether input is still used. */
static bool filters_in__may_step(const struct weir_session *session)
{
    return session->state == SESSION_OPENING || session->state == SESSION_OPEN;
}

/* Does the next thing. Returns whether to go on. */
static bool filters_in__step(struct weir_session *session)
{
    struct filters *filters = session->filters;

    if (!filters_in__may_step(session)) return false;
    if (filters->must_look && !filters_opening_look(session)) return false;
    return filters_are_open(filters) ? filters_in__step_open(session) : filters_in__open(session);
}

/* Whether something waits before a filter. */
static bool filters_in__has_input(const struct filters *filters)
{
    weir_check(!filters->must_look); /* the first step has looked */
    return filters->wire || filters->plain || filters->must_feed || filters->again ||
           filters->end_waits || filters->fin_waits || filters->must_respond;
}

void filters_in_continue(struct weir_session *session)
{
    struct filters *filters = session->filters;

    session_check(session);
    if (filters->passes) {
        inbound_continue(session);
        return;
    }
    while (filters_in__step(session)) continue;
    if (session->state == SESSION_CLOSING) return;
    session->wire_unread = filters_in__may_step(session) && filters_in__has_input(filters);
    account_list(&session->worker->account, session);
    session_account(session);
    session_update_receiving(session);
    if (!session->wire_unread && !session->unread && !session->end_unread)
        worker_read_not(session->worker, session); /* what waited was used */
    if (filters->wake_ms != UINT64_MAX) session_update_deadline(session);
}

void filters_in_wake(struct weir_session *session)
{
    struct filters *filters = session->filters;

    filters->wake_ms = UINT64_MAX;
    if (filters_are_open(filters))
        filters->must_respond = true;
    else
        filters->must_feed = true;
    filters_in_continue(session);
}

/* ---- events ---- */

void filters_in_on_received(struct weir_session *session, struct net_buffer *buffer)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    struct net_buffer **link = &filters->wire;

    session_check(session);
    weir_check(buffer->length > 0);
    weir_check(!session->peer_done && !filters->fin_waits);
    if (filters->passes) {
        inbound_on_received(session, buffer);
        return;
    }
    counter_add(&worker->counters.bytes_in, buffer->length);
    session->bytes_in += buffer->length;
    if (session->peer_ended || session_is_ending(session)) {
        net_give_back(worker->net, buffer);
        return;
    }
    session->timestamps.received_ms = (uint32_t)worker->now_ms;
    while (*link) link = &(*link)->next;
    buffer->next = NULL;
    *link = buffer;
    session->unread_bytes += buffer->capacity;
    filters_in_continue(session);
}

void filters_in_on_peer_done(struct weir_session *session)
{
    struct filters *filters = session->filters;

    session_check(session);
    weir_check(!session->peer_done && !filters->fin_waits);
    if (session->state == SESSION_CLOSING) return;
    if (filters->passes) {
        inbound_on_peer_done(session);
    } else if (filters_in__may_step(session) && !session->peer_ended) {
        filters->fin_waits = true;
        filters_in_continue(session);
    } else {
        session->peer_done = true;
        worker_flush_later(session->worker, session);
    }
}
