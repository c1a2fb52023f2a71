/* SPDX-License-Identifier: MIT */
/* sim_transport.c - the transport `simulated`: the rules over a network in memory, in virtual time
 * (sim.h, sim_wire.h).
 *
 * A handle that might have work is on its net's ready list. A wait serves the list once, then moves
 * the clock from timer to timer until there is an event:
 *
 *      listed by        posted send   wire changed   flow switched on   buffer available
 *                             '--------------+-------------+-----------------'
 *                                            v
 *   wait: commit sends -> serve each listed handle once -> events? -- no --> wire_step -> serve ...
 *
 * Answers to sends and closes are delayed by the handle's own timer. Until then SYSTEM owns the
 * buffers, as on a real system. With sim_options.acknowledges it owns them until the peer has
 * acknowledged their bytes. event_batch.c checks every event, whatever the seed decides.
 */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "address_loopback.h"
#include "check.h"
#include "list.h"
#include "memory.h"
#include "sim_wire.h"
#include "transport.h"

#define SIM__BATCH_DATAGRAMS_MAX 64u

/* Occurrences of the trace, beside those of sim_wire.c. */
enum sim__mark { SIM__EVENT = 100, SIM__ANSWER };

struct sim_net {
    struct net *net;
    struct net_simulation *simulation;
    struct list ready;
    uint64_t stopped_seen_ns; /* of simulation->stopped_ns: what a wait has measured */
    atomic_bool woken;
};

/* A connection: its side of the wire, and the outstanding send. */
struct sim_stream {
    struct wire_end *end; /* null once closed */
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    uint32_t buffers_count;
    uint32_t buffers_written; /* of them, written to the wire completely ... */
    uint32_t bytes_written;   /* ... and bytes written of the next one */
    bool writing;             /* set while a send is outstanding and not written completely */
    enum weir_code code;      /* the coming answer to the send */
    /* Written, and not acknowledged; oldest first. The note is written_total at the buffer's end.
     * Empty without sim_options.acknowledges. */
    struct net_buffer *unreleased, *unreleased_last;
};

/* One unanswered net_send_to. */
struct sim_datagram {
    struct net_address from, to;
    struct net_buffer *buffer;
    uint32_t segment_bytes;
    enum weir_code code;
};

/* A datagram socket and its sends. */
struct sim_socket {
    struct wire_socket wire;
    struct sim_datagram *sends;          /* of datagram_sends_max */
    uint32_t sends_count, written_count; /* the first written_count were written to the wire */
};

/* The transport's part of a handle. */
struct sim_entry {
    union {
        struct handle base; /* first */
        struct handle_releasing releasing;
    };
    struct net *net;
    struct list ready;        /* on the net's ready list, or on none */
    struct wire_timer answer; /* when the outstanding sends and the close are answered */
    union {
        struct wire_port port;
        struct sim_stream stream;
        struct sim_socket socket;
    };
};

/* ---- the ready list ---- */

static struct sim_net *sim__system(const struct net *net)
{
    return net->system;
}

static struct sim_entry *sim__of(struct handle *entry)
{
    return (struct sim_entry *)(void *)entry;
}

/* Work for a net that is not the waiting one: the wait must return, so that the script runs it. */
static void sim__tell(struct sim_net *system)
{
    if (system->simulation->waiting != system) system->simulation->script_due = true;
}

static void sim__list(struct sim_entry *entry)
{
    struct sim_net *system = sim__system(entry->net);

    weir_check(entry->net != NULL);
    if (list_has(&entry->ready)) return;
    list_add_last(&system->ready, &entry->ready);
    sim__tell(system);
}

static void sim__own(struct net *net, struct sim_entry *entry)
{
    entry->net = net;
    list_init(&entry->ready);
}

static void sim__end_changed(struct wire_end *end)
{
    weir_check(end->owner != NULL);
    sim__list(end->owner);
}

static void sim__port_changed(struct wire_port *port)
{
    sim__list(weir_container_of(port, struct sim_entry, port));
}

static void sim__socket_changed(struct wire_socket *wire)
{
    sim__list(weir_container_of(wire, struct sim_entry, socket.wire));
}

/* ---- events and answers ---- */

