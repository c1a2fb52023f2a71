/* SPDX-License-Identifier: MIT */
/* rio_stream.c - connections over request queues.
 *
 *   receiving    idle -> dirty -> posted -> completed: reported, or buffered while the flow is off
 *                (one buffer at most, rule 1) -> dirty again
 *                                        '-> 0 bytes: FIN -> no further receive
 *   sending      net_send's buffers -> unposted -> posted, within limits -> after the last one:
 *                NET_SENT -> completed: the buffer returns to its pool: NET_RELEASED
 *   FIN          waits for the last completion
 *   closing      the socket is closed -> all completions arrive -> NET_CLOSED
 *
 * Windows completes a send when the peer has acknowledged its bytes. Therefore several sends are in
 * flight, and the caller's next one follows when all buffers are posted.
 *
 * Ownership: net_send passes its buffers to the connection. The connection keeps them as unposted
 * or posted, and returns each to its pool. A received buffer passes to the caller with its event.
 */
#include "rio_stream.h"

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "rio_socket.h"

/* Outstanding sends per connection: at first, and at most. The system sends from the posted buffers
 * and copies nothing (contract E7), so they must hold enough bytes to fill the path. Each send
 * reserves one entry of the completion queue, so the number grows when a connection needs more. */
#define RIO_STREAM__SENDS_FIRST 8u
#define RIO_STREAM__SENDS_LIMIT 256u
/* Posted buffers may waste this part of stream_unreleased_max_bytes: many small sends would lock
 * much memory. */
#define RIO_STREAM__WASTE_PART 4u
/* Windows says how many bytes fill the path. It is asked when a connection reaches the last answer,
 * so one with few bytes in flight is never asked about. */
#define RIO_STREAM__BACKLOG_MIN_BYTES (64u * 1024)
#define RIO_STREAM__BACKLOG_NS (100 * CLOCK_NS_PER_MS)

/* ---- the bound of unreleased bytes ---- */

static uint32_t rio_stream__clamped(const struct rio_net *system, uint32_t bytes)
{
    uint32_t most_bytes = system->net->options.stream_unreleased_max_bytes;

    if (bytes < RIO_STREAM__BACKLOG_MIN_BYTES) bytes = RIO_STREAM__BACKLOG_MIN_BYTES;
    return bytes < most_bytes ? bytes : most_bytes;
}

/* The emulation's sends are copied: there is nothing to ask. */
static void rio_stream__init_bound(const struct rio_net *system, struct rio_stream *stream)
{
    bool asks = !system->provider->is_emulated;

    stream->bound_bytes = rio_stream__clamped(system, asks ? 0 : UINT32_MAX);
    stream->ask_ns = asks ? 0 : UINT64_MAX;
}

/* The connection has reached its bound: asks how many bytes fill the path by now. */
static void rio_stream__update_bound(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;
    uint32_t bytes = 0;

    if (stream->posted_bytes < stream->bound_bytes || system->net->now_ns < stream->ask_ns) return;
    stream->ask_ns = system->net->now_ns + RIO_STREAM__BACKLOG_NS;
    if (win_system->send_backlog(entry->socket, &bytes) != 0) {
        bytes = UINT32_MAX;
        stream->ask_ns = UINT64_MAX;
    }
    stream->bound_bytes = rio_stream__clamped(system, bytes);
}

/* ---- adopt ---- */

int rio_stream_attach(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->socket != WIN_NO_SOCKET);
    entry->stream = (struct rio_stream){.sends_max = RIO_STREAM__SENDS_FIRST, .may_grow = true};
    rio_stream__init_bound(system, &entry->stream);
    return rio_queue_attach(system, entry, 1, RIO_STREAM__SENDS_FIRST);
}

