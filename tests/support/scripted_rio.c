/* SPDX-License-Identifier: MIT */
/* scripted_rio.c - RIO's registrations and completion queues, as its documents have them.
 *
 *      a notification:  asked for (armed) -> fired: a packet -> taken: may be asked for again
 *
 * It fires at once, or a moment later, when the queue already holds something that is to be told.
 * Misuse that Windows answers with a crash or with nothing at all is a failed check here. Handles
 * are never given out twice.
 */
#include <string.h>

#include "check.h"
#include "scripted_system.h"
#include "wall.h"

#define SCRIPTED_RIO__FIRE_NS UINT64_C(50000)
#define SCRIPTED_RIO__SPURIOUS_NS (5 * WALL_NS_PER_MS)

/* ---- registrations ---- */

static rio_buffer_id scripted_rio__register(void *bytes, uint32_t length)
{
    struct scripted *system = scripted_here();
    int os_error = scripted_fails(SCRIPTED_RIO_REGISTER);

    if (os_error == 0 && !bytes) os_error = WIN_EFAULT;
    if (os_error == 0 && length == 0) os_error = WIN_EINVAL;
    if (os_error != 0) {
        scripted_refuse(os_error);
        return RIO_NO_BUFFER;
    }
    struct scripted_registration *registration = wire_memory(1, sizeof *registration);
    list_init(&registration->listed);
    list_add_last(&system->registrations, &registration->listed);
    registration->bytes = bytes;
    registration->length = length;
    system->counts.registrations++;
    return (rio_buffer_id)(void *)registration;
}

static void scripted_rio__deregister(rio_buffer_id id)
{
    struct scripted_registration *registration = (struct scripted_registration *)(void *)id;

    if (id == RIO_NO_BUFFER) return;
    weir_check_rule(!registration->dead, "a buffer is deregistered twice");
    weir_check_rule(registration->uses == 0, "a buffer is deregistered that a request names");
    registration->dead = true;
    scripted_here()->counts.registrations--;
}

/* ---- completion queues ---- */

struct scripted_cq *scripted_cq_of(rio_cq id)
{
    struct scripted_cq *cq = (struct scripted_cq *)(void *)id;

    if (!cq) return NULL;
    weir_check_rule(!cq->closed, "a completion queue is used after its close");
    return cq;
}

static bool scripted_rio__is_sound(uint32_t size, const struct rio_notification *notification)
{
    if (size == 0 || size > RIO_CQ_SIZE_MAX) return false;
    if (!notification) return true; /* polled only */
    if (notification->type == RIO_NOTIFY_BY_EVENT) return notification->event.handle != NULL;
    return notification->type == RIO_NOTIFY_BY_PORT && notification->port.port &&
           notification->port.overlapped;
}

static rio_cq scripted_rio__create_cq(uint32_t size, const struct rio_notification *notification)
{
    struct scripted *system = scripted_here();
    int os_error = scripted_fails(SCRIPTED_RIO_CREATE_CQ);

    if (os_error == 0 && !scripted_rio__is_sound(size, notification)) os_error = WIN_EINVAL;
    if (os_error != 0) {
        scripted_refuse(os_error);
        return RIO_NO_CQ;
    }
    struct scripted_cq *cq = wire_memory(1, sizeof *cq);
    list_init(&cq->listed);
    list_add_last(&system->cqs, &cq->listed);
    cq->ring = wire_memory(size, sizeof *cq->ring);
    cq->size = size;
    if (notification && notification->type == RIO_NOTIFY_BY_PORT) {
        cq->by_port = true;
        cq->port = scripted_port_of((win_port)notification->port.port);
        cq->key = (uintptr_t)notification->port.key;
        cq->overlapped = notification->port.overlapped;
    }
    system->counts.cqs++;
    return (rio_cq)(void *)cq;
}