static struct net_event *sim__event(struct sim_entry *entry, enum net_event_kind kind)
{
    weir_check(entry->base.kind != HANDLE_FREE);
    wire_trace(sim__system(entry->net)->simulation, SIM__EVENT + (uint64_t)kind * 256,
               entry->base.index, entry->base.generation);
    return event_batch_add(entry->net, &entry->base, kind);
}

static bool sim__releases_late(const struct sim_entry *entry)
{
    return sim__system(entry->net)->simulation->options.acknowledges;
}

/* Answers the send, which is written, or has failed. */
static void sim__answer_send(struct sim_entry *entry)
{
    struct sim_stream *stream = &entry->stream;
    bool is_late = sim__releases_late(entry);
    uint32_t first = is_late ? stream->buffers_written : 0, count = stream->buffers_count;
    int os_error = stream->code == WEIR_RESET ? ECONNRESET : 0;

    weir_check(!stream->writing);
    for (uint32_t i = first; i < count; i++) pool_give_back(stream->buffers[i], POOL_SYSTEM);
    stream->buffers_count = 0;
    if (is_late) {
        answer_released(entry->net, &entry->base, 0, count - first);
        answer_accepted(entry->net, &entry->base, stream->code, os_error);
    } else {
        answer_sent(entry->net, &entry->base, stream->code, os_error);
    }
}

/* Releases the buffers whose bytes the peer has acknowledged; all of them after the end. */
static void sim__release(struct sim_entry *entry)
{
    struct sim_stream *stream = &entry->stream;
    const struct wire_end *end = stream->end;

    while (stream->unreleased) {
        struct net_buffer *buffer = stream->unreleased;
        bool is_acked = end && end->acked_total >= pool_buffer_of(buffer)->note;
        if (!is_acked && end && !end->reset_arrived) return;
        stream->unreleased = buffer->next;
        uint32_t length = buffer->length;
        pool_give_back(buffer, POOL_SYSTEM);
        if (!stream->unreleased && stream->buffers_count > 0 && !stream->writing)
            sim__answer_send(entry); /* it is accepted before its last byte is released */
        answer_released(entry->net, &entry->base, is_acked ? length : 0, 1);
    }
    stream->unreleased_last = NULL;
}

static void sim__answer_datagrams(struct sim_entry *entry)
{
    struct sim_socket *socket = &entry->socket;
    uint32_t count = socket->written_count;

    weir_check(count <= socket->sends_count);
    for (uint32_t i = 0; i < count; i++) {
        bool good = socket->sends[i].code == WEIR_OK;
        if (good)
            answer_count_datagrams(&entry->base, socket->sends[i].buffer->length,
                                   socket->sends[i].segment_bytes);
        pool_give_back(socket->sends[i].buffer, POOL_SYSTEM);
        answer_datagrams(entry->net, &entry->base, good ? 1 : 0, good ? 0 : 1,
                         socket->sends[i].code, 0);
    }
    socket->sends_count -= count;
    socket->written_count = 0;
    memmove(socket->sends, socket->sends + count, socket->sends_count * sizeof *socket->sends);
}

/* Answers every request whose outcome is known; the close comes last. */
static void sim__answer(struct wire_timer *timer)
{
    struct sim_entry *entry = weir_container_of(timer, struct sim_entry, answer);
    struct net_simulation *simulation = sim__system(entry->net)->simulation;

    weir_check(entry->base.kind != HANDLE_FREE);
    wire_trace(simulation, SIM__ANSWER, entry->base.index, entry->base.generation);
    if (entry->base.kind == HANDLE_CONNECTION && entry->stream.buffers_count > 0 &&
        !entry->stream.writing)
        sim__answer_send(entry);
    if (entry->base.kind == HANDLE_DATAGRAM) sim__answer_datagrams(entry);
    if (entry->base.closing) {
        if (entry->base.kind == HANDLE_DATAGRAM) memory_free(entry->socket.sends);
        answer_closed(entry->net, &entry->base);
    }
    sim__tell(sim__system(entry->net));
}

