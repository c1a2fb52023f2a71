/* SPDX-License-Identifier: MIT */
/* uring.c - the io_uring transport: posts and cancels requests, converts completions to events.
 *
 * Calls of the owner only change the requested state of a handle, and list the handle as changed.
 * The commit compares the requested state with the kernel's and posts the difference. Switching off
 * and on within one iteration therefore costs nothing, and a full queue loses nothing. A handle has
 * two requests, inbound and outbound, each at most once in the kernel:
 *
 *               inbound                         outbound
 *   listener    accept, multishot               -
 *   connection  receive, multishot or not       connect, later send (uring_stream.c says when)
 *   datagram    poll for readable, multishot    poll for writable
 *
 *               requested: an sqe               no longer requested: a cancel
 *      IDLE ----------------------> POSTED -----------------------------> CANCELLED
 *        ^                            |  ^                                  |   |
 *        |------ last completion -----'  '----- the cancel found nothing ---'   |
 *        '------------------------- last completion ----------------------------'
 *
 * One iteration: take the completions that the last one left -> commit, refill the buffer ring,
 * enter once -> take completions. The kernel is entered only when no completion is left. The buffer
 * ring is refilled only after every cancel is posted, so at most one ring of buffers can arrive
 * after "off".
 *
 * Pitfalls, each measured on Linux 6.18 or documented by others:
 *   - close() under a pending receive sends no FIN, and the receive continues to take bytes: cancel
 *     first, and close after the last completion. Cancel by name, never by descriptor, because the
 *     number can already belong to another file.
 *   - The completion of a cancel can come before that of the cancelled request.
 *   - A multishot request can end by itself (no buffer, full completion queue): without F_MORE it
 *     has ended, whatever else the completion says.
 *   - A send that ended with an error can have sent a part: it is never repeated, except after
 *     ENOBUFS, ENOMEM and EINTR, which the kernel reports only if nothing was sent.
 *   - Sockets must be blocking ones: with O_NONBLOCK, requests fail with EAGAIN.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "linux_wake.h"
#include "memory.h"
#include "net_failure.h"
#include "transports_linux.h"
#include "uring_net.h"

/* Full buffers: what an iteration does with them is its length. */
#define URING__BULK_PER_WAIT 8u
#define URING__GENERATION_MASK 0xffffffu

/* ---- naming requests to the kernel: operation (8 bits), generation (24), index (32) ---- */

enum uring_operation {
    URING_INBOUND,
    URING_OUTBOUND,
    URING_CANCEL_INBOUND,
    URING_CANCEL_OUTBOUND,
    URING_WAKE
};

static uint64_t uring__name(const struct uring_entry *entry, enum uring_operation operation)
{
    uint64_t generation = entry->base.generation & URING__GENERATION_MASK;

    weir_check(entry->base.kind != HANDLE_FREE);
    return (uint64_t)operation << 56 | generation << 32 | entry->base.index;
}

static enum uring_operation uring__operation_of(uint64_t name)
{
    weir_check(name >> 56 <= URING_WAKE);
    return (enum uring_operation)(name >> 56);
}

/* Returns the entry that a completion names: no handle is freed before its last completion. */
static struct uring_entry *uring__entry_named(struct net *net, uint64_t name)
{
    struct uring_entry *entry = uring_entry_of(handle_table_at(&net->handle_table, (uint32_t)name));

    weir_check_rule((entry->base.generation & URING__GENERATION_MASK) ==
                        (name >> 32 & URING__GENERATION_MASK),
                    "rule 7, a completion came for a handle that is closed");
    weir_check(entry->base.kind != HANDLE_FREE);
    return entry;
}

/* ---- posting ---- */

static void uring__fill_other(const struct uring_entry *entry, enum uring_operation operation,
                              struct io_uring_sqe *sqe)
{
    switch (entry->base.kind) {
    case HANDLE_LISTENER: uring_listener_fill(entry, sqe); break;
    case HANDLE_CONNECTING: uring_stream_fill_connect(entry, sqe); break;
    case HANDLE_DATAGRAM:
        if (operation == URING_INBOUND)
            io_uring_prep_poll_multishot(sqe, entry->fd, POLLIN);
        else
            io_uring_prep_poll_add(sqe, entry->fd, POLLOUT);
        break;
    case HANDLE_CONNECTION:
    case HANDLE_FREE: weir_unreachable("another kind of handle requests this");
    }
}

