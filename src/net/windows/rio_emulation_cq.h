/* SPDX-License-Identifier: MIT */
/* rio_emulation_cq.h - the emulation's completion queues. Thread: the queue owner's. A closed queue
 * is freed when its last request queue has left. */
#ifndef NET_WINDOWS_RIO_EMULATION_CQ_H
#define NET_WINDOWS_RIO_EMULATION_CQ_H

#include <stdbool.h>

#include "win_system.h"

struct emulated_request;

struct emulated_result {
    struct rio_result result;
    struct emulated_request *request; /* the completed request; free after the dequeue */
    bool is_quiet;                    /* posted with RIO_DONT_NOTIFY */
};

struct emulated_cq {
    uint32_t magic;
    bool is_armed;
    bool is_closed;
    bool in_packet, has_fired; /* a packet is being handled; the notification fired meanwhile */
    uint32_t size, reserved, queues_count;
    uint32_t first, count;
    uint32_t notifying_count; /* results that are not quiet */
    win_port port;
    uintptr_t key;
    struct win_overlapped *overlapped;
    struct emulated_result *ring; /* `size` elements */
};

rio_cq RIO_CALL emulated_create_cq(uint32_t size, const struct rio_notification *notification);
rio_bool RIO_CALL emulated_resize_cq(rio_cq id, uint32_t size);
int RIO_CALL emulated_notify(rio_cq id);

/* Returns the queue of a handle, or null for a null handle. */
struct emulated_cq *emulated_cq_of(rio_cq id);

/* Appends a result, for which an entry is reserved, and notifies. Returns false if the queue is
 * closed; the result is then dropped. */
bool emulated_cq_push(struct emulated_cq *cq, const struct emulated_result *result);

/* Removes the oldest result. Returns false if the queue is empty. */
bool emulated_cq_take(struct emulated_cq *cq, struct emulated_result *result);

/* Marks the queue as closed. The owner keeps a reference until it calls emulated_cq_leave. The
 * queue is freed with its last reference. */
void emulated_cq_close(struct emulated_cq *cq);

/* Drops one reference: a request queue's or, after a close, the owner's. */
void emulated_cq_leave(struct emulated_cq *cq);

/* Bracket the handling of a packet. The second returns whether a notification fired in between;
 * such a notification is not posted to the port. */
void emulated_cq_enter_packet(struct emulated_cq *cq);
bool emulated_cq_leave_packet(struct emulated_cq *cq);

#endif