static void sim__answer_later(struct sim_entry *entry)
{
    struct net_simulation *simulation = sim__system(entry->net)->simulation;

    if (entry->answer.heap_index == 0)
        wire_timer_set(simulation, &entry->answer,
                       wire_random(simulation, wire_latency_ns(simulation)), sim__answer);
}

/* ---- listen, accept, adopt ---- */

static enum weir_code sim__fail(const char *operation, const char *what,
                                const struct net_address *address, enum weir_code code,
                                struct weir_error *error)
{
    char text[NET_ADDRESS_TEXT_BYTES], subject[96];

    net_address_text(address, text, sizeof text);
    snprintf(subject, sizeof subject, "%s %s", what, text);
    return error_fill(error, code, code == WEIR_NO_FILES ? EMFILE : 0, operation, subject, NULL,
                      NULL);
}

static enum weir_code sim__listen(struct net *net, struct handle *handle,
                                  const struct net_listen_options *options,
                                  struct weir_error *error)
{
    struct net_simulation *simulation = sim__system(net)->simulation;
    struct sim_entry *entry = sim__of(handle);

    if (!wire_file_take(simulation))
        return sim__fail("listen on", "tcp", &options->address, WEIR_NO_FILES, error);
    sim__own(net, entry);
    entry->port.address = options->address;
    entry->port.shared = options->share != NET_SHARE_NOT;
    entry->port.backlog = options->backlog;
    entry->port.changed = sim__port_changed;
    if (wire_listen(simulation, &entry->port, options->share == NET_SHARE_FIRST)) return WEIR_OK;
    wire_file_give_back(simulation);
    return sim__fail("listen on", "tcp", &options->address, WEIR_ADDRESS_IN_USE, error);
}

static void sim__accept(struct net *net, struct handle *entry, bool on)
{
    weir_check(entry->kind == HANDLE_LISTENER);
    (void)net;
    if (on) sim__list(sim__of(entry));
}

/* A connection that its peer has reset already: some systems accept it, others do not. */
static void sim__lose(struct sim_entry *entry, struct wire_end *end)
{
    weir_check(end->reset_arrived);
    wire_leave(end, false);
    wire_file_give_back(sim__system(entry->net)->simulation);
    answer_refused(entry->net, &entry->base);
}

static bool sim__serve_listener(struct sim_entry *entry)
{
    struct net *net = entry->net;
    struct net_simulation *simulation = sim__system(net)->simulation;

    weir_check(entry->port.simulation == simulation);
    while (entry->base.flow_on && !handle_waits(&entry->base) && entry->port.first) {
        if (!event_batch_has_room(&net->batch)) return true;
        if (!wire_file_take(simulation)) {
            file_waiters_accept_failed(net, &entry->base, true, EMFILE);
            return false;
        }
        struct wire_end *end = wire_accept(&entry->port);
        simulation->accepts_count++;
        if (end->reset_arrived && wire_random(simulation, 2) == 0) {
            sim__lose(entry, end);
            continue;
        }
        struct net_event *event = sim__event(entry, NET_ACCEPTED);
        event->peer = end->other->address;
        event->socket.os_handle = (uintptr_t)end;
    }
    return false;
}

static enum weir_code sim__adopt(struct net *net, struct handle *handle, struct net_socket socket,
                                 struct weir_error *error)
{
    struct sim_entry *entry = sim__of(handle);
    struct wire_end *end = (struct wire_end *)socket.os_handle;

    (void)error;
    weir_check(!end->left);
    weir_check(end->owner == NULL);
    sim__own(net, entry);
    entry->stream.end = end;
    end->owner = entry;
    end->changed = sim__end_changed;
    sim__list(entry); /* a reset can have arrived before */
    return WEIR_OK;
}

static enum weir_code sim__connect(struct net *net, struct handle *handle,
                                   const struct net_connect_options *options,
                                   struct weir_error *error)
{
    struct net_simulation *simulation = sim__system(net)->simulation;
    struct sim_entry *entry = sim__of(handle);
    struct net_address from = wire_loopback(&options->address);

    if (!wire_file_take(simulation))
        return sim__fail("connect to", "tcp", &options->address, WEIR_NO_FILES, error);
    sim__own(net, entry);
    from.port = wire_port_free(simulation);
    entry->stream.end = wire_connect(simulation, &from, &options->address);
    entry->stream.end->owner = entry;
    entry->stream.end->changed = sim__end_changed;
    return WEIR_OK;
}

