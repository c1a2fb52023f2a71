/* SPDX-License-Identifier: MIT */
/* rio_stream.c - connections over request queues.
 *
 *   receiving    idle -> dirty -> posted -> completed: reported, or buffered while the flow is off
 *                (one buffer at most, rule 1) -> dirty again
 *                                        '-> 0 bytes: FIN -> no further receive
 *   sending      net_send's buffers -> unposted -> posted, up to RIO_STREAM__SENDS_MAX
 *                -> completed: the buffer returns to its pool -> after the last one: NET_SENT
 *   closing      the socket is closed -> all completions arrive -> NET_SENT, NET_CLOSED
 *
 * Ownership: net_send passes its buffers to the connection. The connection keeps them as unposted
 * or posted, and returns each to its pool. A received buffer passes to the caller with its event.
 */
#include "rio_stream.h"

#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "rio_socket.h"

/* Outstanding sends per connection. The system sends from the posted buffers and copies nothing
 * (contract E7), so they must hold enough bytes to fill the path. Each send reserves one entry of
 * the completion queue. */
#define RIO_STREAM__SENDS_MAX 8u

/* ---- adopt ---- */

enum weir_code rio_stream_adopt(struct rio_net *system, struct rio_entry *entry, win_socket socket,
                                struct weir_error *error)
{
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    weir_check(socket != WIN_NO_SOCKET);
    rio_entry_init(entry);
    entry->socket = socket;
    int os_error = rio_queue_attach(system, entry, 1, RIO_STREAM__SENDS_MAX);
    if (os_error == 0) return WEIR_OK;
    rio_socket_close(system, socket);
    return error_fill(error, error_winsock_code(os_error), os_error, "adopt a connection", NULL,
                      "the system will not make a request queue",
                      "lower sessions_max, or free some memory");
}

/* ---- pending work ---- */

static bool rio_stream__needs_receive(const struct rio_entry *entry)
{
    const struct handle *base = &entry->base;

    return base->flow_on && entry->receives_out == 0 && !base->receive_ended &&
           !arrivals_are_held(base) && !handle_waits(base) &&
           !handle_retries(base, HANDLE_RECEIVES);
}

static bool rio_stream__needs_send(const struct rio_entry *entry)
{
    return entry->stream.unposted && entry->sends_out < RIO_STREAM__SENDS_MAX &&
           !handle_retries(&entry->base, HANDLE_SENDS);
}

static bool rio_stream__needs_post(const struct rio_entry *entry)
{
    return rio_stream__needs_send(entry) || rio_stream__needs_receive(entry);
}

/* Lists the handle if it has requests to post. */
static void rio_stream__list(struct rio_net *system, struct rio_entry *entry)
{
    if (entry->base.closing || list_has(&entry->listed)) return;
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    if (rio_stream__needs_post(entry)) rio_move_to(&system->dirty, entry);
}

static void rio_stream__relist(struct rio_net *system, struct rio_entry *entry)
{
    list_remove(&entry->listed);
    rio_stream__list(system, entry);
}

/* Reports to the caller that the connection cannot receive any longer. */
static void rio_stream__fail(struct rio_net *system, struct rio_entry *entry, int os_error)
{
    weir_check(os_error != 0);
    weir_check(!entry->base.closing);
    rio_report_reading(system, entry, false);
    arrival_end(system->net, &entry->base, error_winsock_code(os_error), os_error);
}

/* ---- receiving ---- */

void rio_stream_receive(struct rio_net *system, struct rio_entry *entry, bool on)
{
    weir_check(entry->base.flow_on == on);
    if (!on) rio_report_reading(system, entry, false);
    rio_stream__relist(system, entry);
}

static void rio_stream__receive_failed(struct rio_net *system, struct rio_entry *entry,
                                       int os_error)
{
    if (rio_passes(os_error))
        rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
    else
        rio_stream__fail(system, entry, os_error);
}

static void rio_stream__post_receive(struct rio_net *system, struct rio_entry *entry)
{
    struct net_buffer *buffer = pool_take(&system->net->stream_pool, POOL_SYSTEM);

    weir_check_rule(entry->receives_out == 0, "rule 1, one receive per connection");
    if (!buffer) {
        buffer_waiters_report(system->net, &entry->base);
        buffer_waiters_add(system->net, &entry->base);
        rio_report_reading(system, entry, false);
        return;
    }
    int os_error = rio_queue_post_receive(system, entry, buffer, false);
    if (os_error == 0) {
        rio_report_reading(system, entry, true);
        return;
    }
    pool_give_back(buffer, POOL_SYSTEM);
    rio_stream__receive_failed(system, entry, os_error);
}

