/* SPDX-License-Identifier: MIT */
/* filters_out.c - the sent bytes of a session with filters.
 *
 *      send queue:  [ wire bytes ][ plain bytes ... ]
 *                         |              | seal, at flush
 *                         '------+-------'
 *                                v
 *                             net_send                 then goodbye, then FIN
 *
 * What the filters originate goes to the front of the queue, behind other wire bytes: it leaves in
 * the order in which it was made. Plain bytes are sealed when they are sent, and not before, at
 * most FILTERS_OUT__BATCH_BYTES at a time: so the queue holds plain text, broadcast payloads stay
 * shared, and the memory beyond the high-water mark is one batch. The buffer for wire bytes is
 * taken before bytes are sealed into it, so sealing never stops half way.
 *
 * A wire buffer has no room (net_room), so that nothing can be appended to it. */
#include "filters_out.h"

#include <string.h>

#include "check.h"
#include "filters.h"
#include "session.h"
#include "session_back.h"
#include "worker.h"

/* Most plain bytes of one send. */
#define FILTERS_OUT__BATCH_BYTES (64u * 1024)

/* ---- what filters originate ---- */

/* Moves the bytes to the end of the buffer. One without room may refer to the program's memory
 * (net_wrap), to which nothing may be written. */
static void filters_out__close_room(struct net_buffer *buffer)
{
    uint32_t room = net_room(buffer);

    if (room == 0) return;
    memmove(buffer->bytes + room, buffer->bytes, buffer->length);
    buffer->bytes += room;
}

void filters_out_begin(struct weir_session *session)
{
    struct net_buffer *last = session->queue.last;

    weir_check(session->queue.shares_count == 0);
    weir_check(!session->filters->wire_last);
    if (last) filters_out__close_room(last); /* what is queued later is not appended to it */
    session->filters->wire_last = last;
}

static void filters_out__queue(struct weir_session *session, uint32_t index, uint32_t length)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    struct net_buffer *buffer = worker->filters->spare;

    weir_check(session->state != SESSION_CLOSING);
    weir_check(length > 0);
    if (filters_transform(filters) && index > filters->transform) {
        session_send_or_close(session, buffer->bytes, length);
        return;
    }
    worker->filters->spare = NULL;
    buffer->length = length;
    if (filters->transform < filters->count) {
        filters_out__close_room(buffer);
        send_queue_insert(&session->queue, filters->wire_last, buffer);
        filters->wire_last = buffer;
    } else {
        send_queue_add(&session->queue, worker->net, buffer);
    }
    session_account(session);
    worker_flush_later(worker, session);
}

void filters_out_add(struct weir_session *session, uint32_t index, uint32_t length)
{
    if (length > 0 && session->filters->goodbyes_left > index)
        filters_out__queue(session, index, length);
}

/* ---- sealing ---- */

/* One send that is being put together. */
struct filters_out__batch {
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    uint32_t count;
    struct net_buffer *open; /* sealed bytes are appended to it; not in `buffers` yet */
    uint32_t plain_bytes;
    uint32_t flight_before_bytes;
    bool needs_buffer; /* nothing can be sent, because the pool is empty */
    bool must_wait;    /* plain bytes cannot be sealed before more input has come */
    bool has_failed;   /* sealing failed: see the error */
    struct filter_error error;
};

static void filters_out__take_wire(struct weir_session *session, struct filters_out__batch *batch)
{
    struct filters *filters = session->filters;

    while (filters->wire_last && batch->count < NET_SEND_BUFFERS_MAX) {
        struct net_buffer *buffer = send_queue_take_first(&session->queue);
        if (buffer == filters->wire_last) filters->wire_last = NULL;
        batch->buffers[batch->count++] = buffer;
    }
}

/* Adds the sealed bytes to the send. */
static void filters_out__end_buffer(struct weir_session *session, struct filters_out__batch *batch)
{
    struct net_buffer *buffer = batch->open;

    batch->open = NULL;
    if (!buffer) return;
    if (buffer->length == 0) {
        net_give_back(session->worker->net, buffer);
        return;
    }
    send_queue_add_flight(&session->queue, buffer);
    batch->buffers[batch->count++] = buffer;
}

/* Takes an empty buffer for sealed bytes. Returns false if the send is full, or the pool is empty.
 */