static void uring__fill(struct uring *uring, struct uring_entry *entry,
                        enum uring_operation operation, struct io_uring_sqe *sqe)
{
    weir_check(operation == URING_INBOUND || operation == URING_OUTBOUND);
    if (entry->base.kind != HANDLE_CONNECTION)
        uring__fill_other(entry, operation, sqe);
    else if (operation == URING_INBOUND)
        uring_stream_fill_receive(entry, sqe);
    else
        uring_stream_fill_send(uring, entry, sqe);
}

/* Fills the entry with the request of the handle. */
static inline void uring__post(struct uring *uring, struct uring_entry *entry,
                               enum uring_operation operation, struct io_uring_sqe *sqe)
{
    struct uring_request *request = operation == URING_INBOUND ? &entry->inbound : &entry->outbound;

    weir_check(request->state == URING_IDLE);
    uring__fill(uring, entry, operation, sqe);
    io_uring_sqe_set_data64(sqe, uring__name(entry, operation));
    request->state = URING_POSTED;
}

/* ---- requested state ---- */

static bool uring__is_idle(const struct uring_entry *entry)
{
    return entry->inbound.state == URING_IDLE && !entry->inbound.cancel_out &&
           entry->outbound.state == URING_IDLE && !entry->outbound.cancel_out;
}

static bool uring__wants_to_send(const struct uring_entry *entry)
{
    const struct handle *base = &entry->base;

    if (handle_retries(base, HANDLE_SENDS)) return false;
    if (base->kind == HANDLE_CONNECTION) return entry->send_first != NULL;
    if (base->kind == HANDLE_DATAGRAM)
        return datagram_waits_for_room(&linux_endpoint_of(&entry->base)->datagram);
    return base->kind == HANDLE_CONNECTING && !base->broken;
}

/* Whether the handle should have that request in the kernel. */
static bool uring__wants(const struct uring_entry *entry, enum uring_operation operation)
{
    const struct handle *base = &entry->base;

    weir_check(base->kind != HANDLE_FREE);
    if (base->closing) return false;
    if (operation == URING_OUTBOUND) return uring__wants_to_send(entry);
    if (!base->flow_on || base->broken || base->receive_ended) return false;
    if (handle_is_stopping(base) || handle_retries(base, HANDLE_RECEIVES)) return false;
    if (base->kind == HANDLE_DATAGRAM) return true; /* only its poll; datagram.c receives */
    return !handle_waits(base) && !arrivals_are_held(base);
}

static void uring__accept(struct net *net, struct handle *base, bool on)
{
    weir_check(base->kind == HANDLE_LISTENER);
    (void)on;
    uring_note_change(net->system, uring_entry_of(base));
}

static void uring__stop_accepting(struct net *net, struct handle *base)
{
    weir_check(base->endpoint->stopping);
    uring_note_change(net->system, uring_entry_of(base));
}

/* A call of the handle that failed may be repeated: the commit posts it. */
static void uring__retry(struct net *net, struct handle *base)
{
    uring_note_change(net->system, uring_entry_of(base));
}

static void uring__receive(struct net *net, struct handle *base, bool on)
{
    struct uring_entry *entry = uring_entry_of(base);

    weir_check(base->kind != HANDLE_LISTENER);
    weir_check(base->flow_on == on);
    /* A receive that was never cancelled has its position in the kernel. */
    if (on && base->kind == HANDLE_CONNECTION && entry->inbound.state == URING_POSTED)
        list_remove(&base->waiting);
    uring_note_change(net->system, entry);
}

static void uring__send(struct net *net, struct handle *base, struct net_buffer *const *buffers,
                        uint32_t count)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring_entry_of(base);

    weir_check(base->kind == HANDLE_CONNECTION);
    weir_check(base->send_out);
    uring_stream_send(entry, buffers, count);
    weir_check(!entry->outbound.cancel_out); /* only a close cancels */
    struct io_uring_sqe *sqe = uring_ring_spare_entry(&uring->ring);
    if (sqe)
        uring__post(uring, entry, URING_OUTBOUND, sqe);
    else /* the queue is full: the commit submits it */
        uring_note_change(uring, entry);
}

