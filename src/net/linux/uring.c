/* SPDX-License-Identifier: MIT */
/* uring.c - the io_uring transport: requests become entries of one ring, completions events.
 *
 * Calls from above change only what a slot wants, and list the slot as changed. The commit compares
 * what each changed slot wants with what the kernel has of it, and posts the difference; so off and
 * on again within a turn costs nothing, and a full queue loses nothing. A slot has two lanes, each
 * with at most one operation in the kernel:
 *
 *               in                              out
 *   listener    accept, multishot               -
 *   connection  receive, multishot              send
 *   datagram    poll for readable, multishot    poll for writable
 *
 *               wanted: an sqe                  no more wanted: a cancel
 *      IDLE ----------------------> POSTED -----------------------------> CANCELLED
 *        ^                            |  ^                                  |   |
 *        |------ last completion -----'  '----- the cancel missed it -------'   |
 *        '------------------------- last completion ----------------------------'
 *
 * A turn: deliver what was held -> take the completions that the last turn left -> commit, restock
 * the shelf, enter once -> take completions. The kernel is entered only when no completion is left,
 * and the shelf restocked only after every cancel was posted: what arrives after "off" is at most
 * one shelf.
 *
 * Buffers: SYSTEM has those on the shelf, those held for a connection whose flow is off, and those
 * of a send, until its completion. An idle connection has none.
 *
 * Traps, each measured on Linux 6.18 or met by others:
 *   - close() under a pending receive sends no FIN, and the receive goes on to take bytes: cancel
 *     first, close after the last completion. Cancels go by name, never by descriptor, which may be
 *     another's already.
 *   - The completion of a cancel may come before that of what it cancelled.
 *   - A multishot operation may end for reasons of its own (no buffer, full completion queue):
 *     without F_MORE it is over, whatever else the completion says.
 *   - A send that ended with an error may have sent a part: it is never repeated.
 *   - Sockets must be blocking ones: with O_NONBLOCK, operations fail with EAGAIN.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "datagram.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "list.h"
#include "memory.h"
#include "transport.h"
#include "transports_linux.h"
#include "uring_ring.h"

#define URING__GENERATION_MASK 0xffffffu

enum uring_lane_state { URING__IDLE, URING__POSTED, URING__CANCELLED };

struct uring_lane {
    enum uring_lane_state state; /* IDLE exactly when the kernel has no operation of this lane */
    bool cancel_out; /* true exactly when a cancel was posted and is not completed yet */
};

struct uring_stream {
    struct net_buffer *held_first, *held_last; /* received while the flow was off */
    struct net_buffer *send_first; /* not sent yet; null exactly when no send is outstanding */
    bool ended;                    /* the end was seen and comes after what is held; */
    int end_os_error;              /* 0: FIN */
    bool served;                   /* received something since its receive was posted */
};

struct uring_listener {
    int *held; /* sockets accepted while the flow was off: held_first up to held_count */
    uint32_t held_first, held_count, held_max;
};

struct uring_entry {
    struct handle base;
    int fd;
    struct uring_lane in, out;
    struct list changed; /* on uring.changed: what it wants may differ from what the kernel has */
    struct list ready; /* on uring.ready: something is held for the owner, whose flow is on again */
    struct list dry;   /* on uring.dry or dry_served: its receive found the shelf empty */
    union {            /* by base.kind */
        struct uring_stream stream;
        struct uring_listener listener;
        struct datagram datagram;
    };
};

struct uring {
    struct uring_ring ring;
    int wake_fd;
    bool wake_posted;     /* true exactly while the kernel polls wake_fd for us */
    bool datagrams_ready; /* a datagram socket became readable or writable in this turn */
    struct list changed, ready, dry;
    struct list dry_served; /* dry after they received: they wait behind those that got nothing */
    struct datagram_list datagrams;
};

/* ---- naming requests to the kernel: operation (8 bits), generation (24), index (32) ---- */

enum uring_operation { URING__IN, URING__OUT, URING__CANCEL_IN, URING__CANCEL_OUT, URING__WAKE };

