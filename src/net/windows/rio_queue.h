/* SPDX-License-Identifier: MIT */
/* rio_queue.h - requests to the system and their completions, over one completion queue a worker.
 * The worker's thread. An `os_error` is a Windows error; 0: none. */
#ifndef NET_WINDOWS_RIO_QUEUE_H
#define NET_WINDOWS_RIO_QUEUE_H

#include "rio_net.h"

/* ---- the completion queue ---- */

/* Creates the port and the completion queue, and registers the pools. On failure nothing is left
 * behind. */
enum weir_code rio_queue_open(struct rio_net *system, struct weir_error *error);
void rio_queue_close(struct rio_net *system);

/* ---- request queues ---- */

/* Creates the request queue of the handle's socket, and enlarges the completion queue where
 * needed. Returns the os_error. */
int rio_queue_attach(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                     uint32_t sends_max);

/* Commits deferred requests, and closes the socket and with it the request queue. */
void rio_queue_detach(struct rio_net *system, struct rio_entry *entry);

/* Frees the room in the completion queue; only after the handle's last completion was taken. */
void rio_queue_release(struct rio_net *system, struct rio_entry *entry);

/* ---- requests ---- */

/* Offsets of the pieces in the margin of a datagram's buffer. */
#define RIO_MARGIN_REMOTE 0u
#define RIO_MARGIN_CONTROL 32u
#define RIO_MARGIN_BATCH 256u

/* Post a deferred request for the buffer, which the system owns. `addressed`: the margin receives
 * the addresses. `remote_bytes` and `control_bytes`: length of the margin's address and control
 * pieces; 0: none. Return the os_error; after an error nothing is outstanding. */
int rio_queue_post_receive(struct rio_net *system, struct rio_entry *entry,
                           struct net_buffer *buffer, bool addressed);
int rio_queue_post_send(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                        uint32_t remote_bytes, uint32_t control_bytes);

/* Commits deferred requests, each direction by itself. Returns the os_error. */
int rio_queue_commit(struct rio_net *system, struct rio_entry *entry);

/* ---- completions ---- */

/* What a request is: the low bits of its context, which is its buffer. */
enum rio_request { RIO_REQUEST_RECEIVE = 1, RIO_REQUEST_SEND = 2, RIO_REQUEST_BITS = 3 };

struct rio_completion {
    struct rio_entry *entry;
    struct net_buffer *buffer; /* the handle's part of the transport owns it from now on */
    enum rio_request request;
    int os_error;
    uint32_t bytes; /* received or sent */
};

/* Takes up to results_max results out of the completion queue. Returns their number. */
uint32_t rio_queue_dequeue(struct rio_net *system, struct rio_result *results,
                           uint32_t results_max);

/* Finds the request that a result answers; it is no longer outstanding. For each result in turn,
 * just before it is handled: handling it may close the handle, which waits for the last one. */
struct rio_completion rio_queue_completed(struct rio_net *system, const struct rio_result *result);

#endif