static void uring__finish(struct net *net, struct handle *base)
{
    weir_check(!uring_entry_of(base)->send_first);
    (void)net;
    /* Fails only if the peer is gone, which a receive reports. */
    shutdown(uring_entry_of(base)->fd, SHUT_WR);
}

static struct net_address uring__local_address(struct net *net, struct handle *base)
{
    const struct uring_entry *entry = uring_entry_of(base);

    (void)net;
    weir_check(!base->closing);
    if (base->kind == HANDLE_CONNECTION) return linux_local_address_or_none(entry->fd);
    const struct linux_endpoint *endpoint = linux_endpoint_of(&entry->base);
    return base->kind == HANDLE_DATAGRAM ? endpoint->datagram.bound : endpoint->bound.address;
}

/* ---- open and close handles ---- */

static enum weir_code uring__listen(struct net *net, struct handle *base,
                                    const struct net_listen_options *options,
                                    struct weir_error *error)
{
    return uring_listener_open(net, uring_entry_of(base), options, error);
}

static enum weir_code uring__adopt(struct net *net, struct handle *base, struct net_socket socket,
                                   struct weir_error *error)
{
    (void)net, (void)error;
    weir_check(base->kind == HANDLE_CONNECTION);
    weir_check(uring__is_idle(uring_entry_of(base)));
    uring_entry_init(uring_entry_of(base), (int)(socket.os_handle & ~URING_SOCKET_UNIX));
    uring_entry_of(base)->send_flags =
        (socket.os_handle & URING_SOCKET_UNIX) != 0 ? URING_SEND_FLAGS_UNIX : URING_SEND_FLAGS;
    return WEIR_OK;
}

static enum weir_code uring__connect(struct net *net, struct handle *base,
                                     const struct net_connect_options *options,
                                     struct weir_error *error)
{
    weir_check(base->kind == HANDLE_CONNECTING);
    weir_check(uring__is_idle(uring_entry_of(base)));
    return uring_stream_connect(net, uring_entry_of(base), options, error);
}

static void uring__refuse(struct net *net, struct net_socket socket)
{
    (void)net;
    close((int)(socket.os_handle & ~URING_SOCKET_UNIX));
}

static void uring__close(struct net *net, struct handle *base)
{
    struct uring_entry *entry = uring_entry_of(base);

    weir_check(base->closing);
    if (base->kind == HANDLE_CONNECTION) uring_stream_close(net, entry);
    uring_note_change(net->system, entry);
}

/* Ends a closing handle of which the kernel has no request any longer. */
static void uring__close_idle(struct net *net, struct uring_entry *entry)
{
    struct uring *uring = net->system;

    weir_check(uring__is_idle(entry));
    weir_check(!arrivals_are_held(&entry->base));
    weir_check(!list_has(&entry->changed)); /* answering can free the entry */
    if (entry->base.kind == HANDLE_DATAGRAM) {
        datagram_close(net, &linux_endpoint_of(&entry->base)->datagram, &uring->datagrams);
        return;
    }
    if (entry->base.kind == HANDLE_CONNECTION) weir_check(!entry->send_first);
    if (entry->base.kind == HANDLE_CONNECTING) uring_stream_end_connect(entry);
    if (entry->base.kind == HANDLE_LISTENER)
        linux_close_listener(entry->fd, &linux_endpoint_of(&entry->base)->bound);
    else
        linux_close_stream(entry->fd, entry->base.resets);
    answer_closed(net, &entry->base);
}

static struct net_progress uring__progress(struct net *net, struct handle *base)
{
    (void)net;
    return linux_progress(uring_entry_of(base)->fd, base->finished,
                          uring_stream_unsent(uring_entry_of(base)));
}

/* ---- datagrams: datagram.c sends and receives, the ring reports readiness ---- */

static enum weir_code uring__bind(struct net *net, struct handle *base,
                                  const struct net_listen_options *options,
                                  struct weir_error *error)
{
    struct uring *uring = net->system;
    struct uring_entry *entry = uring_entry_of(base);
    enum weir_code code = datagram_open(net, base, &linux_endpoint_of(&entry->base)->datagram,
                                        &uring->datagrams, options, error);