static bool filters_out__take_buffer(struct weir_session *session, struct filters_out__batch *batch)
{
    filters_out__end_buffer(session, batch);
    if (batch->count == NET_SEND_BUFFERS_MAX) return false;
    batch->open = net_take(session->worker->net, 1);
    return batch->open != NULL;
}

/* Seals the next plain bytes. Returns false if nothing else can be sealed now. */
static bool filters_out__seal(struct weir_session *session, struct filters_out__batch *batch)
{
    struct filters_one *one = &session->filters->chain[session->filters->transform];
    const struct filter_kind *kind = one->filter->kind;
    const uint8_t *bytes;

    /* A piece is not divided to fill the rest of a buffer: each part costs as much as a whole. */
    size_t fits = batch->open ? kind->seal_max(one->state, net_room(batch->open)) : 0;
    uint32_t max = session->queue.first->length;
    if (fits < max) {
        if (!filters_out__take_buffer(session, batch)) return false;
        max = (uint32_t)kind->seal_max(one->state, net_room(batch->open));
        batch->must_wait = max == 0; /* every buffer has room for something */
        if (batch->must_wait) return false;
    }
    if (max > FILTERS_OUT__BATCH_BYTES - batch->plain_bytes)
        max = FILTERS_OUT__BATCH_BYTES - batch->plain_bytes;
    uint32_t length =
        send_queue_peek(&session->queue, max, session->worker->filters->scratch, &bytes);
    struct net_buffer *buffer = batch->open;
    struct filter_output out = {buffer->bytes, buffer->length, buffer->length + net_room(buffer)};
    batch->has_failed = !kind->seal(one->state, bytes, length, &out, &batch->error);
    if (batch->has_failed) return false;
    weir_check(out.length > buffer->length && out.length <= out.max);
    buffer->length = (uint32_t)out.length;
    send_queue_skip(&session->queue, session->worker->net, length);
    batch->plain_bytes += length;
    return batch->plain_bytes < FILTERS_OUT__BATCH_BYTES;
}

/* Whether plain bytes can be sealed now. Above the mark that must wait for the release of what is
 * in flight, because it takes a buffer. */
static bool filters_out__may_seal(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;

    if (send_queue_is_empty(queue) || !filters_transform(session->filters)) return false;
    return queue->flight_bytes == 0 || queue->pinned_bytes < session->worker->pause_bytes;
}

/* Puts a send together: first wire bytes, then sealed plain ones. */
static void filters_out__take(struct weir_session *session, struct filters_out__batch *batch)
{
    struct filters *filters = session->filters;

    filters_out__take_wire(session, batch);
    if (filters->wire_last || !filters_out__may_seal(session)) return;
    batch->error.reason = WEIR_REASON_EXHAUSTED;
    while (!send_queue_is_empty(&session->queue) && filters_out__seal(session, batch)) continue;
    batch->needs_buffer = !batch->open && batch->count == 0;
    filters_out__end_buffer(session, batch);
    filters_charge(session, filters->transform);
}

/* ---- flush ---- */

/* The loop tries again when the pool has buffers. */
static void filters_out__wait(struct weir_session *session)
{
    if (!list_has(&session->in_pending_flush))
        list_add_last(&session->worker->waiting_for_buffers, &session->in_pending_flush);
}

static void filters_out__post(struct weir_session *session, struct filters_out__batch *batch)
{
    struct send_queue *queue = &session->queue;
    uint32_t before_bytes = batch->flight_before_bytes;

    session->send_out = true;
    net_send(session->worker->net, session->handle, batch->buffers, batch->count);
    if (before_bytes > 0)
        queue->later_bytes += queue->flight_bytes - before_bytes;
    else
        session_start_send_deadline(session);
}

/* The peer has as long to send what sealing waits for as it has for reading what is sent. */
static void filters_out__note_wait(struct weir_session *session, bool must_wait)
{
    struct filters *filters = session->filters;
    bool waited = filters->seal_waits;

    filters->seal_waits = must_wait && session->queue.flight_bytes == 0; /* else its end flushes */
    if (filters->seal_waits && !waited) session_start_send_deadline(session);
}