static uint64_t uring__name(const struct uring_entry *entry, enum uring_operation operation)
{
    uint64_t generation = entry->base.generation & URING__GENERATION_MASK;

    return (uint64_t)operation << 56 | generation << 32 | entry->base.index;
}

static enum uring_operation uring__operation_of(uint64_t name)
{
    return (enum uring_operation)(name >> 56);
}

static struct uring_entry *uring__entry_of(struct handle *entry)
{
    return weir_container_of(entry, struct uring_entry, base);
}

/* A slot is not freed before its last completion, so its name is always good. */
static struct uring_entry *uring__entry_named(struct net *net, uint64_t name)
{
    struct uring_entry *entry =
        uring__entry_of(handle_table_at(&net->handle_table, (uint32_t)name));

    weir_check_rule((entry->base.generation & URING__GENERATION_MASK) ==
                        (name >> 32 & URING__GENERATION_MASK),
                    "rule 7, a completion came for a handle that is closed");
    weir_check(entry->base.kind != HANDLE_FREE);
    return entry;
}

/* ---- buffers ---- */

static void uring__hold(struct uring_stream *stream, struct net_buffer *buffer)
{
    buffer->next = NULL;
    if (stream->held_first)
        stream->held_last->next = buffer;
    else
        stream->held_first = buffer;
    stream->held_last = buffer;
}

/* Takes the first buffer out of a chain. */
static struct net_buffer *uring__unchain(struct net_buffer **first)
{
    struct net_buffer *buffer = *first;

    *first = buffer->next;
    buffer->next = NULL;
    return buffer;
}

static void uring__give_back_chain(struct net_buffer **first)
{
    while (*first) pool_give_back(uring__unchain(first), POOL_SYSTEM);
}

/* ---- handles ---- */

static void uring__own(struct uring_entry *entry, int fd)
{
    entry->fd = fd;
    list_init(&entry->changed);
    list_init(&entry->ready);
    list_init(&entry->dry);
}

static void uring__note_change(struct uring *uring, struct uring_entry *entry)
{
    if (!list_has(&entry->changed)) list_add_last(&uring->changed, &entry->changed);
}

static bool uring__is_idle(const struct uring_entry *entry)
{
    return entry->in.state == URING__IDLE && !entry->in.cancel_out &&
           entry->out.state == URING__IDLE && !entry->out.cancel_out;
}

/* Whether something is held that the owner has not seen. */
static bool uring__holds(const struct uring_entry *entry)
{
    switch (entry->base.kind) {
    case HANDLE_LISTENER: return entry->listener.held_first < entry->listener.held_count;
    case HANDLE_CONNECTION: return entry->stream.held_first || entry->stream.ended;
    default: return false;
    }
}

/* Whether the slot should have an operation in that lane. */
static bool uring__wants(const struct uring_entry *entry, enum uring_operation lane)
{
    const struct handle *base = &entry->base;

    if (base->closing) return false;
    if (lane == URING__IN)
        return base->flow_on && !handle_waits(base) && !base->broken && !base->peer_done &&
               !uring__holds(entry) && !list_has(&entry->dry);
    if (base->kind == HANDLE_DATAGRAM) return datagram_waits_for_room(&entry->datagram);
    return base->kind == HANDLE_CONNECTION && entry->stream.send_first;
}

/* A flow that is on again has the kernel receive or accept, too. A connection that begins to
 * receive while others found the shelf empty waits behind them: one that goes off and on in every
 * turn would otherwise take the whole shelf in every turn. */
static void uring__flow_again(struct uring *uring, struct uring_entry *entry)
{
    bool others_wait = !list_is_empty(&uring->dry) || !list_is_empty(&uring->dry_served);

    if (entry->base.kind == HANDLE_CONNECTION && entry->in.state != URING__POSTED && others_wait &&
        !list_has(&entry->dry))
        list_add_last(&uring->dry_served, &entry->dry);
    uring__note_change(uring, entry);
}