enum weir_code rio_stream_adopt(struct rio_net *system, struct rio_entry *entry, win_socket socket,
                                struct weir_error *error)
{
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    weir_check(socket != WIN_NO_SOCKET);
    rio_entry_init(entry);
    entry->socket = socket;
    int os_error = rio_stream_attach(system, entry);
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

/* Whether the system may get another buffer to send from: the bytes are bounded, and so is the room
 * that posted buffers waste. Beyond, small sends wait, and the caller joins them. */
static bool rio_stream__may_post(const struct rio_net *system, const struct rio_entry *entry)
{
    uint32_t most_bytes = system->net->options.stream_unreleased_max_bytes;
    uint32_t posted_bytes = entry->stream.posted_bytes;
    uint64_t pinned_bytes = (uint64_t)entry->sends_out * system->net->options.stream_buffer_bytes;

    if (posted_bytes >= entry->stream.bound_bytes) return false;
    return entry->sends_out < RIO_STREAM__SENDS_FIRST ||
           pinned_bytes - posted_bytes <= most_bytes / RIO_STREAM__WASTE_PART;
}

static bool rio_stream__needs_send(const struct rio_net *system, const struct rio_entry *entry)
{
    const struct rio_stream *stream = &entry->stream;

    return stream->unposted && !handle_retries(&entry->base, HANDLE_SENDS) &&
           (entry->sends_out < stream->sends_max || stream->may_grow) &&
           rio_stream__may_post(system, entry);
}

/* Doubles the sends that can be outstanding. If the system refuses it, the connection is slower. */
static void rio_stream__grow(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;
    uint32_t sends_max = 2 * stream->sends_max;

    if (!stream->may_grow) return;
    if (rio_queue_grow(system, entry, 1, sends_max) == 0)
        stream->sends_max = sends_max;
    else
        stream->may_grow = false;
    if (sends_max >= RIO_STREAM__SENDS_LIMIT) stream->may_grow = false;
}

static bool rio_stream__needs_post(const struct rio_net *system, const struct rio_entry *entry)
{
    return rio_stream__needs_send(system, entry) || rio_stream__needs_receive(entry);
}

/* Lists the handle if it has requests to post. */
static void rio_stream__list(struct rio_net *system, struct rio_entry *entry)
{
    if (entry->base.closing || list_has(&entry->listed)) return;
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    if (rio_stream__needs_post(system, entry)) rio_move_to(&system->dirty, entry);
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
    if (completion->bytes > buffer->capacity) { /* what the system reports cannot be true */
        pool_give_back(buffer, POOL_SYSTEM);
        rio_stream__fail(system, entry, WIN_EFAULT);
        return;
    }
    buffer->length = completion->bytes;
    arrival_bytes(system->net, &entry->base, buffer);
}

/* ---- sending ---- */

/* Answers the current net_send once all its buffers are posted, or the stream is broken. */
static void rio_stream__answer(struct rio_net *system, struct rio_entry *entry)
{
    const struct rio_stream *stream = &entry->stream;

    if (!entry->base.send_out || entry->base.sent_ready || stream->unposted) return;
    weir_check(!stream->unposted_last);
    answer_accepted(system->net, &entry->base, stream->send_code, stream->send_os_error);
}

/* Drops the buffers that are not posted. Returns their bytes. */
static uint32_t rio_stream__drop_unposted(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;
    uint32_t count = 0, bytes = 0;

    weir_check(!stream->unposted == !stream->unposted_last);
    while (stream->unposted) {
        struct net_buffer *buffer = stream->unposted;
        stream->unposted = buffer->next;
        bytes += buffer->length;
        count++;
        pool_give_back(buffer, POOL_SYSTEM);
    }
    stream->unposted_last = NULL;
    answer_released(system->net, &entry->base, 0, count);
    return bytes;
}

/* The stream is broken: sending the rest would leave a gap. Answers the current net_send. If there
 * is none, the system has accepted the lost bytes, and the connection breaks. */
static void rio_stream__fail_sends(struct rio_net *system, struct rio_entry *entry,
                                   enum weir_code code, int os_error)
{
    struct rio_stream *stream = &entry->stream;
    struct handle *base = &entry->base;

    weir_check(code != WEIR_OK);
    if (stream->send_code == WEIR_OK) {
        stream->send_code = code;
        stream->send_os_error = os_error;
    }
    uint32_t unsent_bytes = rio_stream__drop_unposted(system, entry);
    if (base->send_out && !base->sent_ready) {
        /* In front of it there may be the rest of an accepted one, which counts as sent. */
        answer_count_unsent(base,
                            unsent_bytes < base->send_bytes ? unsent_bytes : base->send_bytes);
        rio_stream__answer(system, entry);
    } else if (!base->closing) {
        rio_report_reading(system, entry, false);
        arrival_end(system->net, base, code, os_error);
    }
}

static void rio_stream__post_sends(struct rio_net *system, struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;

    weir_check(!stream->unposted || stream->send_code == WEIR_OK);
    while (rio_stream__needs_send(system, entry)) {
        struct net_buffer *buffer = stream->unposted, *next = buffer->next;
        if (entry->sends_out == stream->sends_max) rio_stream__grow(system, entry);
        if (entry->sends_out == stream->sends_max) break; /* it goes on after a completion */
        int os_error = rio_queue_post_send(system, entry, buffer, 0, 0);
        if (os_error == 0) {
            stream->unposted = next;
            stream->posted_bytes += buffer->length;
            if (!next) stream->unposted_last = NULL;
            rio_stream__update_bound(system, entry);
            continue;
        }
        if (rio_passes(os_error)) {
            rio_retry_later(system, entry, HANDLE_SENDS, os_error);
            break;
        }
        rio_stream__fail_sends(system, entry, error_winsock_code(os_error), os_error);
    }
    rio_stream__answer(system, entry);
}

void rio_stream_send(struct rio_net *system, struct rio_entry *entry,
                     struct net_buffer *const *buffers, uint32_t count)
{
    struct rio_stream *stream = &entry->stream;