static rio_bool scripted_rio__resize_cq(rio_cq id, uint32_t size)
{
    struct scripted_cq *cq = scripted_cq_of(id);
    int os_error = scripted_fails(SCRIPTED_RIO_RESIZE_CQ);

    if (os_error != 0) return scripted_refuse(os_error);
    if (!cq || size == 0 || size > RIO_CQ_SIZE_MAX) return scripted_refuse(WIN_EINVAL);
    if (size < cq->reserved) return scripted_refuse(WIN_ETOOMANYREFS);
    struct scripted_entry *ring = wire_memory(size, sizeof *ring);
    for (uint32_t i = 0; i < cq->count; i++) ring[i] = cq->ring[(cq->first + i) % cq->size];
    wire_memory_free(cq->ring);
    cq->ring = ring;
    cq->first = 0;
    cq->size = size;
    return true;
}

static void scripted_rio__close_cq(rio_cq id)
{
    struct scripted *system = scripted_here();
    struct scripted_cq *cq = scripted_cq_of(id);

    if (!cq) return;
    weir_check_rule(cq->count == 0, "a completion queue is closed with results in it");
    for (struct list *at = system->rqs.next; at != &system->rqs; at = at->next) {
        const struct scripted_rq *rq = weir_container_of(at, struct scripted_rq, listed);
        if (rq->cqs[0] != cq && rq->cqs[1] != cq) continue;
        weir_check_rule(rq->closed, "a completion queue is closed before a socket that uses it");
        weir_check_rule(rq->charged[0] + rq->charged[1] == 0,
                        "a completion queue is closed before all its results were taken");
    }
    wire_timer_stop(system->simulation, &cq->fire);
    if (cq->port) scripted_port_forget(cq->port, cq);
    cq->closed = true;
    system->counts.cqs--;
}

void scripted_cq_leave(struct scripted_cq *cq)
{
    weir_check(cq->rqs > 0);
    cq->rqs--;
}

/* ---- notification ---- */

static void scripted_rio__fire(struct wire_timer *timer)
{
    struct scripted_cq *cq = weir_container_of(timer, struct scripted_cq, fire);
    /* Only the key and the pointer have a meaning. */
    struct win_packet packet = {cq->key, cq->overlapped, (uintptr_t)scripted_draw(9),
                                (uint32_t)scripted_draw(9)};

    weir_check(cq->armed);
    wire_timer_stop(scripted_here()->simulation, &cq->fire);
    cq->armed = false;
    cq->packet_out = true;
    scripted_port_queue(cq->port, &packet, cq, false);
}

static int scripted_rio__notify(rio_cq id)
{
    struct scripted *system = scripted_here();
    struct scripted_cq *cq = scripted_cq_of(id);
    int os_error = scripted_fails(SCRIPTED_RIO_NOTIFY);

    if (os_error != 0) return os_error;
    if (!cq || !cq->by_port) return WIN_EINVAL;
    if (cq->armed || cq->packet_out) {
        system->counts.notify_already++;
        return WIN_EALREADY;
    }
    cq->armed = true;
    if (cq->notifying > 0 && scripted_draw(2) == 0)
        scripted_rio__fire(&cq->fire);
    else if (cq->notifying > 0)
        wire_timer_set(system->simulation, &cq->fire, scripted_draw(SCRIPTED_RIO__FIRE_NS),
                       scripted_rio__fire);
    else if (scripted_odds(system->faults.notify_spurious))
        wire_timer_set(system->simulation, &cq->fire, scripted_draw(SCRIPTED_RIO__SPURIOUS_NS),
                       scripted_rio__fire);
    return 0;
}

/* ---- results ---- */