/* Whether the attempt to connect has failed; an RST can arrive before its answer or after it. */
static bool sim__has_failed(const struct sim_entry *entry)
{
    const struct wire_end *end = entry->stream.end;

    if (end->refused) return true;
    if (!end->reset_arrived) return false;
    return !end->established || wire_random(sim__system(entry->net)->simulation, 2) == 0;
}

static bool sim__serve_connect(struct sim_entry *entry)
{
    const struct wire_end *end = entry->stream.end;

    if (entry->base.broken) return false;
    if (!end->established && !end->refused && !end->reset_arrived) return false;
    if (!event_batch_has_room(&entry->net->batch)) return true;
    if (sim__has_failed(entry)) {
        struct net_event *event = sim__event(entry, NET_BROKEN);
        event->code = end->refused ? end->refused_code : WEIR_RESET;
        event->os_error = end->refused ? end->refused_os_error : ECONNRESET;
        return false;
    }
    sim__event(entry, NET_CONNECTED)->local = end->address;
    return true; /* an RST can have arrived */
}

static void sim__refuse(struct net *net, struct net_socket socket)
{
    struct wire_end *end = (struct wire_end *)socket.os_handle;

    weir_check(end->owner == NULL);
    wire_leave(end, false);
    wire_file_give_back(sim__system(net)->simulation);
}

/* ---- receive, send, finish, close ---- */

static void sim__receive(struct net *net, struct handle *entry, bool on)
{
    weir_check(entry->flow_on == on);
    (void)net;
    if (on) sim__list(sim__of(entry));
}

/* Receives one buffer. Returns true if there is more for the next iteration. */
static bool sim__receive_bytes(struct sim_entry *entry)
{
    struct net *net = entry->net;
    struct wire_end *end = entry->stream.end;

    weir_check(end->arrived > 0);
    weir_check(entry->base.flow_on);
    if (!event_batch_has_room(&net->batch)) return true;
    struct net_buffer *buffer = pool_take(&net->stream_pool, POOL_SYSTEM);
    if (!buffer) {
        buffer_waiters_report(net, &entry->base);
        buffer_waiters_add(net, &entry->base);
        return false;
    }
    pool_touch(buffer);
    buffer->length = wire_read(end, buffer->bytes, buffer->capacity);
    pool_untouch(buffer);
    wire_trace(sim__system(net)->simulation, SIM__EVENT, entry->base.index, buffer->length);
    event_batch_received(net, &entry->base, buffer);
    return end->arrived > 0 || end->fin_arrived;
}

/* The buffer is written: keeps it until it is acknowledged, if sends are released late. */
static void sim__keep(struct sim_entry *entry, struct net_buffer *buffer)
{
    struct sim_stream *stream = &entry->stream;

    if (!sim__releases_late(entry)) return;
    pool_buffer_of(buffer)->note = stream->end->written_total;
    buffer->next = NULL;
    if (stream->unreleased_last)
        stream->unreleased_last->next = buffer;
    else
        stream->unreleased = buffer;
    stream->unreleased_last = buffer;
}

/* Whether the system accepts bytes, although earlier ones are not released. */
static bool sim__accepts(const struct sim_entry *entry)
{
    const struct wire_end *end = entry->stream.end;

    return !sim__releases_late(entry) ||
           end->written_total - end->acked_total < entry->net->options.stream_unreleased_max_bytes;
}

/* Writes as much of the send as the window accepts. */
static void sim__write(struct sim_entry *entry)
{
    struct sim_stream *stream = &entry->stream;

    weir_check(stream->writing);
    weir_check(entry->base.send_out);
    while (stream->buffers_written < stream->buffers_count && sim__accepts(entry)) {
        struct net_buffer *buffer = stream->buffers[stream->buffers_written];
        pool_touch(buffer);
        stream->bytes_written += wire_write(stream->end, buffer->bytes + stream->bytes_written,
                                            buffer->length - stream->bytes_written);
        pool_untouch(buffer);
        if (stream->bytes_written < buffer->length)
            return; /* the wire reports when there is room */
        stream->buffers_written++;
        stream->bytes_written = 0;
        sim__keep(entry, buffer);
    }
    if (stream->buffers_written < stream->buffers_count) return; /* a release reports the change */
    stream->writing = false;
    stream->code = WEIR_OK;
    sim__answer_later(entry);
}