    if (code != WEIR_OK) return code;
    weir_check(uring__is_idle(entry));
    uring_entry_init(entry, linux_endpoint_of(&entry->base)->datagram.fd);
    return WEIR_OK;
}

static void uring__send_to(struct net *net, struct handle *base, const struct net_address *peer,
                           const struct net_address *local, struct net_buffer *buffer,
                           uint32_t segment_bytes)
{
    weir_check(base->endpoint->datagrams_out > 0);
    datagram_send(net, &linux_endpoint_of(base)->datagram, peer, local, buffer, segment_bytes);
}

static bool uring__is_own(struct net *net, struct handle *base, const struct net_address *address)
{
    weir_check(base->kind == HANDLE_DATAGRAM);
    return datagram_is_own(net, &linux_endpoint_of(base)->datagram, address);
}

/* Serves each datagram socket. A socket that the system accepts nothing from requests a poll. */
static void uring__serve_datagrams(struct net *net, struct uring *uring)
{
    uring->datagrams_ready = false;
    datagram_serve_all(net, &uring->datagrams);
    for (struct datagram *at = uring->datagrams.first; at; at = at->next)
        if (datagram_waits_for_room(at)) uring_note_change(uring, uring_entry_of(at->entry));
}

/* ---- wait: commit ---- */

/* Posts a request that is wanted, or cancels one that is not. Returns false if the kernel accepts
 * no further entries. */
static bool uring__commit_request(struct uring *uring, struct uring_entry *entry,
                                  enum uring_operation operation)
{
    struct uring_request *request = operation == URING_INBOUND ? &entry->inbound : &entry->outbound;
    bool wanted = uring__wants(entry, operation);

    weir_check(!request->cancel_out || request->state != URING_POSTED);
    if (request->cancel_out || request->state != (wanted ? URING_IDLE : URING_POSTED)) return true;
    struct io_uring_sqe *sqe = uring_ring_entry(&uring->ring);
    if (!sqe) return false;
    if (wanted) {
        uring__post(uring, entry, operation, sqe);
        return true;
    }
    io_uring_prep_cancel64(sqe, uring__name(entry, operation), 0);
    io_uring_sqe_set_data64(sqe,
                            uring__name(entry, operation == URING_INBOUND ? URING_CANCEL_INBOUND
                                                                          : URING_CANCEL_OUTBOUND));
    request->state = URING_CANCELLED;
    request->cancel_out = true;
    return true;
}

static bool uring__commit_wake(struct uring *uring)
{
    if (uring->wake_posted) return true;
    struct io_uring_sqe *sqe = uring_ring_entry(&uring->ring);
    if (!sqe) return false;
    io_uring_prep_poll_multishot(sqe, uring->wake_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, (uint64_t)URING_WAKE << 56);
    uring->wake_posted = true;
    return true;
}

/* Returns false if some are left, because the kernel accepts no further entries for now. */
static bool uring__commit_changed(struct net *net, struct uring *uring)
{
    while (!list_is_empty(&uring->changed)) {
        struct uring_entry *entry =
            weir_container_of(uring->changed.next, struct uring_entry, changed);
        if (!uring__commit_request(uring, entry, URING_INBOUND)) return false;
        if (!uring__commit_request(uring, entry, URING_OUTBOUND)) return false;
        list_remove(&entry->changed);
        if (entry->base.kind == HANDLE_LISTENER) uring_listener_update_stop(net, entry);
        if (entry->base.closing && uring__is_idle(entry)) uring__close_idle(net, entry);
    }
    return uring__commit_wake(uring);
}

static void uring__resume(struct net *net, struct handle *base)
{
    weir_check(!handle_waits(base));
    uring_note_change(net->system, uring_entry_of(base));
}

/* Releases as many connections that wait for buffers as the ring has buffers, but only a few if
 * they have much to receive: the other buffers are for connections that receive now and then, which
 * then need not wait. */