/* Which kind of number a status is nobody has written down: Winsock's, Win32's or an NTSTATUS. */
static int32_t scripted_rio__status(enum scripted_outcome outcome)
{
    static const uint32_t statuses[SCRIPTED_OUTCOMES_COUNT][9] = {
        [SCRIPTED_CLOSED] = {8, 995, 10038, 10004, 10053, 1236, 0xC0000120, 0xC000013B,
                             0x8000000A},
        [SCRIPTED_RESET] = {4, 10054, 64, 0xC000020D, 0xC000013C},
        [SCRIPTED_SHUT] = {3, 10058, 10053, 0xC0000241},
        [SCRIPTED_TRUNCATED] = {3, 10040, 234, 0x80000005},
        [SCRIPTED_TOO_LARGE] = {3, 10040, 234, 0x80000005},
        [SCRIPTED_UNREACHABLE] = {8, 10054, 10051, 10065, 1231, 1232, 1233, 1234, 0xC000023F},
        [SCRIPTED_BAD_ADDRESS] = {2, 10049, 0xC0000141},
    };
    uint32_t count = statuses[outcome][0];

    weir_check(outcome == SCRIPTED_WELL || count > 0);
    return count == 0 ? 0 : (int32_t)statuses[outcome][1 + scripted_draw(count)];
}

void scripted_rio_told(struct scripted_request *request)
{
    struct scripted_rq *rq = request->rq;
    struct scripted_cq *cq = rq->cqs[request->line->kind];

    weir_check(!cq->closed);
    weir_check(cq->count < cq->size); /* there is room for all that may be outstanding */
    struct scripted_entry *entry = &cq->ring[(cq->first + cq->count++) % cq->size];
    *entry = (struct scripted_entry){{scripted_rio__status(request->outcome), request->done_bytes,
                                      rq->context, request->context},
                                     request};
    request->kind = request->line->kind;
    request->line = NULL; /* it may go before the result is taken */
    if ((request->flags & RIO_DONT_NOTIFY) == 0) {
        cq->notifying++;
        if (cq->armed) scripted_rio__fire(&cq->fire);
    }
    if (cq->port) scripted_tell(cq->port);
}

static uint32_t scripted_rio__dequeue(rio_cq id, struct rio_result *results, uint32_t results_max)
{
    struct scripted *system = scripted_here();
    struct scripted_cq *cq = scripted_cq_of(id);
    uint32_t count = 0;

    if (!cq || scripted_fails(SCRIPTED_RIO_DEQUEUE) != 0) return RIO_CQ_CORRUPT;
    for (; count < results_max && cq->count > 0; count++) {
        struct scripted_entry *entry = &cq->ring[cq->first];
        results[count] = entry->result;
        if ((entry->request->flags & RIO_DONT_NOTIFY) == 0) cq->notifying--;
        scripted_mark(SCRIPTED_MARK_RESULT, entry->result.bytes, (uint64_t)entry->result.status);
        cq->first = (cq->first + 1) % cq->size;
        cq->count--;
        scripted_rio_release(entry->request);
    }
    system->counts.results += count;
    return count;
}

void scripted_rio_release(struct scripted_request *request)
{
    for (int i = 0; i < SCRIPTED_PARTS_COUNT; i++) {
        struct scripted_registration *registration = request->parts[i].registration;
        if (!registration) continue;
        weir_check(registration->uses > 0);
        registration->uses--;
        if (request->kind == SCRIPTED_SEND) registration->sends--;
    }
    scripted_slices_let_go(request);
    scripted_rq_refund(request);
    scripted_request_free(request);
}

/* ---- the table ---- */

const struct rio_table scripted_rio_table = {
    .size = sizeof(struct rio_table),
    .receive = scripted_rio_receive,
    .receive_ex = scripted_rio_receive_ex,
    .send = scripted_rio_send,
    .send_ex = scripted_rio_send_ex,
    .close_cq = scripted_rio__close_cq,
    .create_cq = scripted_rio__create_cq,
    .create_rq = scripted_create_rq,
    .dequeue = scripted_rio__dequeue,
    .deregister = scripted_rio__deregister,
    .notify = scripted_rio__notify,
    .register_buffer = scripted_rio__register,
    .resize_cq = scripted_rio__resize_cq,
    .resize_rq = scripted_resize_rq,
};