static void sim__fail_send(struct sim_entry *entry, enum weir_code code)
{
    const struct sim_stream *stream = &entry->stream;
    uint32_t unsent_bytes = 0;

    if (!stream->writing) return;
    for (uint32_t i = stream->buffers_written; i < stream->buffers_count; i++)
        unsent_bytes += stream->buffers[i]->length;
    answer_count_unsent(&entry->base, unsent_bytes - stream->bytes_written);
    entry->stream.writing = false;
    entry->stream.code = code;
    sim__answer_later(entry);
}

static bool sim__serve_reset(struct sim_entry *entry)
{
    sim__fail_send(entry, WEIR_RESET);
    if (entry->base.broken) return false;
    if (!event_batch_has_room(&entry->net->batch)) return true;
    struct net_event *event = sim__event(entry, NET_BROKEN);
    event->code = WEIR_RESET;
    event->os_error = ECONNRESET;
    return false;
}

static bool sim__serve_stream(struct sim_entry *entry)
{
    struct net *net = entry->net;
    struct wire_end *end = entry->stream.end;

    weir_check(end != NULL);
    sim__release(entry);
    if (end->reset_arrived) return sim__serve_reset(entry);
    if (entry->stream.writing) sim__write(entry);
    if (!entry->base.flow_on || handle_waits(&entry->base)) return false;
    if (end->arrived > 0) return sim__receive_bytes(entry);
    if (!end->fin_arrived || entry->base.peer_done) return false;
    if (!event_batch_has_room(&net->batch)) return true;
    sim__event(entry, NET_PEER_DONE);
    return false;
}

static void sim__send(struct net *net, struct handle *handle, struct net_buffer *const *buffers,
                      uint32_t count)
{
    struct sim_entry *entry = sim__of(handle);
    struct sim_stream *stream = &entry->stream;

    weir_check(handle->send_out);
    (void)net;
    weir_check(stream->buffers_count == 0);
    memcpy(stream->buffers, buffers, count * sizeof *buffers);
    stream->buffers_count = count;
    stream->buffers_written = 0;
    stream->bytes_written = 0;
    stream->writing = true;
    if (sim__releases_late(entry)) answer_unreleased(handle);
    sim__list(entry);
}

static void sim__finish(struct net *net, struct handle *entry)
{
    weir_check(!sim__of(entry)->stream.writing);
    (void)net;
    wire_finish(sim__of(entry)->stream.end);
}

static void sim__close_stream(struct sim_entry *entry)
{
    weir_check(!entry->stream.writing || entry->base.send_out);
    sim__fail_send(entry, WEIR_CANCELLED);
    wire_leave(entry->stream.end, entry->base.resets);
    entry->stream.end = NULL;
    sim__release(entry);
}

static struct net_progress sim__progress(struct net *net, struct handle *handle)
{
    const struct wire_end *end = sim__of(handle)->stream.end, *peer = end->other;

    (void)net;
    if (sim__releases_late(sim__of(handle)))
        return (struct net_progress){.acknowledged_bytes = end->acked_total,
                                     .undelivered_bytes = end->written_total - end->acked_total};
    return (struct net_progress){.acknowledged_bytes = peer->arrived_total,
                                 .undelivered_bytes = peer->in_flight};
}

static void sim__close_socket(struct sim_entry *entry)
{
    struct sim_socket *socket = &entry->socket;

    weir_check(socket->written_count <= socket->sends_count);
    for (uint32_t i = socket->written_count; i < socket->sends_count; i++)
        socket->sends[i].code = WEIR_CANCELLED;
    socket->written_count = socket->sends_count;
    wire_unbind(&socket->wire);
}