/* Switches a flow, of whatever kind; also asked again for what is on already. */
static void uring__switch(struct net *net, struct handle *base, bool on)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring__entry_of(base);

    list_remove(&entry->ready);
    if (!on) {
        list_remove(&entry->dry);
        uring__note_change(uring, entry);
    } else if (uring__holds(entry)) {
        list_add_last(&uring->ready, &entry->ready);
        uring__note_change(uring, entry);
    } else {
        uring__flow_again(uring, entry);
    }
}

static struct weir_address uring__local_address(struct net *net, struct handle *base)
{
    (void)net;
    return linux_local_address(uring__entry_of(base)->fd);
}

/* ---- listen, accept, adopt ---- */

static enum weir_code uring__listen(struct net *net, struct handle *base,
                                    const struct net_listen_options *place,
                                    struct weir_error *error)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring__entry_of(base);
    struct uring_listener *listener = &entry->listener;
    int fd;

    /* Accepting ends when the completion queue is full: no more than that can come after "off". */
    listener->held_max = uring->ring.io.cq.ring_entries + 1;
    listener->held = memory_alloc_array(listener->held_max, sizeof listener->held[0]);
    if (!listener->held)
        return error_fill(error, WEIR_NO_MEMORY, 0, "listen", NULL, NULL,
                          "free some memory, or lower queue_entries");
    enum weir_code code = linux_listen(place, false, net->options.keepalive_ms, &fd, error);
    if (code == WEIR_OK)
        uring__own(entry, fd);
    else
        memory_free(listener->held);
    return code;
}

/* Hands an accepted socket to the owner, unless its peer is gone already. */
static void uring__hand_out_socket(struct net *net, struct uring_entry *entry, int fd)
{
    struct weir_address peer;

    if (!linux_peer_address(fd, &peer)) {
        close(fd);
        return;
    }
    struct net_event *event = event_batch_add(net, &entry->base, NET_ACCEPTED);
    event->peer = peer;
    event->socket.os_handle = (uintptr_t)fd;
}

static void uring__take_socket(struct net *net, struct uring_entry *entry, int fd)
{
    struct uring_listener *listener = &entry->listener;

    if (entry->base.flow_on && !uring__holds(entry))
        uring__hand_out_socket(net, entry, fd);
    else if (!entry->base.closing && listener->held_count < listener->held_max)
        listener->held[listener->held_count++] = fd;
    else
        close(fd);
}

static void uring__accept_failed(struct net *net, struct uring_entry *entry, int os_error)
{
    if (!entry->base.flow_on || os_error == ECANCELED || os_error == EINTR) return;
    if (!linux_is_listener_lost(os_error)) {
        file_waiters_accept_failed(net, &entry->base, linux_is_scarce(os_error), os_error);
        return;
    }
    struct net_event *event = event_batch_add(net, &entry->base, NET_BROKEN);
    event->code = error_code_of_os(os_error);
    event->os_error = os_error;
}

static void uring__deliver_sockets(struct net *net, struct uring_entry *entry)
{
    struct uring_listener *listener = &entry->listener;

    while (uring__holds(entry) && event_batch_has_room(&net->batch))
        uring__hand_out_socket(net, entry, listener->held[listener->held_first++]);
    if (!uring__holds(entry)) listener->held_first = listener->held_count = 0;
}

static enum weir_code uring__adopt(struct net *net, struct handle *base, struct net_socket socket,
                                   struct weir_error *error)
{
    (void)net, (void)error;
    uring__own(uring__entry_of(base),
               (int)socket.os_handle); /* no system call, and nothing that could fail */
    return WEIR_OK;
}

static void uring__refuse(struct net *net, struct net_socket socket)
{
    (void)net;
    close((int)socket.os_handle);
}

/* ---- receive ---- */

static void uring__take_bytes(struct net *net, struct uring_entry *entry, struct net_buffer *buffer,
                              uint32_t length)
{
    buffer->length = length;
    entry->stream.served = true;
    if (entry->base.closing)
        pool_give_back(buffer, POOL_SYSTEM);
    else if (entry->base.flow_on && !entry->stream.held_first)
        event_batch_received(net, &entry->base, buffer);
    else
        uring__hold(&entry->stream, buffer);
}