static void rio_stream__received(struct rio_net *system, struct rio_entry *entry,
                                 const struct rio_completion *completion)
{
    struct net_buffer *buffer = completion->buffer;
    int os_error = completion->os_error;

    weir_check(entry->receives_out == 0); /* it was the only one */
    weir_check(pool_buffer_of(buffer)->pool == &system->net->stream_pool);
    if (os_error != 0 || completion->bytes == 0 || entry->base.closing) {
        pool_give_back(buffer, POOL_SYSTEM);
        if (entry->base.closing) return;
        if (os_error != 0) {
            rio_stream__receive_failed(system, entry, os_error);
            return;
        }
        rio_report_reading(system, entry, false);
        arrival_end(system->net, &entry->base, WEIR_OK, 0); /* the peer's FIN (contract E1) */
        return;
    }
    weir_check(completion->bytes <= buffer->capacity);
    buffer->length = completion->bytes;
    arrival_bytes(system->net, &entry->base, buffer);
}

/* ---- sending ---- */

static void rio_stream__answer(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;

    if (!entry->base.send_out || entry->base.sent_ready) return;
    if (stream->unposted || entry->sends_out > 0) return;
    weir_check(!stream->unposted_last);
    weir_check(stream->send_released_bytes <= entry->base.send_bytes);
    answer_count_unsent(&entry->base, entry->base.send_bytes - stream->send_released_bytes);
    answer_sent(system->net, &entry->base, stream->send_code, stream->send_os_error);
}

static void rio_stream__drop_unposted(struct rio_stream *stream)
{
    weir_check(!stream->unposted == !stream->unposted_last);
    while (stream->unposted) {
        struct net_buffer *buffer = stream->unposted;
        stream->unposted = buffer->next;
        pool_give_back(buffer, POOL_SYSTEM);
    }
    stream->unposted_last = NULL;
}

/* Drops the rest of the current net_send: sending it would leave a gap in the stream. */
static void rio_stream__fail_send(struct rio_stream *stream, enum weir_code code, int os_error)
{
    weir_check(code != WEIR_OK);
    if (stream->send_code == WEIR_OK) {
        stream->send_code = code;
        stream->send_os_error = os_error;
    }
    rio_stream__drop_unposted(stream);
}

static void rio_stream__post_sends(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;

    weir_check(!stream->unposted || (entry->base.send_out && stream->send_code == WEIR_OK));
    while (rio_stream__needs_send(entry)) {
        struct net_buffer *buffer = stream->unposted, *next = buffer->next;
        int os_error = rio_queue_post_send(system, entry, buffer, 0, 0);
        if (os_error == 0) {
            stream->unposted = next;
            if (!next) stream->unposted_last = NULL;
            continue;
        }
        if (rio_passes(os_error)) {
            rio_retry_later(system, entry, HANDLE_SENDS, os_error);
            return;
        }
        rio_stream__fail_send(stream, error_winsock_code(os_error), os_error);
        rio_stream__answer(system, entry);
    }
}

void rio_stream_send(struct rio_net *system, struct rio_entry *entry,
                     struct net_buffer *const *buffers, uint32_t count)
{
    struct rio_stream *stream = &entry->stream;

    weir_check(entry->base.kind == HANDLE_CONNECTION);
    weir_check(entry->base.send_out);
    weir_check(!stream->unposted);
    weir_check(!stream->unposted_last);
    weir_check(entry->sends_out == 0);
    stream->send_code = WEIR_OK;
    stream->send_os_error = 0;
    stream->send_released_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        buffers[i]->next = NULL;
        if (stream->unposted_last)
            stream->unposted_last->next = buffers[i];
        else
            stream->unposted = buffers[i];
        stream->unposted_last = buffers[i];
    }
    rio_stream__list(system, entry);
}

/* Queues the rest of a partial send in front. If a later send is posted already, the rest would
 * arrive out of order, and the connection fails instead (contract E8). */
static void rio_stream__sent_short(struct rio_entry *entry, struct net_buffer *buffer,
                                   uint32_t bytes)
{
    struct rio_stream *stream = &entry->stream;

    if (entry->sends_out > 0) {
        pool_give_back(buffer, POOL_SYSTEM);
        rio_stream__fail_send(stream, WEIR_SYSTEM, 0);
        return;
    }
    weir_check(bytes < buffer->length);
    buffer->bytes += bytes;
    buffer->length -= bytes;
    buffer->next = stream->unposted;
    stream->unposted = buffer;
    if (!stream->unposted_last) stream->unposted_last = buffer;
}

