/* SPDX-License-Identifier: MIT */
/* rio_emulation.c - the documented functions of RIO over overlapped I/O and a completion port.
 *
 * For systems that have no RIO or will not give it, and for loads where a plain completion port is
 * the better one. It is no imitation of RIO's speed; what it imitates is every rule.
 *
 *      post -> [deferred] -> commit -> [waiting] -> WSASend, WSARecv, ... -> done at once ----.
 *                                                        '-> in flight -> packet on the port -+
 *      dequeue <- [the completion queue's ring] <--------------------------------------------'
 *
 * There is no thread inside and no lock. Sockets answer through the very port that the completion
 * queue notifies, under a key of their own, and whoever waits on that port hands such packets to
 * on_packet(). Measured, that is quicker than a thread which turns packets into notifications, and
 * it is deterministic. A completion queue with all its request queues belongs to one thread, as
 * RIO's do.
 */
#include "rio_emulation.h"

#include <string.h>

#include "check.h"
#include "memory.h"

const struct win_system *emulated_system;

bool emulated_fail(int os_error)
{
    emulated_system->set_last_error(os_error);
    return false;
}

/* ---- registrations ---- */

static rio_buffer_id RIO_CALL emulated__register(void *bytes, uint32_t length)
{
    struct emulated_buffer *buffer = NULL;

    if (!bytes)
        emulated_fail(WIN_EFAULT);
    else if (length == 0)
        emulated_fail(WIN_EINVAL);
    else if ((buffer = memory_alloc(sizeof *buffer)) == NULL)
        emulated_fail(WIN_ENOBUFS);
    if (!buffer) return RIO_NO_BUFFER;
    *buffer = (struct emulated_buffer){EMULATED_BUFFER_MAGIC, length, bytes};
    return (rio_buffer_id)(void *)buffer;
}

static void RIO_CALL emulated__deregister(rio_buffer_id id)
{
    struct emulated_buffer *buffer = (struct emulated_buffer *)(void *)id;

    if (id == RIO_NO_BUFFER) return;
    weir_check(buffer->magic == EMULATED_BUFFER_MAGIC);
    buffer->magic = 0;
    memory_free(buffer);
}

uint8_t *emulated_slice(const struct rio_piece *piece)
{
    const struct emulated_buffer *buffer = (const struct emulated_buffer *)(void *)piece->id;

    if (piece->id == RIO_NO_BUFFER || buffer->magic != EMULATED_BUFFER_MAGIC) {
        emulated_fail(WIN_EFAULT);
        return NULL;
    }
    if ((uint64_t)piece->offset + piece->length > buffer->length) {
        emulated_fail(WIN_EINVAL);
        return NULL;
    }
    return buffer->bytes + piece->offset;
}

/* ---- completion queues ---- */

struct emulated_cq *emulated_cq_of(rio_cq id)
{
    struct emulated_cq *cq = (struct emulated_cq *)(void *)id;

    if (!cq) return NULL;
    weir_check(cq->magic == EMULATED_CQ_MAGIC);
    return cq;
}

