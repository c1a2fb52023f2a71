/* SPDX-License-Identifier: MIT */
/* uring_echo.c - the bare io_uring loop: multishot accept and receive, a ring of 64 buffers of
 * 16 KiB, which fits into the processor's second cache, and one submit-and-wait per batch.
 * Each connection has one ordered send in flight; what arrives meanwhile waits in its order.
 *
 *      accept ... accept          receive -> [waiting] -> send -> buffer back to the ring
 *
 * Modes: echo, broadcast (with a copy of the message that all sends share). */
#include <liburing.h>
#include <stdint.h>
#include <unistd.h>

#include "peer.h"

enum {
    RING__ENTRIES = 4096,
    RING__BUFFERS = 64, /* a power of two */
    RING__BUFFER_BYTES = 16384,
    RING__MESSAGE_BYTES = 64, /* of a broadcast */
    RING__SHARES = 4096,
    RING__NONE = -1,
};

enum ring__kind { RING__ACCEPT, RING__RECEIVE, RING__SEND, RING__SHARED_SEND };

/* A received buffer that waits to be sent back, or is being sent. */
struct ring__buffer {
    uint32_t length, sent;
    int next; /* of the same connection */
};

struct ring__connection {
    int first, last; /* buffers in their order; RING__NONE: none */
    int is_closing;  /* the peer is gone, and a send is in flight */
};

static struct {
    struct io_uring ring;
    struct io_uring_buf_ring *pool;
    uint8_t bytes[RING__BUFFERS][RING__BUFFER_BYTES];
    struct ring__buffer buffers[RING__BUFFERS];
    struct ring__connection connections[PEER_HANDLES_MAX];
    int unarmed[PEER_HANDLES_MAX]; /* their receive ended for lack of buffers */
    uint32_t unarmed_count;
    int members[PEER_HANDLES_MAX];
    uint32_t members_count;
    uint8_t shares[RING__SHARES][RING__MESSAGE_BYTES];
    uint32_t shares_count;
    int listener, is_broadcast;
} server;

static struct io_uring_sqe *ring__request(void)
{
    struct io_uring_sqe *request = io_uring_get_sqe(&server.ring);

    while (!request) {
        io_uring_submit(&server.ring);
        request = io_uring_get_sqe(&server.ring);
    }
    return request;
}

/* Preparing a request clears user_data in some versions of liburing, so it is set afterwards. */
static void ring__mark(struct io_uring_sqe *request, enum ring__kind kind, int handle)
{
    io_uring_sqe_set_data64(request, (uint64_t)kind << 32 | (uint32_t)handle);
}

static void ring__accept(void)
{
    struct io_uring_sqe *request = ring__request();

    io_uring_prep_multishot_accept(request, server.listener, NULL, NULL, SOCK_CLOEXEC);
    ring__mark(request, RING__ACCEPT, server.listener);
}

static void ring__receive(int handle)
{
    struct io_uring_sqe *request = ring__request();

    io_uring_prep_recv_multishot(request, handle, NULL, 0, 0);
    request->flags |= IOSQE_BUFFER_SELECT;
    request->buf_group = 0;
    ring__mark(request, RING__RECEIVE, handle);
}

static void ring__send(int handle)
{
    int index = server.connections[handle].first;
    struct ring__buffer *buffer = &server.buffers[index];
    struct io_uring_sqe *request = ring__request();

    io_uring_prep_send(request, handle, server.bytes[index] + buffer->sent,
                       buffer->length - buffer->sent, MSG_NOSIGNAL | MSG_WAITALL);
    ring__mark(request, RING__SEND, handle);
}

static void ring__give_back(int index)
{
    io_uring_buf_ring_add(server.pool, server.bytes[index], RING__BUFFER_BYTES,
                          (unsigned short)index, io_uring_buf_ring_mask(RING__BUFFERS), 0);
    io_uring_buf_ring_advance(server.pool, 1);
}

static void ring__close(int handle)
{
    for (uint32_t i = 0; i < server.members_count; i++) {
        if (server.members[i] != handle) continue;
        server.members[i] = server.members[--server.members_count];
        break;
    }
    close(handle);
}

static void ring__on_accept(const struct io_uring_cqe *event)
{
    int handle = event->res;

    if (!(event->flags & IORING_CQE_F_MORE)) ring__accept();
    if (handle < 0) return;
    peer_need(handle < PEER_HANDLES_MAX, "too many connections");
    peer_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    server.connections[handle] = (struct ring__connection){RING__NONE, RING__NONE, 0};
    if (server.is_broadcast) server.members[server.members_count++] = handle;
    ring__receive(handle);
}