    weir_check(entry->base.kind == HANDLE_CONNECTION);
    weir_check(entry->base.send_out);
    answer_unreleased(&entry->base);
    for (uint32_t i = 0; i < count; i++) {
        buffers[i]->next = NULL;
        if (stream->unposted_last)
            stream->unposted_last->next = buffers[i];
        else
            stream->unposted = buffers[i];
        stream->unposted_last = buffers[i];
    }
    if (entry->base.broken || stream->send_code != WEIR_OK)
        rio_stream__fail_sends(system, entry, WEIR_RESET, WIN_ECONNRESET);
    rio_stream__list(system, entry);
}

/* Queues the rest of a partial send in front. If a later send is posted already, the rest would
 * arrive out of order, and the connection fails instead (contract E8). Returns false then. */
static bool rio_stream__sent_short(struct rio_entry *entry, struct net_buffer *buffer,
                                   uint32_t bytes)
{
    struct rio_stream *stream = &entry->stream;

    if (entry->sends_out > 0) return false;
    weir_check(bytes < buffer->length);
    buffer->bytes += bytes;
    buffer->length -= bytes;
    buffer->next = stream->unposted;
    stream->unposted = buffer;
    if (!stream->unposted_last) stream->unposted_last = buffer;
    return true;
}

/* Whether the rest of a request that was cut short is queued again. */
static bool rio_stream__resends(struct rio_net *system, struct rio_entry *entry,
                                struct net_buffer *buffer, uint32_t bytes, int os_error)
{
    if (entry->stream.send_code != WEIR_OK || entry->base.closing) return false;
    if (os_error != 0 && !rio_passes(os_error)) return false;
    if (!rio_stream__sent_short(entry, buffer, bytes)) return false;
    if (os_error != 0) rio_retry_later(system, entry, HANDLE_SENDS, os_error);
    return true;
}

/* Sends the FIN that waited for the last release (contract X6). */
static void rio_stream__finish_if_released(struct rio_entry *entry)
{
    struct rio_stream *stream = &entry->stream;

    if (!stream->finish_due || entry->sends_out > 0 || stream->unposted) return;
    if (entry->base.closing || stream->send_code != WEIR_OK) return;
    stream->finish_due = false;
    /* Fails only on a dead connection; the receive reports that. */
    (void)win_system->socket_finish(entry->socket);
}

static void rio_stream__sent(struct rio_net *system, struct rio_entry *entry,
                             const struct rio_completion *completion)
{
    struct rio_stream *stream = &entry->stream;
    struct net_buffer *buffer = completion->buffer;
    int os_error = completion->os_error;
    /* Of a failed request, the number can be anything. */
    uint32_t bytes = os_error == 0 ? completion->bytes : 0, length = buffer->length;

    weir_check(bytes <= length);
    weir_check_rule(stream->posted_bytes >= length, "rule 4, a request completes twice");
    stream->posted_bytes -= length;
    stream->released_bytes += bytes;
    if (bytes < length && rio_stream__resends(system, entry, buffer, bytes, os_error)) {
        answer_released(system->net, &entry->base, bytes, 0);
        return;
    }
    pool_give_back(buffer, POOL_SYSTEM);
    answer_released(system->net, &entry->base, bytes, 1);
    if (bytes < length && !entry->base.closing)
        rio_stream__fail_sends(
            system, entry, os_error == 0 ? WEIR_SYSTEM : error_winsock_code(os_error), os_error);
    rio_stream__finish_if_released(entry);
}

void rio_stream_finish(struct rio_entry *entry)
{
    weir_check(entry->base.finished);
    entry->stream.finish_due = true;
    rio_stream__finish_if_released(entry);
}

/* ---- completions, commits, close ---- */

static void rio_stream__end_close(struct rio_net *system, struct rio_entry *entry)
{
    if (!entry->base.closing || entry->receives_out > 0 || entry->sends_out > 0) return;
    weir_check(!list_has(&entry->listed));
    weir_check(!entry->stream.unposted);
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
    if (base->send_out && !base->sent_ready) answer_count_unsent(&entry->base, base->send_bytes);
    if (base->resets && entry->socket != WIN_NO_SOCKET)
        win_system->socket_reset_on_close(entry->socket);
}

struct net_progress rio_stream_progress(const struct rio_entry *entry)
{
    weir_check(entry->base.kind == HANDLE_CONNECTION);
    return (struct net_progress){.acknowledged_bytes = entry->stream.released_bytes,
                                 .undelivered_bytes = entry->stream.posted_bytes};
}

void rio_stream_close(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.closing);
    weir_check(!entry->base.flow_on);
    list_remove(&entry->listed);
    rio_stream__fail_sends(system, entry, WEIR_CANCELLED, WIN_OPERATION_ABORTED);
    if (entry->base.resets) win_system->socket_reset_on_close(entry->socket);
    rio_queue_detach(system, entry);
    rio_stream__end_close(system, entry);
}