static void uring__release_waiters(struct net *net, struct uring *uring)
{
    struct handle *first = buffer_waiters_first(&net->stream_waiters);

    weir_check(uring->ring.provided_count <= uring->ring.provided_max);
    if (!first) return;
    if (uring->ring.provided_count == 0) {
        buffer_waiters_report(net, first);
        return;
    }
    uint32_t count = uring->ring.provided_count;
    if (first->is_bulk && count > URING__BULK_PER_WAIT) count = URING__BULK_PER_WAIT;
    buffer_waiters_release(net, &net->stream_waiters, count, uring__resume);
    uring__commit_changed(net, uring);
}

/* The buffers come after all cancels: see the bound at the top. */
static void uring__commit(struct net *net, struct uring *uring)
{
    if (!uring__commit_changed(net, uring)) return;
    uring_ring_refill(&uring->ring, &net->stream_pool);
    uring__release_waiters(net, uring);
}

/* ---- wait: completions ---- */

/* Records a completion of the request; without F_MORE the request has ended. */
static void uring__completed(struct uring *uring, struct uring_entry *entry,
                             struct uring_request *request, const struct io_uring_cqe *completion)
{
    weir_check_rule(request->state != URING_IDLE, "rule 2, a request is answered twice");
    if (!(completion->flags & IORING_CQE_F_MORE)) request->state = URING_IDLE;
    /* A receive that goes on as wanted is no reason to look at the slot again, nor is a send. */
    if (request->state == URING_IDLE ? request == &entry->inbound || entry->base.closing
                                     : !entry->base.flow_on)
        uring_note_change(uring, entry);
}

/* A poll of a datagram socket completed. If it failed, it is posted again after a delay. */
static void uring__datagram_polled(struct net *net, struct uring_entry *entry,
                                   enum handle_direction direction, int result)
{
    struct uring *uring = net->system;

    if (result < 0 && result != -ECANCELED && !entry->base.closing) {
        retries_add(net, &entry->base, direction, error_code_of_os(-result), -result);
        return;
    }
    uring->datagrams_ready = true;
    if (direction == HANDLE_RECEIVES)
        linux_endpoint_of(&entry->base)->datagram.readable = true;
    else
        linux_endpoint_of(&entry->base)->datagram.writable = true;
}

static void uring__complete_inbound(struct net *net, struct uring_entry *entry,
                                    const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;
    struct net_buffer *buffer = uring_ring_claim(&uring->ring, completion);

    uring__completed(uring, entry, &entry->inbound, completion);
    if (entry->base.kind == HANDLE_CONNECTION) {
        uring_stream_received(net, entry, buffer, completion->res);
        return;
    }
    weir_check(!buffer);
    if (entry->base.kind == HANDLE_LISTENER)
        uring_listener_complete(net, entry, completion->res);
    else
        uring__datagram_polled(net, entry, HANDLE_RECEIVES, completion->res);
}

static void uring__complete_outbound(struct net *net, struct uring_entry *entry,
                                     const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;

    weir_check(entry->base.kind != HANDLE_LISTENER);
    uring__completed(uring, entry, &entry->outbound, completion);
    if (entry->base.kind == HANDLE_CONNECTION)
        uring_stream_sent(net, entry, completion->res);
    else if (entry->base.kind == HANDLE_CONNECTING)
        uring_stream_connected(net, entry, completion->res);
    else
        uring__datagram_polled(net, entry, HANDLE_SENDS, completion->res);
}

/* A cancel completed. One that found nothing is posted again if the request is still unwanted. */
static void uring__cancel_ended(struct uring *uring, struct uring_entry *entry,
                                struct uring_request *request, int result)
{
    bool missed = request->state == URING_CANCELLED && result < 0;

    weir_check(request->cancel_out);
    weir_check(request->state != URING_POSTED);
    request->cancel_out = false;
    if (missed && result == -EALREADY && entry->base.closing) {
        /* An io-wq worker executes the request; this makes it return. shutdown() sends FIN. */
        if (entry->base.resets)
            linux_disconnect(entry->fd);
        else
            shutdown(entry->fd, SHUT_RDWR);
        return;
    }
    if (missed) request->state = URING_POSTED;
    if (missed && result == -EALREADY)
        return; /* retried after the next completion of the request */
    uring_note_change(uring, entry);
}

static void uring__take_wake(struct net *net)
{
    const struct uring *uring = net->system;
    uint64_t count;

    if (read(uring->wake_fd, &count, sizeof count) == sizeof count)
        event_batch_add(net, NULL, NET_WOKEN);
}