static void uring__hand_out_end(struct net *net, struct uring_entry *entry, int os_error)
{
    struct net_event *event =
        event_batch_add(net, &entry->base, os_error == 0 ? NET_PEER_DONE : NET_BROKEN);

    event->code = error_code_of_os(os_error);
    event->os_error = os_error;
}

/* The receive is over, and not because there was something to receive. */
static void uring__receive_ended(struct net *net, struct uring_entry *entry, int os_error)
{
    struct uring *uring = net->system;
    struct uring_stream *stream = &entry->stream;

    if (entry->base.closing || os_error == ECANCELED || os_error == EINTR) return;
    if (os_error == ENOBUFS) {
        if (entry->base.flow_on && !stream->held_first && !list_has(&entry->dry))
            list_add_last(stream->served ? &uring->dry_served : &uring->dry, &entry->dry);
    } else if (!stream->held_first && (entry->base.flow_on || os_error != 0)) {
        uring__hand_out_end(net, entry, os_error);
    } else {
        stream->ended = true;
        stream->end_os_error = os_error;
    }
}

static void uring__deliver_bytes(struct net *net, struct uring_entry *entry)
{
    struct uring_stream *stream = &entry->stream;

    while (stream->held_first && event_batch_has_room(&net->batch))
        event_batch_received(net, &entry->base, uring__unchain(&stream->held_first));
    if (stream->held_first || !stream->ended || !event_batch_has_room(&net->batch)) return;
    stream->ended = false;
    uring__hand_out_end(net, entry, stream->end_os_error);
}

/* ---- send, finish ---- */

static void uring__send(struct net *net, struct handle *base, struct net_buffer *const *buffers,
                        uint32_t count)
{
    struct uring_entry *entry = uring__entry_of(base);

    weir_check(!entry->stream.send_first);
    for (uint32_t i = count; i-- > 0;) {
        buffers[i]->next = entry->stream.send_first;
        entry->stream.send_first = buffers[i];
    }
    uring__note_change(net->system, entry);
}

static void uring__send_ended(struct net *net, struct uring_entry *entry, enum weir_code code,
                              int os_error)
{
    uring__give_back_chain(&entry->stream.send_first);
    answer_sent(net, &entry->base, code, os_error);
}

/* `result`: bytes that went, or a negative error number. */
static void uring__sent(struct net *net, struct uring_entry *entry, int result)
{
    struct net_buffer **first = &entry->stream.send_first;
    uint32_t bytes = result > 0 ? (uint32_t)result : 0;

    while (*first && bytes >= (*first)->length) {
        bytes -= (*first)->length;
        pool_give_back(uring__unchain(first), POOL_SYSTEM);
    }
    if (!*first) {
        weir_check(bytes == 0);
        answer_sent(net, &entry->base, WEIR_OK, 0);
    } else if (result <= 0) {
        uring__send_ended(net, entry, result == 0 ? WEIR_RESET : error_code_of_os(-result),
                          -result);
    } else if (entry->base.closing) {
        uring__send_ended(net, entry, WEIR_CANCELLED, 0);
    } else { /* the rest goes next */
        (*first)->bytes += bytes;
        (*first)->length -= bytes;
        uring__note_change(net->system, entry);
    }
}

static void uring__finish(struct net *net, struct handle *base)
{
    (void)net;
    shutdown(uring__entry_of(base)->fd,
             SHUT_WR); /* fails only where the peer is gone, which a receive will say */
}

/* ---- close ---- */

static void uring__close(struct net *net, struct handle *base)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring__entry_of(base);

    list_remove(&entry->ready);
    list_remove(&entry->dry);
    if (base->kind == HANDLE_CONNECTION) {
        uring__give_back_chain(&entry->stream.held_first);
        if (entry->stream.send_first && entry->out.state == URING__IDLE)
            uring__send_ended(net, entry, WEIR_CANCELLED, 0); /* the kernel never saw it */
    }
    uring__note_change(uring, entry);
}

