/* SPDX-License-Identifier: MIT */
/* rio_verifier.h - the verifier's record of each object. Private to its files.
 *
 *      rio_verifier.c          the table and the callbacks: checks each call and forwards it
 *      rio_verifier_pieces.c   registrations, and the pieces of them that requests name
 *      rio_verifier_sockets.c  sockets and accepts
 *      rio_verifier_rule.c     reports a broken rule and ends the process
 *
 * The first file calls the two below it; all three call the last.
 *
 * Ownership: the verifier owns every record. Records of closed queues and registrations stay in
 * memory for a while, so that a use after the close is reported.
 */
#ifndef NET_WINDOWS_RIO_VERIFIER_H
#define NET_WINDOWS_RIO_VERIFIER_H

#include <stdbool.h>

#include "rio_provider.h"
#include "rio_verifier_rule.h"

#define VERIFIED_PIECES_MAX 3    /* of one request: data, remote address, control */
#define VERIFIED_PIECE_CONTROL 2 /* the system may write to it, also to that of a send */

struct verified_request;

struct verified_piece {
    struct verified_piece *next; /* in the list of pieces pending on the same registration */
    struct verified_request *request;
    struct verified_buffer *buffer; /* null: not used */
    uint32_t offset, length;
    uint64_t hash; /* of the bytes that must not change while the request is pending */
};

struct verified_buffer {
    uint32_t magic;
    bool is_dead;
    rio_buffer_id under;
    uint8_t *bytes;
    uint32_t length;
    struct verified_piece *pending;
};

struct verified_request {
    struct verified_queue *queue;
    struct verified_request *next; /* in the list of free requests */
    uint64_t context;
    uint64_t number; /* sequence number of the post within its direction */
    bool is_send, is_out, is_quiet;
    struct verified_piece pieces[VERIFIED_PIECES_MAX];
};

struct verified_direction { /* one direction of a queue */
    uint32_t max, out, deferred;
    uint64_t posted, taken;
    struct verified_cq *cq;
};

struct verified_queue {
    uint32_t magic;
    bool is_stream, is_dead, is_reading, is_starving, reported_order;
    rio_rq under;
    win_socket socket;
    uint64_t context;
    uintptr_t thread;
    struct verified_direction receives, sends;
    struct verified_block *blocks; /* null once it has retired */
    struct verified_request *free;
};

/* Requests of a queue that were allocated together. */
struct verified_block {
    struct verified_block *next;
    struct verified_request requests[];
};

struct verified_cq {
    uint32_t magic;
    bool is_armed;
    rio_cq under;
    uintptr_t thread;
    uint32_t size, reserved, queues_count;
    uint32_t out, quiet_out, deferred;
    uint32_t starving_streams, starving_datagrams; /* queues that read with no receive posted */
};

/* ---- rio_verifier_pieces.c ---- */

/* Sets the table that receives forwarded registrations. Call it before the functions below. */
void verified_buffers_open(const struct win_system *system, const struct rio_table *under);
rio_buffer_id RIO_CALL verified_register(void *bytes, uint32_t length);
void RIO_CALL verified_deregister(rio_buffer_id id);
uint32_t verified_buffers_count(void);
/* Checks the piece and records it in the request. Returns the piece for the underlying table,
 * stored in *under, or null if `piece` is null. */
const struct rio_piece *verified_piece(struct verified_request *request, int index,
                                       const struct rio_piece *piece, struct rio_piece *under);
/* Start and end the request's use of its pieces. `bytes`: received; UINT32_MAX after a failure. */
void verified_pieces_begin(struct verified_request *request);
void verified_pieces_end(struct verified_request *request, uint32_t bytes);

/* ---- rio_verifier_sockets.c ---- */
/* Call it before the functions below; repeated calls are allowed. Returns false if memory is
 * exhausted. */
bool verified_sockets_open(const struct win_system *system);
void verified_on_socket(enum rio_socket_event event, win_socket socket, win_socket other);
void verified_on_accept(bool posted, win_socket socket, const void *overlapped,
                        uint32_t address_bytes);
/* Records that the socket gets a request queue. Returns whether it is a stream. */
bool verified_socket_take(win_socket socket);
void verified_socket_forget(win_socket socket);

#endif