static rio_cq RIO_CALL emulated__create_cq(uint32_t size,
                                           const struct rio_notification *notification)
{
    struct emulated_cq *cq;

    if (size == 0 || size > RIO_CQ_SIZE_MAX || !notification ||
        notification->type != RIO_NOTIFY_BY_PORT || !notification->port.port ||
        !notification->port.overlapped) { /* polling and events are RIO's alone */
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
    cq->magic = EMULATED_CQ_MAGIC;
    cq->size = size;
    cq->port = (win_port)notification->port.port;
    cq->key = (uintptr_t)notification->port.key;
    cq->overlapped = notification->port.overlapped;
    return (rio_cq)(void *)cq;
}

static void emulated__free_cq(struct emulated_cq *cq)
{
    cq->magic = 0;
    memory_free(cq->ring);
    memory_free(cq);
}

void emulated_cq_leave(struct emulated_cq *cq)
{
    weir_check(cq->queues_count > 0);
    cq->queues_count--;
    if (cq->is_closed && cq->queues_count == 0) emulated__free_cq(cq);
}

static rio_bool RIO_CALL emulated__resize_cq(rio_cq id, uint32_t size)
{
    struct emulated_cq *cq = emulated_cq_of(id);

    if (!cq || size == 0 || size > RIO_CQ_SIZE_MAX) return emulated_fail(WIN_EINVAL);
    if (size < cq->reserved || size < cq->count) return emulated_fail(WIN_ETOOMANYREFS);
    struct emulated_entry *ring = memory_alloc_array(size, sizeof *ring);
    if (!ring) return emulated_fail(WIN_ENOBUFS);
    for (uint32_t i = 0; i < cq->count; i++) ring[i] = cq->ring[(cq->first + i) % cq->size];
    memory_free(cq->ring);
    cq->ring = ring;
    cq->first = 0;
    cq->size = size;
    return true;
}

/* ---- notification: once, and at once when there is something already ---- */

static void emulated__fire(struct emulated_cq *cq)
{
    cq->is_armed = false;
    if (cq->in_packet)
        cq->has_fired = true; /* whoever hands the packet is told, with no packet more */
    else
        emulated_system->port_post(cq->port, cq->key, cq->overlapped);
}

static int RIO_CALL emulated__notify(rio_cq id)
{
    struct emulated_cq *cq = emulated_cq_of(id);

    if (!cq) return WIN_EINVAL;
    if (cq->is_armed) return WIN_EALREADY;
    if (cq->notifying_count > 0)
        emulated__fire(cq);
    else
        cq->is_armed = true;
    return 0;
}

/* ---- results ---- */

void emulated_cq_push(struct emulated_cq *cq, struct emulated_request *request, int status,
                      uint32_t bytes)
{
    if (cq->is_closed) {
        emulated_queue_release(request);
        return;
    }
    weir_check(cq->count < cq->size); /* there is room for all that may be outstanding */
    struct emulated_entry *entry = &cq->ring[(cq->first + cq->count) % cq->size];
    *entry = (struct emulated_entry){{status, bytes, request->queue->context, request->context},
                                     request};
    cq->count++;
    if ((request->flags & RIO_DONT_NOTIFY) != 0) return;
    cq->notifying_count++;
    if (cq->is_armed) emulated__fire(cq);
}

static uint32_t RIO_CALL emulated__dequeue(rio_cq id, struct rio_result *results,
                                           uint32_t results_max)
{
    struct emulated_cq *cq = emulated_cq_of(id);
    uint32_t count = 0;

    if (!cq) return RIO_CQ_CORRUPT;
    for (; count < results_max && cq->count > 0; count++) {
        struct emulated_entry *entry = &cq->ring[cq->first];
        struct emulated_request *request = entry->request;
        results[count] = entry->result;
        cq->first = (cq->first + 1) % cq->size;
        cq->count--;
        if ((request->flags & RIO_DONT_NOTIFY) == 0) cq->notifying_count--;
        emulated_queue_release(request);
    }
    return count;
}

static void RIO_CALL emulated__close_cq(rio_cq id)
{
    struct emulated_cq *cq = emulated_cq_of(id);

    if (!cq) return;
    weir_check(!cq->is_closed);
    cq->queues_count++; /* so that it outlives its own emptying */
    cq->is_closed = true;
    while (cq->count > 0) {
        struct emulated_request *request = cq->ring[cq->first].request;
        cq->first = (cq->first + 1) % cq->size;
        cq->count--;
        emulated_queue_release(request);
    }
    emulated_cq_leave(cq);
}

/* ---- packets ---- */

static bool emulated__on_packet(const struct win_packet *packet)
{
    struct emulated_request *request = (struct emulated_request *)(void *)packet->overlapped;
    struct emulated_queue *queue = request->queue;
    struct emulated_cq *cq = request->is_send ? queue->sends.cq : queue->receives.cq;

    weir_check(queue->magic == EMULATED_QUEUE_MAGIC);
    bool was_closed = cq->is_closed; /* then it may go with its last request */
    cq->in_packet = true;
    cq->has_fired = false;
    emulated_queue_returned(request, (int)(int32_t)request->overlapped.status,
                            (uint32_t)request->overlapped.bytes);
    if (was_closed) return false;
    cq->in_packet = false;
    return cq->has_fired;
}

/* ---- the provider ---- */

static const struct rio_table emulated__table = {
    .size = sizeof(struct rio_table),
    .receive = emulated_receive,
    .receive_ex = emulated_receive_ex,
    .send = emulated_send,
    .send_ex = emulated_send_ex,
    .close_cq = emulated__close_cq,
    .create_cq = emulated__create_cq,
    .create_rq = emulated_create_rq,
    .dequeue = emulated__dequeue,
    .deregister = emulated__deregister,
    .notify = emulated__notify,
    .register_buffer = emulated__register,
    .resize_cq = emulated__resize_cq,
    .resize_rq = emulated_resize_rq,
};

static const struct rio_provider emulated__provider = {
    .name = "iocp",
    .is_emulated = true,
    .table = &emulated__table,
    .close_socket = emulated_close_socket,
    .on_packet = emulated__on_packet,
};

const struct rio_provider *rio_provider_emulated(const struct win_system *system)
{
    if (emulated_system != system) emulated_system = system; /* once, before a second thread */
    return &emulated__provider;
}
