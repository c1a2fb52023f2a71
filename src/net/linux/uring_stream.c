/* SPDX-License-Identifier: MIT */
/* uring_stream.c - connections: one receive, and one send that is repeated until all its buffers
 * are sent. The receive is multishot, except for a connection that was released from the queue for
 * buffers: its receive takes one buffer, so that the others in the queue find one too.
 *
 * Buffers: SYSTEM owns those of a send until the completion that covers them. An idle connection
 * has none.
 */
#include <errno.h>

#include "check.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "memory.h"
#include "uring_net.h"

/* ---- connecting ---- */

enum weir_code uring_stream_connect(struct net *net, struct uring_entry *entry,
                                    const struct net_connect_options *options,
                                    struct weir_error *error)
{
    int fd;
    enum weir_code code = linux_open_connect(options, false, &net->options, &fd, &entry->to, error);

    if (code != WEIR_OK) return code;
    uring_entry_init(entry, fd);
    entry->send_flags = options->unix_path ? URING_SEND_FLAGS_UNIX : URING_SEND_FLAGS;
    uring_note_change(net->system, entry);
    return WEIR_OK;
}

void uring_stream_fill_connect(const struct uring_entry *entry, struct io_uring_sqe *sqe)
{
    weir_check(entry->base.kind == HANDLE_CONNECTING);
    io_uring_prep_connect(sqe, entry->fd, &entry->to->sockaddr.any, entry->to->length);
}

void uring_stream_end_connect(struct uring_entry *entry)
{
    memory_free(entry->to);
    entry->to = NULL; /* and a connection's send_first: no send is out */
}

void uring_stream_connected(struct net *net, struct uring_entry *entry, int result)
{
    struct net_address local;

    weir_check(entry->base.kind == HANDLE_CONNECTING);
    if (entry->base.closing) return; /* NET_CLOSED answers */
    if (result == -EAGAIN) {         /* Unix domain: the backlog is full */
        retries_add(net, &entry->base, HANDLE_SENDS, WEIR_NO_ROOM, EAGAIN);
        return;
    }
    if (result == 0 && !linux_is_connected(entry->fd, &entry->to->address, &local))
        result = -ECONNREFUSED;
    uring_stream_end_connect(entry);
    if (result != 0)
        event_batch_failed(net, &entry->base, NET_BROKEN, linux_connect_code(-result), -result);
    else
        event_batch_add(net, &entry->base, NET_CONNECTED)->local = local;
}

/* ---- receiving ---- */

