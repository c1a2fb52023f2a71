/* SPDX-License-Identifier: MIT */
/* rio_queue.h - request queues, posted requests and their completions, over one completion queue
 * per worker. Thread: the worker's. An `os_error` is a Windows error; 0: success. The system owns a
 * posted buffer until rio_queue_completed returns it. */
#ifndef NET_WINDOWS_RIO_QUEUE_H
#define NET_WINDOWS_RIO_QUEUE_H

#include "rio_net.h"

/* ---- the completion queue ---- */

/* Creates the port and the completion queue, and registers the pools. After a failure nothing is
 * open. */
enum weir_code rio_queue_open(struct rio_net *system, struct weir_error *error);
void rio_queue_close(struct rio_net *system);

/* ---- request queues ---- */

/* Creates the request queue of the handle's socket, and grows the completion queue if it is too
 * small. Returns the os_error. */
int rio_queue_attach(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                     uint32_t sends_max);

/* Raises the limits of the handle's request queue. The completion queue grows first (contract Q10).
 * Returns the os_error; after an error the old limits apply. */
int rio_queue_grow(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                   uint32_t sends_max);

/* Commits deferred requests, then closes the socket, which ends the request queue. */
void rio_queue_detach(struct rio_net *system, struct rio_entry *entry);

/* Releases the handle's entries in the completion queue. Call it after the handle's last
 * completion. */
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

/* The direction of a request. It is stored in the low bits of the request's context, a pointer to
 * the buffer. */
enum rio_request { RIO_REQUEST_RECEIVE = 1, RIO_REQUEST_SEND = 2, RIO_REQUEST_BITS = 3 };

struct rio_completion {
    struct rio_entry *entry;
    struct net_buffer *buffer; /* the caller owns it */
    enum rio_request request;
    int os_error;
    uint32_t bytes; /* received or sent */
};

/* Dequeues up to results_max results from the completion queue. Returns their number. If the queue
 * is corrupt, the net fails (net_failure.h). */
uint32_t rio_queue_dequeue(struct rio_net *system, struct rio_result *results,
                           uint32_t results_max);

/* Returns the completed request and counts it as no longer outstanding. Call it for one result at a
 * time, directly before handling that result: handling the last one can close the handle. */
struct rio_completion rio_queue_completed(struct rio_net *system, const struct rio_result *result);

#endif
