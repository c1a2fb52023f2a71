/* SPDX-License-Identifier: MIT */
/* rio_emulation_queue.h - the emulation's request queues. The thread of the queue's owner. */
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
    struct emulated_fifo deferred; /* charged, not committed */
    struct emulated_fifo waiting;  /* committed; a stream has one in flight at a time */
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
    bool skips;     /* an immediate success makes no packet */
    bool is_dead;   /* closed, as its owner sees it */
    bool is_closed; /* the socket really was: when nothing was in flight any more */
    bool is_busy;   /* somebody goes through it: it is not freed under him */
    win_socket socket;
    int send_failure; /* of a stream: what comes behind it must not go out; 0: none */
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
/* A request came back from the system. */
void emulated_queue_returned(struct emulated_request *request, int os_error, uint32_t bytes);
/* Its result was dequeued, or thrown away: the slot is free, and perhaps the queue. */
void emulated_queue_release(struct emulated_request *request);

#endif
