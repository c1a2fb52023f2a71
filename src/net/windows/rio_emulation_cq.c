/* SPDX-License-Identifier: MIT */
/* rio_emulation_cq.c - the emulation's completion queues: a ring of results, and a notification
 * that fires once per request. The queue owns its ring. The last request queue to leave a closed
 * queue frees it. */
#include "rio_emulation_cq.h"

#include "check.h"
#include "memory.h"
#include "rio_emulation_buffer.h"
#include "win_error.h"

#define EMULATED_CQ__MAGIC 0x52494f43u

struct emulated_cq *emulated_cq_of(rio_cq id)
{
    struct emulated_cq *cq = (struct emulated_cq *)(void *)id;

    if (!cq) return NULL;
    weir_check(cq->magic == EMULATED_CQ__MAGIC);
    return cq;
}

rio_cq RIO_CALL emulated_create_cq(uint32_t size, const struct rio_notification *notification)
{
    struct emulated_cq *cq;

    if (size == 0 || size > RIO_CQ_SIZE_MAX || !notification ||
        notification->type != RIO_NOTIFY_BY_PORT || !notification->port.port ||
        !notification->port.overlapped) { /* polling and event mode are not emulated */
        emulated_fail(WIN_EINVAL);
        return RIO_NO_CQ;
    }
    cq = memory_alloc(sizeof *cq);
    if (cq) cq->ring = memory_alloc_array(size, sizeof *cq->ring);
    if (!cq || !cq->ring) {
        memory_free(cq);
        emulated_fail(WIN_ENOBUFS);
        return RIO_NO_CQ;
    }
    cq->magic = EMULATED_CQ__MAGIC;
    cq->size = size;
    cq->port = (win_port)notification->port.port;
    cq->key = (uintptr_t)notification->port.key;
    cq->overlapped = notification->port.overlapped;
    return (rio_cq)(void *)cq;
}

static void emulated_cq__free(struct emulated_cq *cq)
{
    cq->magic = 0;
    memory_free(cq->ring);
    memory_free(cq);
}

void emulated_cq_leave(struct emulated_cq *cq)
{
    weir_check(cq->queues_count > 0);
    cq->queues_count--;
    if (cq->is_closed && cq->queues_count == 0) emulated_cq__free(cq);
}

rio_bool RIO_CALL emulated_resize_cq(rio_cq id, uint32_t size)
{
    struct emulated_cq *cq = emulated_cq_of(id);

    if (!cq || size == 0 || size > RIO_CQ_SIZE_MAX) return emulated_fail(WIN_EINVAL);
    if (size < cq->reserved || size < cq->count) return emulated_fail(WIN_ETOOMANYREFS);
    struct emulated_result *ring = memory_alloc_array(size, sizeof *ring);
    if (!ring) return emulated_fail(WIN_ENOBUFS);
    for (uint32_t i = 0; i < cq->count; i++) ring[i] = cq->ring[(cq->first + i) % cq->size];
    memory_free(cq->ring);
    cq->ring = ring;
    cq->first = 0;
    cq->size = size;
    return true;
}

/* ---- notification: fires once, immediately if the queue has results ---- */

/* Returns the os_error if the packet cannot be posted. */
static int emulated_cq__fire(struct emulated_cq *cq)
{
    if (!cq->in_packet) return emulated_system->port_post(cq->port, cq->key, cq->overlapped);
    cq->has_fired = true; /* on_packet() returns it; no extra packet is posted */
    return 0;
}

int RIO_CALL emulated_notify(rio_cq id)
{
    struct emulated_cq *cq = emulated_cq_of(id);

    if (!cq) return WIN_EINVAL;
    if (cq->is_armed) return WIN_EALREADY;
    if (cq->notifying_count > 0) return emulated_cq__fire(cq);
    cq->is_armed = true;
    return 0;
}

/* ---- results ---- */

bool emulated_cq_push(struct emulated_cq *cq, const struct emulated_result *result)
{
    if (cq->is_closed) return false;
    weir_check(cq->count < cq->size); /* every outstanding request has a reserved entry */
    cq->ring[(cq->first + cq->count) % cq->size] = *result;
    cq->count++;
    if (result->is_quiet) return true;
    cq->notifying_count++;
    /* If it cannot fire now, it fires with the next result. The owner misses nothing: it dequeues
     * before it waits. */
    if (cq->is_armed) cq->is_armed = emulated_cq__fire(cq) != 0;
    return true;
}

bool emulated_cq_take(struct emulated_cq *cq, struct emulated_result *result)
{
    if (cq->count == 0) return false;
    *result = cq->ring[cq->first];
    cq->first = (cq->first + 1) % cq->size;
    cq->count--;
    weir_check(result->is_quiet || cq->notifying_count > 0);
    if (!result->is_quiet) cq->notifying_count--;
    return true;
}

/* ---- close ---- */

void emulated_cq_close(struct emulated_cq *cq)
{
    weir_check(!cq->is_closed);
    cq->queues_count++; /* the owner's reference */
    cq->is_closed = true;
}

/* ---- packets ---- */

void emulated_cq_enter_packet(struct emulated_cq *cq)
{
    weir_check(!cq->in_packet);
    cq->in_packet = true;
    cq->has_fired = false;
}

bool emulated_cq_leave_packet(struct emulated_cq *cq)
{
    weir_check(cq->in_packet);
    cq->in_packet = false;
    return cq->has_fired;
}
