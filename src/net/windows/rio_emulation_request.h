/* SPDX-License-Identifier: MIT */
/* rio_emulation_request.h - one request of the emulation. Thread: the queue owner's. The request
 * queue owns its requests; the system uses one while it is in flight. */
#ifndef NET_WINDOWS_RIO_EMULATION_REQUEST_H
#define NET_WINDOWS_RIO_EMULATION_REQUEST_H

#include <stdbool.h>

#include "rio_provider.h"

struct emulated_queue;

/* The extra fields of a datagram's request. */
struct emulated_message {
    struct win_message message;
    struct win_sockaddr address;
    uint8_t *address_slice, *control_slice; /* null: none */
};

/* One request: free, deferred, waiting, in flight, or done until its result is dequeued. */
struct emulated_request {
    struct rio_call call; /* first */
    struct emulated_queue *queue;
    struct emulated_request *next;    /* in free, deferred or waiting */
    struct emulated_message *message; /* null on a stream */
    struct win_piece piece;           /* the bytes left to send or receive */
    uint64_t context;
    uint32_t done_bytes;
    uint32_t tries; /* restarts of a datagram receive after unreachable peers */
    uint32_t flags;
    bool is_send;
};

/* Starts the request. `skips`: an immediate success produces no packet. Returns true if the request
 * is in flight, or false if it returned already, with the error and bytes. */
bool emulated_request_start(struct emulated_request *request, win_socket socket, bool skips,
                            int *os_error, uint32_t *bytes);
/* Counts the returned bytes and translates the error. Returns false if the request must be started
 * again. */
bool emulated_request_advance(struct emulated_request *request, int *os_error, uint32_t bytes);
/* Ends a request of a closed socket: counts the bytes, and translates any error to "aborted". */
void emulated_request_abort(struct emulated_request *request, int *os_error, uint32_t bytes);
/* Fills in a datagram's request. Returns false, with the last error set, if a piece is invalid. */
bool emulated_request_address(struct emulated_request *request, const struct rio_piece *remote,
                              const struct rio_piece *control);
/* Writes the address and the control messages of a received datagram to the caller's pieces. */
void emulated_request_publish(const struct emulated_request *request);

#endif