/* A send of a closing connection, or one that failed, was not completed. */
static void rio_stream__cut_send(struct rio_entry *entry, int os_error)
{
    struct rio_stream *stream = &entry->stream;

    if (entry->base.closing)
        rio_stream__fail_send(stream, WEIR_CANCELLED, WIN_OPERATION_ABORTED);
    else if (os_error != 0)
        rio_stream__fail_send(stream, error_winsock_code(os_error), os_error);
}

/* Whether the rest of the current net_send is still worth sending. */
static bool rio_stream__can_continue(const struct rio_entry *entry)
{
    return entry->stream.send_code == WEIR_OK && !entry->base.closing;
}

static void rio_stream__count_released(struct rio_stream *stream, const struct net_buffer *buffer,
                                       uint32_t bytes)
{
    if (bytes > buffer->length)
        bytes = buffer->length; /* of a failed request, it can be anything */
    stream->released_bytes += bytes;
    stream->send_released_bytes += bytes;
}

static void rio_stream__sent(struct rio_net *system, struct rio_entry *entry,
                             const struct rio_completion *completion)
{
    struct net_buffer *buffer = completion->buffer;
    int os_error = completion->os_error;
    bool is_short = os_error == 0 && completion->bytes < buffer->length;

    weir_check_rule(entry->base.send_out && !entry->base.sent_ready,
                    "rule 2, a send is answered after its last completion");
    weir_check(entry->sends_out < RIO_STREAM__SENDS_MAX); /* this one was counted */
    rio_stream__count_released(&entry->stream, buffer, completion->bytes);
    if (is_short && rio_stream__can_continue(entry)) {
        rio_stream__sent_short(entry, buffer, completion->bytes);
    } else if (rio_passes(os_error) && rio_stream__can_continue(entry) && entry->sends_out == 0) {
        /* After a later send it could not be repeated: the bytes would be out of order. */
        rio_stream__sent_short(entry, buffer, 0);
        rio_retry_later(system, entry, HANDLE_SENDS, os_error);
    } else {
        pool_give_back(buffer, POOL_SYSTEM);
        if (os_error != 0 || is_short) rio_stream__cut_send(entry, os_error);
    }
    rio_stream__answer(system, entry);
}

/* ---- completions, commits, close ---- */

static void rio_stream__end_close(struct rio_net *system, struct rio_entry *entry)
{
    if (!entry->base.closing || entry->receives_out > 0 || entry->sends_out > 0) return;
    weir_check(!list_has(&entry->listed));
    weir_check(!entry->stream.unposted);
    rio_stream__answer(system, entry);
    rio_queue_release(system, entry);
    answer_closed(system->net, &entry->base);
}

void rio_stream_complete(struct rio_net *system, const struct rio_completion *completion)
{
    struct rio_entry *entry = completion->entry;

    weir_check(entry->base.kind == HANDLE_CONNECTION);
    if (completion->request == RIO_REQUEST_RECEIVE)
        rio_stream__received(system, entry, completion);
    else
        rio_stream__sent(system, entry, completion);
    rio_stream__list(system, entry);
    rio_stream__end_close(system, entry);
}

void rio_stream_commit(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(!entry->base.closing); /* a close removes the connection from its list */
    rio_stream__post_sends(system, entry);
    if (rio_stream__needs_receive(entry)) rio_stream__post_receive(system, entry);
    int os_error = rio_queue_commit(system, entry);
    /* Requests of a failed commit stay uncommitted; only a close ends them (contract F8). */
    if (os_error != 0) rio_stream__fail(system, entry, os_error);
}

void rio_stream_abandon(struct rio_entry *entry)
{
    const struct handle *base = &entry->base;

    weir_check(base->kind == HANDLE_CONNECTION);
    if (base->send_out && !base->sent_ready)
        answer_count_unsent(&entry->base, base->send_bytes - entry->stream.send_released_bytes);
    if (base->resets && entry->socket != WIN_NO_SOCKET)
        win_system->socket_reset_on_close(entry->socket);
}

struct net_progress rio_stream_progress(const struct rio_entry *entry)
{
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    return (struct net_progress){.taken_bytes = entry->stream.released_bytes};
}

void rio_stream_close(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;

    weir_check(entry->base.closing);
    weir_check(!entry->base.flow_on);
    list_remove(&entry->listed);
    if (stream->unposted) rio_stream__fail_send(stream, WEIR_CANCELLED, WIN_OPERATION_ABORTED);
    if (entry->base.resets) win_system->socket_reset_on_close(entry->socket);
    rio_queue_detach(system, entry);
    rio_stream__end_close(system, entry);
}