static void filters_out__send(struct weir_session *session)
{
    struct filters_out__batch batch = {.flight_before_bytes = session->queue.flight_bytes};

    if (session->filters->transform == session->filters->count) { /* all of it goes as it is */
        session_send_queued(session);
        return;
    }
    filters_out__take(session, &batch);
    session_account(session);
    if (batch.count > 0) filters_out__post(session, &batch);
    filters_out__note_wait(session, batch.must_wait);
    if (batch.needs_buffer) filters_out__wait(session);
    if (!batch.has_failed) return;
    session->loses_output = true;
    session_note_failure(session, batch.error.text);
    session_close(session, batch.error.reason);
}

/* Received bytes waited for a buffer, and the pool has one. */
static void filters_out__retry_input(struct weir_session *session)
{
    if (net_buffers_left(session->worker->net) == 0) {
        filters_out__wait(session);
        return;
    }
    session->filters->needs_buffer = false;
    session_update_receiving(session);
}

static void filters_out__flush(struct weir_session *session)
{
    session_check(session);
    weir_check(session->state != SESSION_CLOSING);
    if (!session->send_out && !send_queue_is_empty(&session->queue)) filters_out__send(session);
    if (session->state == SESSION_CLOSING) return;
    if (session->filters->needs_buffer) filters_out__retry_input(session);
    if (!session_is_done(session)) return;
    if (session->state == SESSION_PEER_DONE) session_complete(session);
    if (!session->finished && filters_out_goodbye(session)) return;
    session_end_if_done(session);
    session_update_receiving(session); /* its FIN must be read */
}

/* ---- goodbye ---- */

/* Returns the next filter that has something to say, or `count`. */
static uint32_t filters_out__next_goodbye(struct filters *filters)
{
    if (filters->goodbyes_left > filters->at) filters->goodbyes_left = filters->at;
    while (filters->goodbyes_left > 0) {
        const struct filters_one *one = &filters->chain[filters->goodbyes_left - 1];
        if (one->filter->kind->goodbye) return filters->goodbyes_left - 1u;
        filters->goodbyes_left--;
    }
    return filters->count;
}

bool filters_out_goodbye(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    uint32_t index = filters_out__next_goodbye(filters);

    if (index == filters->count) return false;
    if (!filters_reserve(worker)) {
        filters_out__wait(session);
        return true;
    }
    struct net_buffer *buffer = worker->filters->spare;
    struct filter_output out = {buffer->bytes, 0, buffer->capacity};
    struct filters_one *one = &filters->chain[index];
    filters->goodbyes_left = (uint8_t)index;
    one->filter->kind->goodbye(one->state, (enum weir_reason)session->reason, &out);
    weir_check(out.length <= out.max);
    filters_charge(session, index);
    if (out.length > 0) filters_out__queue(session, index, (uint32_t)out.length);
    if (session->state != SESSION_CLOSING) worker_flush_later(worker, session);
    return true;
}

/* ---- the row ---- */

static enum weir_code filters_out__send_message(struct weir_session *session, const void *bytes,
                                                size_t length)
{
    return session_tcp_ops.send(session, bytes, length);
}

static enum weir_code filters_out__send_back(struct weir_session *session,
                                             const struct weir_message *message)
{
    if (session->service->codec->encode_back) return session_back_send(session, message);
    return session_tcp_ops.send_back(session, message);
}

/* FIN that waits behind discarded bytes has come. */
static void filters_out__end_input(struct weir_session *session)
{
    filters_drop_input(session);
    if (session->filters->fin_waits) session->peer_done = true;
    session->filters->fin_waits = false;
}

void filters_out_drop_plain(struct weir_session *session)
{
    struct worker *worker = session->worker;
    uint32_t shares =
        send_queue_drop_behind(&session->queue, worker->net, session->filters->wire_last);

    session->filters->seal_waits = false;
    worker_count_late_drop(session, WEIR_CANCELLED, shares);
    session_count_queued(session);
    session_account(session);
}

static void filters_out__finish(struct weir_session *session, enum weir_reason reason)
{
    filters_out__end_input(session);
    session_tcp_ops.finish(session, reason);
    if (filters_are_upgrading(session->filters)) filters_out_drop_plain(session);
}

static void filters_out__close(struct weir_session *session)
{
    filters_out__end_input(session);
    session->filters->wire_last = NULL;
    session_tcp_ops.close(session);
}

const struct session_ops filters_out_ops = {
    .send = filters_out__send_message,
    .send_back = filters_out__send_back,
    .finish = filters_out__finish,
    .close = filters_out__close,
    .flush = filters_out__flush,
};