static void uring__complete_wake(struct net *net, const struct io_uring_cqe *completion)
{
    struct uring *uring = net->system;

    weir_check_rule(uring->wake_posted, "rule 2, a request is answered twice");
    if (!(completion->flags & IORING_CQE_F_MORE)) uring->wake_posted = false;
    uring->wake_error = completion->res < 0 ? -completion->res : 0;
    uring__take_wake(net);
}

/* Makes at most one event. */
static void uring__complete(struct net *net, const struct io_uring_cqe *completion)
{
    enum uring_operation operation = uring__operation_of(completion->user_data);

    if (operation == URING_WAKE) {
        uring__complete_wake(net, completion);
        return;
    }
    struct uring_entry *entry = uring__entry_named(net, completion->user_data);
    switch (operation) {
    case URING_INBOUND: uring__complete_inbound(net, entry, completion); break;
    case URING_OUTBOUND: uring__complete_outbound(net, entry, completion); break;
    case URING_CANCEL_INBOUND:
        uring__cancel_ended(net->system, entry, &entry->inbound, completion->res);
        break;
    case URING_CANCEL_OUTBOUND:
        uring__cancel_ended(net->system, entry, &entry->outbound, completion->res);
        break;
    case URING_WAKE: break;
    }
}

/* Takes completions while there is room for what they may become; the others stay. */
static uint32_t uring__harvest(struct net *net, struct uring *uring)
{
    struct io_uring_cqe *completion;
    uint32_t count = 0;
    unsigned head;

    weir_check(net->batch.events != NULL);
    io_uring_for_each_cqe(&uring->ring.io, head, completion)
    {
        if (!event_batch_has_room(&net->batch)) break;
        uring__complete(net, completion);
        count++;
    }
    io_uring_cq_advance(&uring->ring.io, count);
    return count;
}

/* ---- a ring that the kernel refuses ---- */

static bool uring__has_news(const struct net *net)
{
    return net->batch.count > 0 || answers_are_recorded(&net->answers);
}

/* Closes what arrived and was not taken: no completion is read after the ring. */
static void uring__refuse_accepted(const struct net *net, struct uring *uring)
{
    struct io_uring_cqe *at;
    unsigned head;

    io_uring_for_each_cqe(&uring->ring.io, head, at)
    {
        const struct handle *base = handle_table_at(&net->handle_table, (uint32_t)at->user_data);
        bool inbound = uring__operation_of(at->user_data) == URING_INBOUND;
        if (inbound && base->kind == HANDLE_LISTENER && at->res >= 0) close(at->res);
    }
}

/* Whether the handle has a socket. */
static bool uring__has_socket(const struct handle *base)
{
    return base->kind != HANDLE_FREE && !base->closed_ready;
}

/* Ends the requests of a handle: the ring, and with it the kernel's requests, has gone. */
static void uring__forget_requests(struct net *net, struct uring_entry *entry)
{
    const struct weir_error *failure = &net->failure;

    entry->inbound = entry->outbound = (struct uring_request){URING_IDLE, false};
    if (entry->base.kind == HANDLE_CONNECTION && entry->send_first)
        uring_stream_fail_send(net, entry, failure->code, failure->os_error);
    uring_note_change(net->system, entry);
}

/* The kernel refuses the ring, or has lost completions: which requests are complete is unknown.
 * Each connection is reset first, so that no request sends or receives from here on. A FIN would
 * claim that its stream is complete. */
static void uring__fail(struct net *net)
{
    struct uring *uring = net->system;
    struct handle_table *table = &net->handle_table;

    weir_check(net->failed);
    for (uint32_t i = 0; i < table->handles_count; i++) {
        struct handle *base = handle_table_at(table, i);
        bool connects = base->kind == HANDLE_CONNECTING;
        if ((connects || base->kind == HANDLE_CONNECTION) && uring__has_socket(base))
            linux_disconnect(uring_entry_of(base)->fd);
    }
    uring__refuse_accepted(net, uring);
    uring_ring_free(&uring->ring);
    for (uint32_t i = 0; i < table->handles_count; i++) {
        struct handle *base = handle_table_at(table, i);
        if (uring__has_socket(base)) uring__forget_requests(net, uring_entry_of(base));
    }
}

