/* SPDX-License-Identifier: MIT */
/* rio_emulation_cq.h - the emulation's completion queues. The thread of the queue's owner. */
#ifndef NET_WINDOWS_RIO_EMULATION_CQ_H
#define NET_WINDOWS_RIO_EMULATION_CQ_H

#include <stdbool.h>

#include "win_system.h"

struct emulated_request;

struct emulated_result {
    struct rio_result result;
    struct emulated_request *request; /* that it answers; its entry is free once this is taken */
    bool is_quiet;                    /* posted with RIO_DONT_NOTIFY */
};

struct emulated_cq {
    uint32_t magic;
    bool is_armed;
    bool is_closed;
    bool in_packet, has_fired; /* a packet is being handled; the notification is due to it */
    uint32_t size, reserved, queues_count;
    uint32_t first, count;
    uint32_t notifying_count; /* of the results, those that are not quiet */
    win_port port;
    uintptr_t key;
    struct win_overlapped *overlapped;
    struct emulated_result *ring; /* of `size` */
};

rio_cq RIO_CALL emulated_create_cq(uint32_t size, const struct rio_notification *notification);
rio_bool RIO_CALL emulated_resize_cq(rio_cq id, uint32_t size);
int RIO_CALL emulated_notify(rio_cq id);

/* Returns the queue of a handle that a caller gave; null for a null handle. */
struct emulated_cq *emulated_cq_of(rio_cq id);

/* Adds a result, for which there is room, and notifies. False: the queue is closed and the result
 * is dropped. */
bool emulated_cq_push(struct emulated_cq *cq, const struct emulated_result *result);

/* Takes the oldest result. False: there is none. */
bool emulated_cq_take(struct emulated_cq *cq, struct emulated_result *result);

/* Marks the queue as closed. It is freed when the last request queue has left it; its owner keeps
 * it until a call of emulated_cq_leave of its own. */
void emulated_cq_close(struct emulated_cq *cq);

/* One request queue less. */
void emulated_cq_leave(struct emulated_cq *cq);

/* Around the handling of a packet: a notification between the two is returned by the second,
 * rather than posted to the port. */
void emulated_cq_enter_packet(struct emulated_cq *cq);
bool emulated_cq_leave_packet(struct emulated_cq *cq);

#endif
