/* SPDX-License-Identifier: MIT */
/* rio_emulation.c - implements RIO's documented functions over overlapped I/O and a completion
 * port.
 *
 * It serves systems without RIO, and loads for which a plain completion port is faster. It follows
 * RIO's rules, not its speed.
 *
 *      post -> [deferred] -> commit -> [waiting] -> WSASend, WSARecv, ... -> done immediately -.
 *                                                        '-> in flight -> packet on the port --+
 *      dequeue <- [the completion queue's ring] <---------------------------------------------'
 *
 * The emulation has no thread and no lock. Its sockets complete on the same port that the
 * completion queue notifies, with the key RIO_KEY_EMULATION. The thread that waits on the port
 * passes these packets to on_packet(). A separate thread that converts packets to notifications
 * measured slower, and would not be deterministic.
 *
 * Ownership: a completion queue and all its request queues belong to one thread, as in RIO. A
 * request queue owns its requests; the registrations reference memory of the caller.
 */
#include "check.h"
#include "rio_emulation_buffer.h"
#include "rio_emulation_queue.h"
#include "rio_provider.h"

/* ---- results ---- */

static uint32_t RIO_CALL emulated__dequeue(rio_cq id, struct rio_result *results,
                                           uint32_t results_max)
{
    struct emulated_cq *cq = emulated_cq_of(id);
    struct emulated_result taken;
    uint32_t count = 0;

    if (!cq) return RIO_CQ_CORRUPT;
    while (count < results_max && emulated_cq_take(cq, &taken)) {
        results[count++] = taken.result;
        emulated_queue_release(taken.request);
    }
    return count;
}

static void RIO_CALL emulated__close_cq(rio_cq id)
{
    struct emulated_cq *cq = emulated_cq_of(id);
    struct emulated_result taken;

    if (!cq) return;
    emulated_cq_close(cq);
    while (emulated_cq_take(cq, &taken)) emulated_queue_release(taken.request);
    emulated_cq_leave(cq);
}

/* ---- packets ---- */

static bool emulated__on_packet(const struct win_packet *packet)
{
    struct emulated_request *request = (struct emulated_request *)(void *)packet->overlapped;
    struct emulated_queue *queue = request->queue;
    struct emulated_cq *cq = request->is_send ? queue->sends.cq : queue->receives.cq;

    weir_check(queue->magic == EMULATED_QUEUE_MAGIC);
    bool was_closed = cq->is_closed; /* then its last request frees it */
    emulated_cq_enter_packet(cq);
    emulated_queue_returned(request, (int)(int32_t)request->call.overlapped.status,
                            (uint32_t)request->call.overlapped.bytes);
    return !was_closed && emulated_cq_leave_packet(cq);
}

/* ---- the provider ---- */

static const struct rio_table emulated__table = {
    .size = sizeof(struct rio_table),
    .receive = emulated_receive,
    .receive_ex = emulated_receive_ex,
    .send = emulated_send,
    .send_ex = emulated_send_ex,
    .close_cq = emulated__close_cq,
    .create_cq = emulated_create_cq,
    .create_rq = emulated_create_rq,
    .dequeue = emulated__dequeue,
    .deregister = emulated_deregister,
    .notify = emulated_notify,
    .register_buffer = emulated_register,
    .resize_cq = emulated_resize_cq,
    .resize_rq = emulated_resize_rq,
};

static const struct rio_provider emulated__provider = {
    .name = "iocp",
    .is_emulated = true,
    .table = &emulated__table,
    .close_socket = emulated_close_socket,
    .on_watched = emulated_on_watched,
    .on_packet = emulated__on_packet,
};

const struct rio_provider *rio_provider_emulated(const struct win_system *system)
{
    if (emulated_system != system) emulated_system = system; /* written once, by the first thread */
    return &emulated__provider;
}