/* The kernel has nothing of the closing slot any more. */
static void uring__close_idle(struct net *net, struct uring_entry *entry)
{
    struct uring *uring = net->system;

    if (entry->base.kind == HANDLE_DATAGRAM) {
        datagram_close(net, &entry->datagram, &uring->datagrams);
        return;
    }
    if (entry->base.kind == HANDLE_LISTENER) {
        struct uring_listener *listener = &entry->listener;
        while (listener->held_first < listener->held_count)
            close(listener->held[listener->held_first++]);
        memory_free(listener->held);
    } else {
        weir_check(!entry->stream.held_first);
        weir_check(!entry->stream.send_first);
    }
    close(entry->fd);
    answer_closed(net, &entry->base);
}

/* What became of a cancel. One that missed its aim is posted again, if that is still unwanted. */
static void uring__cancel_ended(struct uring *uring, struct uring_entry *entry,
                                struct uring_lane *lane, int result)
{
    bool missed = lane->state == URING__CANCELLED && result < 0;

    weir_check(lane->cancel_out);
    lane->cancel_out = false;
    if (missed && result == -EALREADY && entry->base.closing) {
        shutdown(entry->fd, SHUT_RDWR); /* a thread of the kernel is at it, and ends so */
        return;
    }
    if (missed) lane->state = URING__POSTED;
    if (missed && result == -EALREADY) return; /* not at once, but when it brings more */
    uring__note_change(uring, entry);
}

/* ---- datagrams: the transport brings only the readiness ---- */

static enum weir_code uring__bind(struct net *net, struct handle *base,
                                  const struct net_listen_options *place, struct weir_error *error)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring__entry_of(base);
    enum weir_code code =
        datagram_open(net, base, &entry->datagram, &uring->datagrams, place, error);

    if (code != WEIR_OK) return code;
    uring__own(entry, entry->datagram.fd);
    return WEIR_OK;
}

static void uring__send_to(struct net *net, struct handle *base, const struct weir_address *peer,
                           const struct weir_address *local, struct net_buffer *buffer,
                           uint32_t segment_bytes)
{
    datagram_send(net, &uring__entry_of(base)->datagram, peer, local, buffer, segment_bytes);
}

static bool uring__is_own(struct net *net, struct handle *base, const struct weir_address *address)
{
    return datagram_is_own(net, &uring__entry_of(base)->datagram, address);
}

/* Gives each datagram socket its turn; those that the system takes no more from for now want to be
 * told when it does. */
static void uring__serve_datagrams(struct net *net, struct uring *uring)
{
    uring->datagrams_ready = false;
    datagram_serve_all(net, &uring->datagrams);
    for (struct datagram *at = uring->datagrams.first; at; at = at->next)
        if (datagram_waits_for_room(at)) uring__note_change(uring, uring__entry_of(at->entry));
}

/* ---- wait: commit ---- */

static void uring__fill_send(struct uring *uring, struct uring_entry *entry,
                             struct io_uring_sqe *sqe)
{
    const struct net_buffer *first = entry->stream.send_first;
    const int flags = MSG_NOSIGNAL | MSG_WAITALL;

    if (!first->next)
        io_uring_prep_send(sqe, entry->fd, first->bytes, first->length, flags);
    else
        io_uring_prep_sendmsg(sqe, entry->fd, uring_ring_message(&uring->ring, sqe, first),
                              (unsigned)flags);
}

