/* SPDX-License-Identifier: MIT */
/* rio_emulation_queue.h - the emulation's request queues. Thread: the queue owner's. A queue owns
 * its requests, and frees itself after the close when its last result was dequeued. */
#ifndef NET_WINDOWS_RIO_EMULATION_QUEUE_H
#define NET_WINDOWS_RIO_EMULATION_QUEUE_H

#include "rio_emulation_cq.h"
#include "rio_emulation_request.h"

#define EMULATED_QUEUE_MAGIC 0x52494f51u

struct emulated_fifo {
    struct emulated_request *first, *last;
};

/* Sends, or receives. */
struct emulated_direction {
    struct emulated_request *free;
    struct emulated_fifo deferred; /* posted, not committed */
    struct emulated_fifo waiting;  /* committed, not started */
    uint32_t max, charged, in_flight;
    struct emulated_cq *cq;
};

struct emulated_block {
    struct emulated_block *next;
    struct emulated_request *requests;
    struct emulated_message *messages;
};

struct emulated_queue {
    uint32_t magic;
    bool is_stream;
    bool skips;     /* an immediate success produces no packet */
    bool is_dead;   /* the owner called close_socket */
    bool is_closed; /* the socket is closed: no request is in flight */
    bool is_busy;   /* a function iterates over the queue: do not free it */
    win_socket socket;
    int send_failure; /* a stream's first failed send: later sends fail, too; 0: none */
    uint64_t context;
    struct emulated_direction receives, sends;
    struct emulated_block *blocks;
};

rio_rq RIO_CALL emulated_create_rq(uintptr_t socket, uint32_t receives_max,
                                   uint32_t receive_pieces_max, uint32_t sends_max,
                                   uint32_t send_pieces_max, rio_cq receive_cq, rio_cq send_cq,
                                   void *socket_context);
rio_bool RIO_CALL emulated_resize_rq(rio_rq rq, uint32_t receives_max, uint32_t sends_max);
rio_bool RIO_CALL emulated_receive(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                   uint32_t flags, void *context);
int RIO_CALL emulated_receive_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                 const struct rio_piece *local, const struct rio_piece *remote,
                                 const struct rio_piece *control, const struct rio_piece *out_flags,
                                 uint32_t flags, void *context);
rio_bool RIO_CALL emulated_send(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                uint32_t flags, void *context);
rio_bool RIO_CALL emulated_send_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                   const struct rio_piece *local, const struct rio_piece *remote,
                                   const struct rio_piece *control,
                                   const struct rio_piece *out_flags, uint32_t flags,
                                   void *context);
void emulated_close_socket(rio_rq rq, win_socket socket);
/* Queues are created for this socket, which has joined the port already, until it is called with
 * WIN_NO_SOCKET. */
void emulated_on_watched(win_socket socket);
/* Handles a request that the system returned, with its NTSTATUS or error. */
void emulated_queue_returned(struct emulated_request *request, int os_error, uint32_t bytes);
/* Frees the request after its result was dequeued or dropped, and a dead queue with its last
 * request. */
void emulated_queue_release(struct emulated_request *request);

#endif
