/* SPDX-License-Identifier: MIT */
/* rio_emulation_request.h - one request of the emulation. The thread of the queue's owner. */
#ifndef NET_WINDOWS_RIO_EMULATION_REQUEST_H
#define NET_WINDOWS_RIO_EMULATION_REQUEST_H

#include <stdbool.h>

#include "win_system.h"

struct emulated_queue;

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

/* Starts the request on the socket, whose immediate successes make no packet if it `skips`. True:
 * the request is in flight. False: it returned already, with the error and bytes. */
bool emulated_request_start(struct emulated_request *request, win_socket socket, bool skips,
                            int *os_error, uint32_t *bytes);
/* Counts what the system returned, and translates the error. False: the request is to be started
 * again. */
bool emulated_request_advance(struct emulated_request *request, int *os_error, uint32_t bytes);
/* The same after the socket was closed: the request ends, and an error of any kind means that it
 * was aborted. */
void emulated_request_abort(struct emulated_request *request, int *os_error, uint32_t bytes);
/* Fills in a datagram's request; false, with the error set: the pieces are no good. */
bool emulated_request_address(struct emulated_request *request, const struct rio_piece *remote,
                              const struct rio_piece *control);
/* Writes the address and the control messages of a datagram that came. */
void emulated_request_publish(const struct emulated_request *request);

#endif