void uring_stream_fill_receive(struct uring_entry *entry, struct io_uring_sqe *sqe)
{
    weir_check(entry->base.flow_on);
    weir_check(!arrivals_are_held(&entry->base));
    /* A multishot receive can take all buffers of the ring. */
    if (entry->base.was_released)
        io_uring_prep_recv(sqe, entry->fd, NULL, 0, 0);
    else
        io_uring_prep_recv_multishot(sqe, entry->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_RING_BUFFER_GROUP;
}

/* The receive ended without data. */
static void uring_stream__receive_ended(struct net *net, struct uring_entry *entry, int os_error)
{
    struct handle *base = &entry->base;
    const struct uring *uring = net->system;

    weir_check(entry->base.kind == HANDLE_CONNECTION);
    if (base->closing || os_error == ECANCELED) return;
    if (os_error == ENOBUFS && uring->ring.provided_count == 0) {
        if (base->flow_on && !arrivals_are_held(base)) buffer_waiters_add(net, base);
    } else if (linux_passes(os_error)) { /* ENOBUFS: of the socket, since the ring has buffers */
        retries_add(net, base, HANDLE_RECEIVES, error_code_of_os(os_error), os_error);
    } else {
        arrival_end(net, base, error_code_of_os(os_error), os_error);
    }
}

void uring_stream_received(struct net *net, struct uring_entry *entry, struct net_buffer *buffer,
                           int result)
{
    weir_check(!buffer || pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    if (buffer && result > 0) {
        buffer->length = (uint32_t)result;
        arrival_bytes(net, &entry->base, buffer);
        if (entry->inbound.state == URING_IDLE && entry->base.flow_on)
            buffer_waiters_add_if_any(net, &entry->base);
        return;
    }
    if (buffer) pool_give_back(buffer, POOL_SYSTEM);
    uring_stream__receive_ended(net, entry, -result);
}

/* ---- sending ---- */

static void uring_stream__give_back_first(struct uring_entry *entry)
{
    struct net_buffer *buffer = entry->send_first;

    weir_check(buffer != NULL);
    entry->send_first = buffer->next;
    buffer->next = NULL;
    pool_give_back(buffer, POOL_SYSTEM);
}

void uring_stream_fill_send(struct uring *uring, const struct uring_entry *entry,
                            struct io_uring_sqe *sqe)
{
    const struct net_buffer *first = entry->send_first;
    const int flags = entry->send_flags;

    weir_check(first != NULL);
    weir_check(entry->base.send_out);
    if (!first->next)
        io_uring_prep_send(sqe, entry->fd, first->bytes, first->length, flags);
    else
        io_uring_prep_sendmsg(sqe, entry->fd, uring_ring_message(&uring->ring, sqe, first),
                              (unsigned)flags);
}

void uring_stream_send(struct uring_entry *entry, struct net_buffer *const *buffers, uint32_t count)
{
    weir_check(entry->outbound.state == URING_IDLE);
    weir_check(!entry->send_first);
    for (uint32_t i = count; i-- > 0;) {
        buffers[i]->next = entry->send_first;
        entry->send_first = buffers[i];
    }
}

void uring_stream_fail_send(struct net *net, struct uring_entry *entry, enum weir_code code,
                            int os_error)
{
    uint32_t bytes = 0;

    weir_check(entry->base.send_out);
    while (entry->send_first) {
        bytes += entry->send_first->length;
        uring_stream__give_back_first(entry);
    }
    answer_count_unsent(&entry->base, bytes);
    answer_sent(net, &entry->base, code, os_error);
}

uint32_t uring_stream_unsent(const struct uring_entry *entry)
{
    uint32_t bytes = 0;

    for (const struct net_buffer *at = entry->send_first; at; at = at->next) bytes += at->length;
    return bytes;
}

static void uring_stream__sent(struct net *net, struct uring_entry *entry, int result)
{
    uint32_t bytes = result > 0 ? (uint32_t)result : 0;

    while (entry->send_first && bytes >= entry->send_first->length) {
        bytes -= entry->send_first->length;
        uring_stream__give_back_first(entry);
    }
    if (!entry->send_first) {
        weir_check(bytes == 0);
        answer_sent_now(net, &entry->base);
        return;
    }
    if (linux_passes(-result) && !entry->base.closing) {
        /* Such a failure comes before the first byte: the kernel reports a partial send as one. */
        retries_add(net, &entry->base, HANDLE_SENDS, error_code_of_os(-result), -result);
        return;
    }
    entry->send_first->bytes += bytes;
    entry->send_first->length -= bytes;
    if (result <= 0)
        uring_stream_fail_send(net, entry, result == 0 ? WEIR_RESET : error_code_of_os(-result),
                               -result);
    else if (entry->base.closing)
        uring_stream_fail_send(net, entry, WEIR_CANCELLED, 0);
    else /* the rest is sent next */
        uring_note_change(net->system, entry);
}

void uring_stream_sent(struct net *net, struct uring_entry *entry, int result)
{
    struct net_buffer *first = entry->send_first;

    weir_check(entry->base.send_out);
    weir_check(first != NULL);
    if (first->next || result != (int)first->length) {
        uring_stream__sent(net, entry, result);
        return;
    }
    entry->send_first = NULL; /* as most sends: one buffer, sent whole */
    pool_give_back(first, POOL_SYSTEM);
    answer_sent_now(net, &entry->base);
}

void uring_stream_close(struct net *net, struct uring_entry *entry)
{
    weir_check(entry->base.closing);
    if (entry->send_first && entry->outbound.state == URING_IDLE)
        uring_stream_fail_send(net, entry, WEIR_CANCELLED, 0);
}