/* One wait without a ring: closes handles, breaks the others, waits for a wake-up. */
static void uring__wait_failed(struct net *net, uint64_t until_ns)
{
    struct uring *uring = net->system;
    struct list *node;

    while ((node = list_take_first(&uring->changed)) != NULL) {
        struct uring_entry *entry = weir_container_of(node, struct uring_entry, changed);
        if (entry->base.closing) uring__close_idle(net, entry);
    }
    net->wait_began_ns = clock_now_ns();
    net_failure_hand_out(net);
    bool woken = linux_wait_for_wake(uring->wake_fd, uring__has_news(net) ? 0 : until_ns);
    net->now_ns = clock_now_ns();
    if (woken && event_batch_has_room(&net->batch)) event_batch_add(net, NULL, NET_WOKEN);
}

/* ---- wait ---- */

static inline bool uring__may_block(const struct net *net, const struct uring *uring)
{
    if (uring__has_news(net) || !list_is_empty(&uring->changed)) return false;
    if (buffer_waiters_any(&net->stream_waiters) && uring->ring.provided_count > 0) return false;
    return !datagram_is_any_busy(net, &uring->datagrams);
}

/* Delays the thread if entering the kernel failed and brought nothing, or if the poll of the
 * wake-up failed: posting it again immediately would busy-loop. Returns false if the kernel refuses
 * the ring from now on. */
static bool uring__check_wait(struct net *net, struct uring *uring, int os_error,
                              uint32_t harvested, uint64_t until_ns)
{
    if (os_error == 0) os_error = uring->wake_error;
    uring->wake_error = 0;
    weir_check(os_error != 0);
    if (os_error != EBADR && harvested > 0 && uring__has_news(net)) return true;
    bool passes =
        linux_wait_failed(net, &uring->wait, os_error, uring->wake_fd, until_ns, "io_uring_enter");
    net->now_ns = clock_now_ns();
    if (passes && event_batch_has_room(&net->batch)) uring__take_wake(net);
    return passes;
}

/* Submits, waits for completions and takes them. Returns false if the kernel refuses the ring from
 * now on. */
static bool uring__enter(struct net *net, struct uring *uring, uint64_t until_ns)
{
    int os_error =
        uring_ring_enter(&uring->ring, net->now_ns, uring__may_block(net, uring) ? until_ns : 0);

    net->now_ns = clock_now_ns();
    uint32_t count = uring__harvest(net, uring);
    if (os_error == 0 && uring->wake_error == 0) {
        linux_wait_succeeded(&uring->wait);
        return true;
    }
    if (uring__check_wait(net, uring, os_error, count, until_ns)) return true;
    uring__fail(net);
    uring__wait_failed(net, 0);
    return false;
}

/* What the kernel signals from now on has not been taken. */
static void uring__take_signals(const struct uring *uring)
{
    uint64_t count;

    if (uring->event_fd < 0) return;
    ssize_t length = read(uring->event_fd, &count, sizeof count); /* fails if there are none */
    (void)length;
}

static void uring__wait(struct net *net, uint64_t until_ns)
{
    struct uring *uring = net->system;
    struct uring_ring *ring = &uring->ring;

    if (net->failed) {
        uring__wait_failed(net, until_ns);
        return;
    }
    uring__take_signals(uring);
    bool some_were_left = uring__harvest(net, uring) > 0;
    bool some_are_left = io_uring_cq_ready(&ring->io) > 0 && !event_batch_has_room(&net->batch);
    if (some_are_left || (some_were_left && uring__has_news(net))) {
        net->wait_began_ns = net->now_ns = clock_now_ns();
        return;
    }
    net->wait_began_ns = net->now_ns = clock_now_ns();
    do {
        uring__serve_datagrams(net, uring);
        uring__commit(net, uring);
        until_ns = transport_blocks_until(net, until_ns);
        if (!uring__enter(net, uring, until_ns)) return;
        if (uring->datagrams_ready) uring__serve_datagrams(net, uring);
    } while (!uring__has_news(net) && net->now_ns < until_ns);
}

static void uring__wake(struct net *net)
{
    const struct uring *uring = net->system;

    linux_wake(uring->wake_fd);
}