static void uring__fill_receive(struct uring_entry *entry, struct io_uring_sqe *sqe)
{
    entry->stream.served = false;
    io_uring_prep_recv_multishot(sqe, entry->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_RING_SHELF;
}

static void uring__fill(struct uring *uring, struct uring_entry *entry, enum uring_operation lane,
                        struct io_uring_sqe *sqe)
{
    switch (entry->base.kind) {
    case HANDLE_LISTENER:
        io_uring_prep_multishot_accept(sqe, entry->fd, NULL, NULL, SOCK_CLOEXEC);
        break;
    case HANDLE_CONNECTION:
        if (lane == URING__IN)
            uring__fill_receive(entry, sqe);
        else
            uring__fill_send(uring, entry, sqe);
        break;
    case HANDLE_DATAGRAM:
        if (lane == URING__IN)
            io_uring_prep_poll_multishot(sqe, entry->fd, POLLIN);
        else
            io_uring_prep_poll_add(sqe, entry->fd, POLLOUT);
        break;
    case HANDLE_FREE: weir_unreachable("a free slot wants nothing");
    }
}

/* Posts what the lane lacks, or cancels what it has too much. False: the kernel takes no more. */
static bool uring__commit_lane(struct uring *uring, struct uring_entry *entry,
                               enum uring_operation operation)
{
    struct uring_lane *lane = operation == URING__IN ? &entry->in : &entry->out;
    bool wanted = uring__wants(entry, operation);

    if (lane->cancel_out || lane->state != (wanted ? URING__IDLE : URING__POSTED)) return true;
    struct io_uring_sqe *sqe = uring_ring_entry(&uring->ring);
    if (!sqe) return false;
    if (wanted) {
        uring__fill(uring, entry, operation, sqe);
        io_uring_sqe_set_data64(sqe, uring__name(entry, operation));
        lane->state = URING__POSTED;
        return true;
    }
    io_uring_prep_cancel64(sqe, uring__name(entry, operation), 0);
    io_uring_sqe_set_data64(
        sqe, uring__name(entry, operation == URING__IN ? URING__CANCEL_IN : URING__CANCEL_OUT));
    lane->state = URING__CANCELLED;
    lane->cancel_out = true;
    return true;
}

static bool uring__commit_wake(struct uring *uring)
{
    if (uring->wake_posted) return true;
    struct io_uring_sqe *sqe = uring_ring_entry(&uring->ring);
    if (!sqe) return false;
    io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, (uint64_t)URING__WAKE << 56);
    uring->wake_posted = true;
    return true;
}

/* False: some are left, as the kernel takes no more for now. */
static bool uring__commit_changed(struct net *net, struct uring *uring)
{
    while (!list_is_empty(&uring->changed)) {
        struct uring_entry *entry =
            weir_container_of(uring->changed.next, struct uring_entry, changed);
        if (!uring__commit_lane(uring, entry, URING__IN)) return false;
        if (!uring__commit_lane(uring, entry, URING__OUT)) return false;
        list_remove(&entry->changed);
        if (entry->base.closing && uring__is_idle(entry)) uring__close_idle(net, entry);
    }
    return uring__commit_wake(uring);
}

/* Lets as many of the dry receive again as there are buffers to have. */
static void uring__commit_dry(struct net *net, struct uring *uring)
{
    for (uint32_t i = 0; i < uring->ring.shelf_count && !list_is_empty(&uring->dry); i++) {
        struct list *node = list_take_first(&uring->dry);
        uring__note_change(uring, weir_container_of(node, struct uring_entry, dry));
    }
    uring__commit_changed(net, uring);
}

/* The shelf is restocked after all cancels stand in the queue: rule 1's bound on what is held. */
static void uring__commit(struct net *net, struct uring *uring)
{
    if (!uring__commit_changed(net, uring)) return;
    uring_ring_refill(&uring->ring, &net->stream_pool);
    list_append_all(&uring->dry, &uring->dry_served);
    if (list_is_empty(&uring->dry)) return;
    if (uring->ring.shelf_count == 0)
        buffer_waiters_report(net,
                              &weir_container_of(uring->dry.next, struct uring_entry, dry)->base);
    else
        uring__commit_dry(net, uring);
}

/* ---- wait: completions ---- */