static void sim__close(struct net *net, struct handle *handle)
{
    struct sim_entry *entry = sim__of(handle);

    weir_check(handle->closing);
    list_remove(&entry->ready);
    switch (handle->kind) {
    case HANDLE_LISTENER: wire_unlisten(&entry->port); break;
    case HANDLE_CONNECTING:
    case HANDLE_CONNECTION: sim__close_stream(entry); break;
    case HANDLE_DATAGRAM: sim__close_socket(entry); break;
    case HANDLE_FREE: weir_unreachable("a free handle is closed");
    }
    wire_file_give_back(sim__system(net)->simulation);
    sim__answer_later(entry);
}

static struct net_address sim__local_address(struct net *net, struct handle *handle)
{
    const struct sim_entry *entry = sim__of(handle);

    (void)net;
    if (handle->kind == HANDLE_LISTENER) return entry->port.address;
    if (handle->kind == HANDLE_CONNECTION) return entry->stream.end->address;
    return entry->socket.wire.address;
}

/* ---- datagrams ---- */

static enum weir_code sim__bind(struct net *net, struct handle *handle,
                                const struct net_listen_options *options, struct weir_error *error)
{
    struct net_simulation *simulation = sim__system(net)->simulation;
    struct sim_entry *entry = sim__of(handle);
    struct sim_socket *socket = &entry->socket;

    sim__own(net, entry);
    socket->wire.address = options->address;
    socket->wire.shared = options->share != NET_SHARE_NOT;
    socket->wire.changed = sim__socket_changed;
    socket->sends = memory_alloc_array(net->options.datagram_sends_max, sizeof *socket->sends);
    if (!socket->sends)
        return sim__fail("listen on", "udp", &options->address, WEIR_NO_MEMORY, error);
    if (!wire_file_take(simulation)) {
        memory_free(socket->sends);
        return sim__fail("listen on", "udp", &options->address, WEIR_NO_FILES, error);
    }
    if (wire_bind(simulation, &socket->wire, options->share == NET_SHARE_FIRST)) return WEIR_OK;
    wire_file_give_back(simulation);
    memory_free(socket->sends);
    return sim__fail("listen on", "udp", &options->address, WEIR_ADDRESS_IN_USE, error);
}

static void sim__send_to(struct net *net, struct handle *handle, const struct net_address *peer,
                         const struct net_address *local, struct net_buffer *buffer,
                         uint32_t segment_bytes)
{
    struct sim_entry *entry = sim__of(handle);
    struct sim_socket *socket = &entry->socket;

    weir_check(handle->endpoint->datagrams_out > 0);
    weir_check(socket->sends_count < net->options.datagram_sends_max);
    struct sim_datagram *send = &socket->sends[socket->sends_count++];
    *send = (struct sim_datagram){
        .from = *local, .to = *peer, .buffer = buffer, .segment_bytes = segment_bytes};
    if (address_is_any(&send->from)) send->from = wire_loopback(peer);
    send->from.port = socket->wire.address.port;
    sim__list(entry);
}

/* Writes a datagram, or each datagram of a GSO batch, to the wire. */
static void sim__write_datagram(struct net_simulation *simulation, struct sim_datagram *send)
{
    struct net_buffer *buffer = send->buffer;
    uint32_t step = send->segment_bytes > 0 ? send->segment_bytes : buffer->length;

    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    send->code = WEIR_TOO_LARGE;
    if (step > SIM_DATAGRAM_BYTES_MAX) return;
    send->code = WEIR_OK;
    pool_touch(buffer);
    if (buffer->length == 0)
        wire_send_datagram(simulation, &send->from, &send->to, buffer->bytes, 0);
    for (uint32_t at = 0; at < buffer->length; at += step) {
        uint32_t length = buffer->length - at < step ? buffer->length - at : step;
        wire_send_datagram(simulation, &send->from, &send->to, buffer->bytes + at, length);
    }
    pool_untouch(buffer);
}

static void sim__write_datagrams(struct sim_entry *entry)
{
    struct sim_socket *socket = &entry->socket;

    weir_check(socket->written_count <= socket->sends_count);
    if (socket->written_count == socket->sends_count) return;
    while (socket->written_count < socket->sends_count)
        sim__write_datagram(sim__system(entry->net)->simulation,
                            &socket->sends[socket->written_count++]);
    sim__answer_later(entry);
}

