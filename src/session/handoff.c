/* SPDX-License-Identifier: MIT */
/* handoff.c - hands accepted sockets over to other workers, through their mailboxes.
 *
 *      listener -> least loaded worker: this one -> session
 *                                       another  -> mailbox -> session over there
 */
#include "handoff.h"

#include "admission.h"
#include "check.h"
#include "lifecycle.h"
#include "mailbox.h"
#include "worker.h"

static struct worker *handoff__least_loaded(struct worker *worker)
{
    const struct worker_common *common = worker->common;
    struct worker *least = worker;
    uint32_t least_load = UINT32_MAX;

    for (uint32_t i = 0; i < common->workers_count; i++) {
        uint32_t at = (worker->handoff_next + i) % common->workers_count;
        struct worker *candidate = common->workers[at];
        uint32_t load = atomic_load_explicit(&candidate->load, memory_order_relaxed);
        if (load >= least_load) continue;
        least_load = load;
        least = candidate;
    }
    worker->handoff_next++;
    weir_check(least_load < UINT32_MAX); /* the list of workers is not empty */
    return least;
}

void handoff_accepted(struct worker *worker, const struct service *service,
                      struct net_socket socket, const struct net_address *peer)
{
    const struct mailbox_command command = {
        .kind = MAILBOX_ACCEPTED, .service = service, .socket = socket, .peer = *peer};
    weir_check(service->proto == WEIR_TCP);
    bool is_shared = worker->common->handoff_workers || service->is_unix;
    struct worker *chosen = is_shared ? handoff__least_loaded(worker) : worker;

    /* Counted before it arrives, so that the next socket of this batch goes to another worker. */
    if (is_shared) atomic_fetch_add_explicit(&chosen->load, 1, memory_order_relaxed);
    if (chosen == worker || mailbox_post(chosen->mailbox, &command) != MAILBOX_POSTED)
        lifecycle_open(worker, service, socket, peer);
}

void handoff_take(struct worker *worker, const struct mailbox_command *command)
{
    weir_check(command->kind == MAILBOX_ACCEPTED);
    weir_check(!command->payload);
    if (worker->request == WORKER_STOP) {
        net_refuse(worker->net, command->socket);
        admission_lost(worker, 1);
    } else {
        lifecycle_open(worker, service_of_worker(command->service, worker->index), command->socket,
                       &command->peer);
    }
}

void handoff_stop(struct worker *worker)
{
    const struct worker_common *common = worker->common;

    if (!common->handoff_workers) {
        worker_request(worker, WORKER_STOP);
        net_wake(worker->net);
    }
    for (uint32_t i = 0; i < common->handoff_count; i++) {
        worker_request(common->handoff_workers[i], WORKER_STOP);
        mailbox_wake(common->handoff_workers[i]->mailbox); /* its net may have been freed */
    }
}