/* Notes that the kernel answered for the lane; without F_MORE it was its last word. */
static void uring__lane_completed(struct uring *uring, struct uring_entry *entry,
                                  struct uring_lane *lane, const struct io_uring_cqe *completion)
{
    weir_check_rule(lane->state != URING__IDLE, "rule 2, a request is answered twice");
    if (!(completion->flags & IORING_CQE_F_MORE)) lane->state = URING__IDLE;
    /* A receive that goes on as wanted is no reason to look at the slot again, nor is a send. */
    if (lane->state == URING__IDLE ? lane == &entry->in || entry->base.closing
                                   : !entry->base.flow_on)
        uring__note_change(uring, entry);
}

static void uring__complete_in(struct net *net, struct uring_entry *entry,
                               const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;
    struct net_buffer *buffer = uring_ring_claim(&uring->ring, completion);
    int result = completion->res;

    uring__lane_completed(uring, entry, &entry->in, completion);
    if (entry->base.kind == HANDLE_CONNECTION && buffer && result > 0) {
        uring__take_bytes(net, entry, buffer, (uint32_t)result);
        return;
    }
    if (buffer) pool_give_back(buffer, POOL_SYSTEM);
    switch (entry->base.kind) {
    case HANDLE_LISTENER:
        if (result >= 0)
            uring__take_socket(net, entry, result);
        else
            uring__accept_failed(net, entry, -result);
        break;
    case HANDLE_CONNECTION: uring__receive_ended(net, entry, -result); break;
    case HANDLE_DATAGRAM: entry->datagram.readable = uring->datagrams_ready = true; break;
    case HANDLE_FREE: break;
    }
}

static void uring__complete_out(struct net *net, struct uring_entry *entry,
                                const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;

    uring__lane_completed(uring, entry, &entry->out, completion);
    if (entry->base.kind == HANDLE_CONNECTION)
        uring__sent(net, entry, completion->res);
    else
        entry->datagram.writable = uring->datagrams_ready = true;
}

static void uring__complete_wake(struct net *net, const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;
    uint64_t count;

    if (!(completion->flags & IORING_CQE_F_MORE)) uring->wake_posted = false;
    if (read(uring->wake_fd, &count, sizeof count) == sizeof count)
        event_batch_add(net, NULL, NET_WOKEN);
}

/* Makes at most one event. */
static void uring__complete(struct net *net, const struct io_uring_cqe *completion)
{
    enum uring_operation operation = uring__operation_of(completion->user_data);

    if (operation == URING__WAKE) {
        uring__complete_wake(net, completion);
        return;
    }
    struct uring_entry *entry = uring__entry_named(net, completion->user_data);
    switch (operation) {
    case URING__IN: uring__complete_in(net, entry, completion); break;
    case URING__OUT: uring__complete_out(net, entry, completion); break;
    case URING__CANCEL_IN:
        uring__cancel_ended(net->system, entry, &entry->in, completion->res);
        break;
    case URING__CANCEL_OUT:
        uring__cancel_ended(net->system, entry, &entry->out, completion->res);
        break;
    case URING__WAKE: break;
    }
}

/* Takes completions while there is room for what they may become; the others stay. */
static uint32_t uring__harvest(struct net *net, struct uring *uring)
{
    struct io_uring_cqe *completion;
    uint32_t count = 0;
    unsigned head;

    io_uring_for_each_cqe(&uring->ring.io, head, completion)
    {
        if (!event_batch_has_room(&net->batch)) break;
        uring__complete(net, completion);
        count++;
    }
    io_uring_cq_advance(&uring->ring.io, count);
    return count;
}

/* ---- wait ---- */

/* Hands out what was held, oldest flow first, while there is room. */
static void uring__deliver(struct net *net, struct uring *uring)
{
    while (!list_is_empty(&uring->ready) && event_batch_has_room(&net->batch)) {
        struct uring_entry *entry = weir_container_of(uring->ready.next, struct uring_entry, ready);
        if (entry->base.kind == HANDLE_LISTENER)
            uring__deliver_sockets(net, entry);
        else
            uring__deliver_bytes(net, entry);
        if (uring__holds(entry)) return;
        list_remove(&entry->ready);
        uring__flow_again(uring, entry);
    }
}