/* Sends the message to all members from one copy, which stays until RING__SHARES later ones. */
static void ring__broadcast(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t at = 0; at + RING__MESSAGE_BYTES <= length; at += RING__MESSAGE_BYTES) {
        uint8_t *share = server.shares[server.shares_count++ % RING__SHARES];
        memcpy(share, bytes + at, RING__MESSAGE_BYTES);
        for (uint32_t i = 0; i < server.members_count; i++) {
            struct io_uring_sqe *request = ring__request();
            io_uring_prep_send(request, server.members[i], share, RING__MESSAGE_BYTES,
                               MSG_NOSIGNAL | MSG_WAITALL);
            ring__mark(request, RING__SHARED_SEND, server.members[i]);
            io_uring_sqe_set_flags(request, IOSQE_CQE_SKIP_SUCCESS);
        }
    }
}

static void ring__on_receive(const struct io_uring_cqe *event, int handle)
{
    struct ring__connection *connection = &server.connections[handle];
    int is_armed = (event->flags & IORING_CQE_F_MORE) != 0;

    if (event->res <= 0) {
        if (event->res == -ENOBUFS)
            server.unarmed[server.unarmed_count++] = handle;
        else if (connection->first != RING__NONE)
            connection->is_closing = 1;
        else
            ring__close(handle);
        return;
    }
    int index = (int)(event->flags >> IORING_CQE_BUFFER_SHIFT);
    if (server.is_broadcast) {
        ring__broadcast(server.bytes[index], (uint32_t)event->res);
        ring__give_back(index);
    } else {
        server.buffers[index] = (struct ring__buffer){(uint32_t)event->res, 0, RING__NONE};
        if (connection->first == RING__NONE)
            connection->first = index;
        else
            server.buffers[connection->last].next = index;
        connection->last = index;
        if (connection->first == index) ring__send(handle);
    }
    if (!is_armed) ring__receive(handle);
}

static void ring__on_send(const struct io_uring_cqe *event, int handle)
{
    struct ring__connection *connection = &server.connections[handle];
    int index = connection->first;
    struct ring__buffer *buffer = &server.buffers[index];

    if (event->res > 0) buffer->sent += (uint32_t)event->res;
    if (event->res > 0 && buffer->sent < buffer->length) {
        ring__send(handle);
        return;
    }
    connection->first = buffer->next;
    ring__give_back(index);
    if (connection->first != RING__NONE)
        ring__send(handle);
    else if (connection->is_closing)
        ring__close(handle);
}

static void ring__handle(const struct io_uring_cqe *event)
{
    int handle = (int)(uint32_t)event->user_data;

    switch ((enum ring__kind)(event->user_data >> 32)) {
    case RING__ACCEPT: ring__on_accept(event); break;
    case RING__RECEIVE: ring__on_receive(event, handle); break;
    case RING__SEND: ring__on_send(event, handle); break;
    case RING__SHARED_SEND: break;
    }
}

static void ring__open(void)
{
    struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                                  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                                         .cq_entries = 4 * RING__ENTRIES};
    struct io_uring_buf_reg pool = {.ring_entries = RING__BUFFERS};
    void *memory = NULL;

    peer_need(io_uring_queue_init_params(RING__ENTRIES, &server.ring, &parameters) == 0,
              "io_uring is not available with these features");
    io_uring_register_ring_fd(&server.ring);
    peer_need(posix_memalign(&memory, 4096, sizeof(struct io_uring_buf) * RING__BUFFERS) == 0,
              "memory");
    server.pool = memory;
    pool.ring_addr = (uint64_t)(uintptr_t)memory;
    io_uring_buf_ring_init(server.pool);
    peer_need(io_uring_register_buf_ring(&server.ring, &pool, 0) == 0, "buffer ring");
    for (int i = 0; i < RING__BUFFERS; i++) ring__give_back(i);
}

int main(int count, char **arguments)
{
    unsigned short port = peer_port(count, arguments);

    server.is_broadcast = strcmp(arguments[2], "broadcast") == 0;
    server.listener = peer_listen(port, SOCK_STREAM);
    ring__open();
    ring__accept();
    for (;;) {
        struct io_uring_cqe *event;
        unsigned head, seen = 0;
        io_uring_submit_and_wait(&server.ring, 1);
        io_uring_for_each_cqe(&server.ring, head, event)
        {
            ring__handle(event);
            seen++;
        }
        io_uring_cq_advance(&server.ring, seen);
        uint32_t again = server.unarmed_count;
        server.unarmed_count = 0;
        for (uint32_t i = 0; i < again; i++) ring__receive(server.unarmed[i]);
    }
}
