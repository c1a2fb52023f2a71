/* SPDX-License-Identifier: MIT */
/* rio_emulation.h - RIO's objects as the emulation makes them. Private to its files.
 *
 *      rio_emulation.c          the table: completion queues, registrations
 *      rio_emulation_queue.c    request queues: what a request goes through
 *      rio_emulation_request.c  one request as an overlapped call, and back
 */
#ifndef NET_WINDOWS_RIO_EMULATION_H
#define NET_WINDOWS_RIO_EMULATION_H

#include <stdbool.h>

#include "rio_provider.h"
#include "win_error.h"

struct emulated_buffer {
    uint32_t magic;
    uint32_t length;
    uint8_t *bytes;
};

/* What a datagram's request has beyond a stream's. */
struct emulated_message {
    struct win_message message;
    struct win_sockaddr address;
    uint8_t *address_slice, *control_slice; /* null: none */
};

/* One slot of a request queue: free, deferred, waiting, in flight, or done until it is dequeued. */
struct emulated_request {
    struct win_overlapped overlapped; /* first */
    struct emulated_queue *queue;
    struct emulated_request *next;    /* on free, deferred or waiting */
    struct emulated_message *message; /* null on a stream */
    struct win_piece piece;           /* what is left of it to send or receive */
    uint64_t context;
    uint32_t done_bytes;
    uint32_t tries; /* of a datagram's receive that met another's unreachable peer */
    uint32_t flags;
    bool is_send;
};

struct emulated_line {
    struct emulated_request *first, *last;
};

/* Sends, or receives. */
struct emulated_direction {
    struct emulated_request *free;
    struct emulated_line deferred; /* charged, not committed */
    struct emulated_line waiting;  /* committed; a stream has one in flight at a time */
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

struct emulated_entry {
    struct rio_result result;
    struct emulated_request *request;
};

struct emulated_cq {
    uint32_t magic;
    bool is_armed;
    bool is_closed;
    bool in_packet, has_fired; /* a packet is being handled; the notification is due to it */
    uint32_t size, reserved, queues_count;
    uint32_t first, count;
    uint32_t notifying_count; /* of the entries, those that were not asked to be quiet */
    win_port port;
    uintptr_t key;
    struct win_overlapped *overlapped;
    struct emulated_entry *ring; /* of `size` */
};

extern const struct win_system *emulated_system;

#define EMULATED_BUFFER_MAGIC 0x52494f42u
#define EMULATED_CQ_MAGIC 0x52494f43u
#define EMULATED_QUEUE_MAGIC 0x52494f51u

/* ---- rio_emulation.c ---- */

/* Sets the error of the failing call. */
bool emulated_fail(int os_error);
/* Checks, and follows, handles that a caller gave. */
struct emulated_cq *emulated_cq_of(rio_cq cq);
/* The memory that a piece names; null, with the error set: it lies outside of its registration. */
uint8_t *emulated_slice(const struct rio_piece *piece);
/* The request is done: its result joins the queue. */
void emulated_cq_push(struct emulated_cq *cq, struct emulated_request *request, int status,
                      uint32_t bytes);
void emulated_cq_leave(struct emulated_cq *cq); /* one request queue less */

/* ---- rio_emulation_queue.c ---- */
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

/* ---- rio_emulation_request.c ---- */

/* Hands the request to the system: true, and it is in flight; or false, and it is done already. */
bool emulated_request_start(struct emulated_request *request, int *os_error, uint32_t *bytes);
/* Whether what came back ends the request; else it is to be started again. */
bool emulated_request_advance(struct emulated_request *request, int *os_error, uint32_t bytes);
/* Fills in a datagram's request; false, with the error set: the pieces are no good. */
bool emulated_request_address(struct emulated_request *request, const struct rio_piece *remote,
                              const struct rio_piece *control);
/* Writes the address and the control messages of a datagram that came. */
void emulated_request_publish(const struct emulated_request *request);

#endif