static bool uring__has_news(const struct net *net)
{
    return net->batch.count > 0 || answers_are_recorded(&net->answers);
}

static bool uring__may_block(const struct net *net, const struct uring *uring)
{
    if (uring__has_news(net) || !list_is_empty(&uring->changed) || !list_is_empty(&uring->ready))
        return false;
    bool any_dry = !list_is_empty(&uring->dry) || !list_is_empty(&uring->dry_served);
    if (any_dry && uring->ring.shelf_count > 0) return false;
    return !datagram_is_any_busy(net, &uring->datagrams);
}

static void uring__wait(struct net *net, uint64_t until_ns)
{
    struct uring *uring = net->system;
    struct uring_ring *ring = &uring->ring;

    uring__deliver(net, uring);
    bool some_were_left = uring__harvest(net, uring) > 0;
    bool some_are_left = io_uring_cq_ready(&ring->io) > 0 && !event_batch_has_room(&net->batch);
    if (some_are_left || (some_were_left && uring__has_news(net))) {
        net->now_ns = clock_now_ns();
        return;
    }
    do {
        uring__serve_datagrams(net, uring);
        uring__commit(net, uring);
        uring_ring_enter(ring, uring__may_block(net, uring) ? until_ns : 0);
        net->now_ns = clock_now_ns();
        uring__harvest(net, uring);
        if (uring->datagrams_ready) uring__serve_datagrams(net, uring);
    } while (!uring__has_news(net) && net->now_ns < until_ns);
}

static void uring__wake(struct net *net)
{
    const struct uring *uring = net->system;
    const uint64_t one = 1;

    /* Fails only when the counter is full: then it wakes anyhow. */
    ssize_t written = write(uring->wake_fd, &one, sizeof one);
    (void)written;
}

/* ---- open, free ---- */

static enum weir_code uring__open(struct net *net, struct weir_error *error)
{
    struct uring *uring = memory_alloc(sizeof *uring);
    enum weir_code code;

    if (!uring)
        return error_fill(error, WEIR_NO_MEMORY, 0, "use io_uring", NULL, NULL, "free some memory");
    uring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (uring->wake_fd < 0) {
        code = error_fill(error, error_code_of_os(errno), errno, "use io_uring", NULL,
                          "no eventfd for waking it",
                          "raise the limit of open files with 'ulimit -n'");
        goto fail;
    }
    list_init(&uring->changed);
    list_init(&uring->ready);
    list_init(&uring->dry);
    list_init(&uring->dry_served);
    code = uring_ring_open(&uring->ring, &net->options, error);
    if (code != WEIR_OK) goto fail;
    net->system = uring;
    net->now_ns = clock_now_ns();
    net->info.held_bytes_max = (uint64_t)uring->ring.shelf_max * net->options.stream_buffer_bytes;
    return WEIR_OK;

fail:
    if (uring->wake_fd >= 0) close(uring->wake_fd);
    memory_free(uring);
    return code;
}

static void uring__free(struct net *net)
{
    struct uring *uring = net->system;

    weir_check(list_is_empty(&uring->changed));
    weir_check(list_is_empty(&uring->dry));
    weir_check(list_is_empty(&uring->dry_served));
    weir_check(!uring->datagrams.first);
    uring_ring_free(&uring->ring);
    close(uring->wake_fd);
    memory_free(uring);
    net->system = NULL;
}

const struct transport transport_uring = {
    .name = "uring",
    .listeners_share = true,
    .entry_bytes = sizeof(struct uring_entry),
    .open = uring__open,
    .free = uring__free,
    .wake = uring__wake,
    .listen = uring__listen,
    .adopt = uring__adopt,
    .accept = uring__switch,
    .refuse = uring__refuse,
    .receive = uring__switch,
    .send = uring__send,
    .finish = uring__finish,
    .close = uring__close,
    .local_address = uring__local_address,
    .bind = uring__bind,
    .send_to = uring__send_to,
    .is_own = uring__is_own,
    .wait = uring__wait,
};