/* Whether the next datagram can join the GRO batch that began with one of `segment_bytes`. */
static bool sim__joins_batch(const struct wire_datagram *next, const struct net_event *batch,
                             uint32_t segment_bytes)
{
    const struct net_buffer *buffer = batch->buffer;

    return next && next->length > 0 && next->length <= segment_bytes &&
           buffer->length % segment_bytes == 0 &&
           buffer->length / segment_bytes < SIM__BATCH_DATAGRAMS_MAX &&
           next->length <= buffer->capacity - buffer->length &&
           address_equals(&next->from, &batch->peer) && address_equals(&next->to, &batch->local);
}

static void sim__append_datagram(struct sim_entry *entry, struct net_buffer *buffer)
{
    const struct wire_datagram *first = entry->socket.wire.first;

    weir_check(first != NULL);
    weir_check(first->length <= buffer->capacity - buffer->length);
    if (first->length > 0) memcpy(buffer->bytes + buffer->length, first->bytes, first->length);
    buffer->length += first->length;
    wire_drop_datagram(&entry->socket.wire);
}

static void sim__receive_datagram(struct sim_entry *entry, struct net_buffer *buffer)
{
    struct wire_socket *wire = &entry->socket.wire;
    struct net_event *event = sim__event(entry, NET_DATAGRAM);
    uint32_t segment_bytes = wire->first->length;

    weir_check(entry->base.flow_on);
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    event->buffer = buffer;
    event->peer = wire->first->from;
    event->local = wire->first->to;
    event->segment_bytes = 0;
    sim__append_datagram(entry, buffer);
    if (segment_bytes == 0 || wire_random(wire->simulation, 2) == 0) return;
    while (sim__joins_batch(wire->first, event, segment_bytes)) {
        sim__append_datagram(entry, buffer);
        event->segment_bytes = segment_bytes;
    }
}

static bool sim__serve_socket(struct sim_entry *entry)
{
    struct net *net = entry->net;

    weir_check(entry->socket.wire.simulation != NULL);
    sim__write_datagrams(entry);
    while (entry->base.flow_on && !handle_waits(&entry->base) && entry->socket.wire.first) {
        if (!event_batch_has_room(&net->batch)) return true;
        struct net_buffer *buffer = pool_take(&net->datagram_pool, POOL_SYSTEM);
        if (!buffer) {
            buffer_waiters_report(net, &entry->base);
            buffer_waiters_add(net, &entry->base);
            return false;
        }
        sim__receive_datagram(entry, buffer);
    }
    return false;
}

static bool sim__is_own(struct net *net, struct handle *entry, const struct net_address *address)
{
    const struct net_address *bound = &sim__of(entry)->socket.wire.address;

    (void)net;
    if (address->port != bound->port) return false;
    return address_is_loopback(address) || address_is_any(address) ||
           address_same_ip(address, bound);
}

/* ---- wait: commit, serve, step ---- */

/* Returns true if the handle has more work for the next iteration. */
static bool sim__serve(struct sim_entry *entry)
{
    weir_check(!entry->base.closing);
    switch (entry->base.kind) {
    case HANDLE_LISTENER: return sim__serve_listener(entry);
    case HANDLE_CONNECTING: return sim__serve_connect(entry);
    case HANDLE_CONNECTION: return sim__serve_stream(entry);
    case HANDLE_DATAGRAM: return sim__serve_socket(entry);
    case HANDLE_FREE: break;
    }
    weir_unreachable("a free handle is ready");
}

/* Rule 6: writes every posted send, whether there is room for events or not. */
static void sim__commit(struct sim_net *system)
{
    for (struct list *at = system->ready.next; at != &system->ready; at = at->next) {
        struct sim_entry *entry = weir_container_of(at, struct sim_entry, ready);
        if (entry->base.kind == HANDLE_CONNECTION && entry->stream.writing &&
            !entry->stream.end->reset_arrived)
            sim__write(entry);
        if (entry->base.kind == HANDLE_DATAGRAM) sim__write_datagrams(entry);
    }
}