/* Lets `poll_fd` report the eventfds of completions and of net_wake(). Returns false if the system
 * refuses it. */
static bool uring__join_signals(struct uring *uring, int poll_fd)
{
    struct epoll_event readable = {.events = EPOLLIN};

    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, uring->event_fd, &readable) == 0 &&
           epoll_ctl(poll_fd, EPOLL_CTL_ADD, uring->wake_fd, &readable) == 0 &&
           io_uring_register_eventfd(&uring->ring.io, uring->event_fd) == 0;
}

/* The ring's own descriptor does not wake a thread that polls it if completions are worked off only
 * when we ask for them. The kernel signals an eventfd instead, but not reliably for what another
 * eventfd causes, such as net_wake(). So that one is polled, too. */
static int uring__descriptor(struct net *net)
{
    struct uring *uring = net->system;

    if (uring->poll_fd >= 0) return uring->poll_fd;
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    uring->event_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* what has completed already */
    if (poll_fd >= 0 && uring->event_fd >= 0 && uring__join_signals(uring, poll_fd)) {
        uring->poll_fd = poll_fd;
        return poll_fd;
    }
    if (poll_fd >= 0) close(poll_fd);
    if (uring->event_fd >= 0) close(uring->event_fd);
    uring->event_fd = -1;
    return -1;
}

static bool uring__is_busy(struct net *net)
{
    const struct uring *uring = net->system;

    return !uring__may_block(net, uring) || io_uring_sq_ready(&uring->ring.io) > 0;
}

/* ---- open, free ---- */

static enum weir_code uring__open(struct net *net, struct weir_error *error)
{
    struct uring *uring = memory_alloc(sizeof *uring);
    enum weir_code code;

    weir_check(!net->system);
    if (!uring)
        return error_fill(error, WEIR_NO_MEMORY, 0, "use io_uring", NULL, NULL, "free some memory");
    uring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (uring->wake_fd < 0) {
        code = error_fill(error, error_code_of_os(errno), errno, "use io_uring", NULL,
                          "no eventfd for waking it", error_os_hint(errno));
        goto fail;
    }
    uring->event_fd = uring->poll_fd = -1;
    list_init(&uring->changed);
    code = uring_ring_open(&uring->ring, &net->options, error);
    if (code != WEIR_OK) goto fail;
    net->system = uring;
    net->now_ns = clock_now_ns();
    net->info.held_bytes_max =
        (uint64_t)uring->ring.provided_max * net->options.stream_buffer_bytes;
    return WEIR_OK;

fail:
    if (uring->wake_fd >= 0) close(uring->wake_fd);
    memory_free(uring);
    return code;
}

static void uring__free(struct net *net)
{
    struct uring *uring = net->system;

    close(uring->wake_fd);
    weir_check(list_is_empty(&uring->changed));
    weir_check(!uring->datagrams.first);
    uring_ring_free(&uring->ring);
    if (uring->event_fd >= 0) close(uring->event_fd);
    if (uring->poll_fd >= 0) close(uring->poll_fd);
    memory_free(uring);
    net->system = NULL;
}

static void uring__keep_alive(struct net *net, struct handle *base)
{
    linux_keep_alive(uring_entry_of(base)->fd, net->options.keepalive_ms);
}

const struct transport transport_uring = {
    .name = "uring",
    .listeners_share = true,
    .has_unix = true,
    .inherits_sockets = true,
    .entry_bytes = sizeof(struct uring_entry),
    .endpoint_bytes = sizeof(struct linux_endpoint),
    .open = uring__open,
    .free = uring__free,
    .wake = uring__wake,
    .descriptor = uring__descriptor,
    .is_busy = uring__is_busy,
    .listen = uring__listen,
    .adopt = uring__adopt,
    .connect = uring__connect,
    .accept = uring__accept,
    .keep_alive = uring__keep_alive,
    .refuse = uring__refuse,
    .receive = uring__receive,
    .retry = uring__retry,
    .stop_accepting = uring__stop_accepting,
    .send = uring__send,
    .finish = uring__finish,
    .close = uring__close,
    .progress = uring__progress,
    .local_address = uring__local_address,
    .bind = uring__bind,
    .send_to = uring__send_to,
    .is_own = uring__is_own,
    .wait = uring__wait,
};