static void sim__harvest(struct sim_net *system)
{
    struct net *net = system->net;
    struct list served, *node;

    weir_check(net->batch.events != NULL);
    list_init(&served);
    list_append_all(&served, &system->ready);
    if (event_batch_has_room(&net->batch) && atomic_exchange(&system->woken, false)) {
        system->simulation->idle_waits = 0;
        event_batch_add(net, NULL, NET_WOKEN);
    }
    while ((node = list_take_first(&served)) != NULL) {
        struct sim_entry *entry = weir_container_of(node, struct sim_entry, ready);
        if (sim__serve(entry)) sim__list(entry);
    }
}

static void sim__resume(struct net *net, struct handle *handle)
{
    weir_check(!handle_waits(handle));
    (void)net;
    sim__list(sim__of(handle));
}

static void sim__release_waiters(struct net *net)
{
    buffer_waiters_release(net, &net->stream_waiters, pool_room(&net->stream_pool), sim__resume);
    buffer_waiters_release(net, &net->datagram_waiters, pool_room(&net->datagram_pool),
                           sim__resume);
}

static bool sim__has_news(const struct net *net)
{
    return net->batch.count > 0 || answers_are_recorded(&net->answers);
}

static void sim__wait(struct net *net, uint64_t until_ns)
{
    struct sim_net *system = sim__system(net);
    struct net_simulation *simulation = system->simulation;

    weir_check(!simulation->waiting);
    net->wait_began_ns = simulation->now_ns - (simulation->stopped_ns - system->stopped_seen_ns);
    system->stopped_seen_ns = simulation->stopped_ns;
    simulation->waiting = system;
    simulation->script_due = false;
    sim__commit(system);
    wire_serve(simulation);
    sim__release_waiters(net);
    sim__harvest(system);
    while (!sim__has_news(net) && !simulation->script_due &&
           wire_step(simulation, transport_blocks_until(net, until_ns)))
        sim__harvest(system);
    simulation->waiting = NULL;
    net->now_ns = simulation->now_ns;
}

static uint64_t sim__clock_ns(const struct net *net)
{
    return sim__system(net)->simulation->now_ns;
}

static void sim__wake(struct net *net)
{
    atomic_store(&sim__system(net)->woken, true);
}

/* ---- open, free ---- */

static enum weir_code sim__open(struct net *net, struct weir_error *error)
{
    struct net_simulation *simulation = net->options.simulation;

    if (!simulation)
        return error_fill(error, WEIR_INVALID, 0, "use transport", "simulated",
                          "it needs a simulation to run on",
                          "it is for tests; choose another transport, or \"auto\"");
    struct sim_net *system = memory_alloc(sizeof *system);
    if (!system)
        return error_fill(error, WEIR_NO_MEMORY, 0, "open the network", "simulated", NULL, NULL);
    if (simulation->nets_count > 0)
        weir_check_rule(simulation->thread == net->thread,
                        "all nets of a simulation live in one thread");
    simulation->thread = net->thread;
    simulation->nets_count++;
    list_init(&system->ready);
    system->net = net;
    system->simulation = simulation;
    net->system = system;
    system->stopped_seen_ns = simulation->stopped_ns;
    net->now_ns = simulation->now_ns;
    net->info.held_bytes_max =
        simulation->options.held_bytes_max; /* in fact the data waits on the wire */
    return WEIR_OK;
}

static void sim__free(struct net *net)
{
    struct sim_net *system = sim__system(net);

    weir_check(list_is_empty(&system->ready));
    system->simulation->nets_count--;
    memory_free(system);
    net->system = NULL;
}

const struct transport transport_simulated = {
    .name = "simulated",
    .listeners_share = true,
    .asked_by_name_only = true,
    .entry_bytes = sizeof(struct sim_entry),
    .open = sim__open,
    .free = sim__free,
    .wake = sim__wake,
    .listen = sim__listen,
    .adopt = sim__adopt,
    .connect = sim__connect,
    .accept = sim__accept,
    .refuse = sim__refuse,
    .receive = sim__receive,
    .send = sim__send,
    .finish = sim__finish,
    .close = sim__close,
    .progress = sim__progress,
    .local_address = sim__local_address,
    .bind = sim__bind,
    .send_to = sim__send_to,
    .is_own = sim__is_own,
    .wait = sim__wait,
    .clock_ns = sim__clock_ns,
};
