/* SPDX-License-Identifier: MIT */
/* rio_verifier.c - checks Registered I/O's rules at every call: a provider around another one.
 *
 *      caller --> [checks the call against its records]   --> Windows's table, or the emulation
 *             <-- [checks the result against its records] <--
 *
 * The caller's handles are pointers to the verifier's records. So are the contexts that it passes
 * to the underlying table; therefore each completion leads to its request. A broken rule ends the
 * process with a message that has the rule's number (docs/design/rio-rules.md, VV1 to VV19). The
 * verifier is for tests and debugging: it costs time, and memory for each request.
 *
 * Ownership: the verifier owns its records; each wraps one object of the underlying table.
 */
#include "rio_verifier.h"

#include <stdio.h>

#include "check.h"
#include "memory.h"
#include "thread.h"
#include "thread_local.h"
#include "win_error.h"

#define VERIFIED__CQ_MAGIC 0x56435130u
#define VERIFIED__QUEUE_MAGIC 0x56515545u
#define VERIFIED__RESULTS_MAX 64u

static const struct rio_provider *verified__under;
static const struct win_system *verified__system;
static THREAD_LOCAL char verified__thread_mark;

/* ---- records ---- */

static uintptr_t verified__thread(void)
{
    return (uintptr_t)&verified__thread_mark;
}

static struct verified_cq *verified__cq(rio_cq id)
{
    struct verified_cq *cq = (struct verified_cq *)(void *)id;

    verified_must(cq != NULL, 12, "an invalid completion queue is used");
    verified_must(cq->magic == VERIFIED__CQ_MAGIC, 12, "a completion queue is used after close_cq");
    verified_must(cq->thread == verified__thread(), 1,
                  "a completion queue is used by two threads: give each its own");
    return cq;
}

static struct verified_queue *verified__queue(rio_rq id, bool any_thread)
{
    struct verified_queue *queue = (struct verified_queue *)(void *)id;

    verified_must(queue != NULL, 10, "an invalid request queue is used");
    verified_must(queue->magic == VERIFIED__QUEUE_MAGIC && !queue->is_dead, 10,
                  "a request queue is used after its socket was closed");
    verified_must(any_thread || queue->thread == verified__thread(), 1,
                  "a request queue is used by two threads: give it one owner");
    return queue;
}

/* Updates the number of queues that read and have no receive posted. */
static void verified__note_starving(struct verified_queue *queue)
{
    bool starving = queue->is_reading && !queue->is_dead && queue->receives.out == 0;
    uint32_t *count = queue->is_stream ? &queue->receives.cq->starving_streams
                                       : &queue->receives.cq->starving_datagrams;

    if (starving == queue->is_starving) return;
    queue->is_starving = starving;
    *count += starving ? 1u : UINT32_MAX;
}

/* ---- completion queues ---- */

static rio_cq RIO_CALL verified__create_cq(uint32_t size,
                                           const struct rio_notification *notification)
{
    struct verified_cq *cq = memory_alloc(sizeof *cq);

    if (!cq) {
        verified__system->set_last_error(WIN_ENOBUFS);
        return RIO_NO_CQ;
    }
    cq->under = verified__under->table->create_cq(size, notification);
    if (cq->under == RIO_NO_CQ) {
        memory_free(cq);
        return RIO_NO_CQ;
    }
    cq->magic = VERIFIED__CQ_MAGIC;
    cq->size = size;
    cq->thread = verified__thread();
    return (rio_cq)(void *)cq;
}

static void RIO_CALL verified__close_cq(rio_cq id)
{
    struct verified_cq *cq = verified__cq(id);

    verified_must(cq->out == 0, 12, "a completion queue is closed with requests outstanding");
    verified_must(cq->queues_count == 0, 12, "a completion queue is closed before its sockets");
    verified__under->table->close_cq(cq->under);
    cq->magic = 0;
    memory_free(cq);
}

static rio_bool RIO_CALL verified__resize_cq(rio_cq id, uint32_t size)
{
    struct verified_cq *cq = verified__cq(id);

    verified_must(size >= cq->reserved, 6,
                  "a completion queue is resized below its reserved entries");
    rio_bool done = verified__under->table->resize_cq(cq->under, size);
    if (done) cq->size = size;
    return done;
}

static int RIO_CALL verified__notify(rio_cq id)
{
    struct verified_cq *cq = verified__cq(id);

    verified_must(!cq->is_armed, 9,
                  "notify is called while a notification is pending: wait for its packet first");
    int os_error = verified__under->table->notify(cq->under);
    if (os_error == 0) cq->is_armed = true;
    return os_error;
}

static void verified__on_notified(rio_cq id)
{
    struct verified_cq *cq = verified__cq(id);

    verified_must(cq->is_armed, 9, "a notification arrived without a call of notify");
    cq->is_armed = false;
}

static void verified__before_wait(rio_cq id)
{
    const struct verified_cq *cq = verified__cq(id);

    verified_must(cq->deferred == 0, 8,
                  "the thread blocks with deferred requests that are not committed");
    verified_must(cq->out == 0 || cq->is_armed, 9,
                  "the thread blocks with requests outstanding and no notification requested");
    verified_must(cq->out == 0 || cq->quiet_out < cq->out, 9,
                  "the thread blocks while all outstanding requests are posted with DONT_NOTIFY");
    verified_must(cq->starving_datagrams == 0, 16,
                  "a datagram socket that is reading has no receive posted");
    verified_must(cq->starving_streams == 0, 17,
                  "a connection that is reading has no receive posted");
}

/* ---- request queues ---- */

static bool verified__make_requests(struct verified_queue *queue, uint32_t count)
{
    struct verified_block *block =
        memory_alloc(sizeof *block + (size_t)count * sizeof block->requests[0]);

    if (!block) return false;
    block->next = queue->blocks;
    queue->blocks = block;
    for (uint32_t i = count; i-- > 0;) {
        block->requests[i].queue = queue;
        block->requests[i].next = queue->free;
        queue->free = &block->requests[i];
    }
    return true;
}

static void verified__free_requests(struct verified_queue *queue)
{
    while (queue->blocks) {
        struct verified_block *block = queue->blocks;
        queue->blocks = block->next;
        memory_free(block);
    }
}

static struct verified_queue *verified__new_queue(uint32_t receives_max, uint32_t sends_max)
{
    struct verified_queue *queue = memory_alloc(sizeof *queue);

    if (!queue) return NULL;
    queue->receives.max = receives_max;
    queue->sends.max = sends_max;
    if (verified__make_requests(queue, receives_max + sends_max)) return queue;
    memory_free(queue);
    return NULL;
}

static rio_rq RIO_CALL verified__create_rq(uintptr_t socket, uint32_t receives_max,
                                           uint32_t receive_pieces_max, uint32_t sends_max,
                                           uint32_t send_pieces_max, rio_cq receive_cq,
                                           rio_cq send_cq, void *socket_context)
{
    struct verified_cq *receives = verified__cq(receive_cq), *sends = verified__cq(send_cq);

    verified_must(receive_pieces_max == 1 && send_pieces_max == 1, 7,
                  "a request has one piece of data: pass 1");
    verified_must(receives_max > 0 || sends_max > 0, 7,
                  "a request queue is created for no requests");
    uint64_t needed = (uint64_t)receives_max + (receives == sends ? sends_max : 0);
    verified_must(receives->reserved + needed <= receives->size, 6,
                  "the request queue needs more entries than the completion queue has: resize it");
    struct verified_queue *queue = verified__new_queue(receives_max, sends_max);
    if (!queue) {
        verified__system->set_last_error(WIN_ENOBUFS);
        return RIO_NO_RQ;
    }
    queue->under = verified__under->table->create_rq(socket, receives_max, 1, sends_max, 1,
                                                     receives->under, sends->under, queue);
    if (queue->under == RIO_NO_RQ) {
        verified__free_requests(queue);
        memory_free(queue);
        return RIO_NO_RQ;
    }
    queue->magic = VERIFIED__QUEUE_MAGIC;
    queue->is_stream = verified_socket_take(socket);
    queue->socket = socket;
    queue->context = (uintptr_t)socket_context;
    queue->thread = verified__thread();
    queue->receives.cq = receives;
    queue->sends.cq = sends;
    receives->reserved += receives_max;
    sends->reserved += sends_max;
    receives->queues_count++;
    return (rio_rq)(void *)queue;
}

static rio_bool RIO_CALL verified__resize_rq(rio_rq id, uint32_t receives_max, uint32_t sends_max)
{
    struct verified_queue *queue = verified__queue(id, false);
    struct verified_cq *receives = queue->receives.cq, *sends = queue->sends.cq;

    verified_must(receives_max >= queue->receives.max && sends_max >= queue->sends.max, 6,
                  "a request queue is resized to fewer requests: weir only grows one");
    uint32_t more_receives = receives_max - queue->receives.max;
    uint32_t more_sends = sends_max - queue->sends.max;
    uint64_t needed = (uint64_t)more_receives + (receives == sends ? more_sends : 0);
    verified_must(receives->reserved + needed <= receives->size, 6,
                  "the grown request queue needs more entries than the completion queue has: "
                  "resize that first");
    if (!verified__make_requests(queue, more_receives + more_sends)) {
        verified__system->set_last_error(WIN_ENOBUFS);
        return 0;
    }
    if (!verified__under->table->resize_rq(queue->under, receives_max, sends_max))
        return 0; /* the additional records stay unused */
    queue->receives.max = receives_max;
    queue->sends.max = sends_max;
    receives->reserved += more_receives;
    sends->reserved += more_sends;
    return 1;
}

/* Keeps a dead queue in memory for a while, so that its use is reported as a use after the close.
 */
static void verified__retire(struct verified_queue *queue)
{
    enum { RETIRED_MAX = 64 };
    static THREAD_LOCAL struct verified_queue *retired[RETIRED_MAX];
    static THREAD_LOCAL uint32_t next;
    struct verified_cq *cq = queue->receives.cq;

    cq->reserved -= queue->receives.max;
    queue->sends.cq->reserved -= queue->sends.max;
    cq->queues_count--;
    verified__free_requests(queue);
    memory_free(retired[next]);
    retired[next] = queue;
    next = (next + 1) % RETIRED_MAX;
    for (uint32_t i = 0; cq->queues_count == 0 && i < RETIRED_MAX; i++) { /* the last queue */
        memory_free(retired[i]);
        retired[i] = NULL;
    }
}

static void verified__end_queue(struct verified_queue *queue)
{
    if (queue->is_dead && queue->receives.out == 0 && queue->sends.out == 0)
        verified__retire(queue);
}

static void verified__close_socket(rio_rq id, win_socket socket)
{
    struct verified_queue *queue = verified__queue(id, true);

    verified_must(queue->thread == verified__thread(), 10,
                  "a socket is closed by a thread that does not own its request queue");
    verified_must(queue->socket == socket, 10, "the closed socket belongs to another queue");
    queue->receives.cq->deferred -= queue->receives.deferred;
    queue->sends.cq->deferred -= queue->sends.deferred;
    queue->receives.deferred = queue->sends.deferred = 0;
    queue->is_dead = true;
    verified__note_starving(queue);
    verified_socket_forget(socket);
    verified__under->close_socket(queue->under, socket);
    verified__end_queue(queue);
}

static void verified__on_reading(rio_rq id, bool wanted)
{
    struct verified_queue *queue = verified__queue(id, false);

    queue->is_reading = wanted;
    verified__note_starving(queue);
}

/* ---- requests ---- */

struct verified_post {
    const struct rio_piece *data, *local, *remote, *control, *out_flags;
    uint32_t count, flags;
    void *context;
    bool is_send, is_ex;
};

static rio_bool verified__forward(struct verified_queue *queue, const struct verified_post *post,
                                  void *context)
{
    const struct rio_table *table = verified__under->table;

    if (post->is_ex && post->is_send)
        return table->send_ex(queue->under, post->data, post->count, post->local, post->remote,
                              post->control, post->out_flags, post->flags, context);
    if (post->is_ex)
        return table->receive_ex(queue->under, post->data, post->count, post->local, post->remote,
                                 post->control, post->out_flags, post->flags, context);
    return post->is_send
               ? table->send(queue->under, post->data, post->count, post->flags, context)
               : table->receive(queue->under, post->data, post->count, post->flags, context);
}

static rio_bool verified__commit(struct verified_queue *queue, struct verified_direction *direction,
                                 const struct verified_post *post)
{
    verified_must(!post->data && post->count == 0 && !post->context && !post->remote &&
                      !post->control,
                  7, "a commit has data, addresses or a context: pass null");
    rio_bool done = verified__forward(queue, post, NULL);
    direction->cq->deferred -= direction->deferred; /* after a failure, only a close ends them */
    direction->deferred = 0;
    return done;
}

static void verified__check_post(const struct verified_queue *queue,
                                 const struct verified_direction *direction,
                                 const struct verified_post *post)
{
    uint32_t known = RIO_DONT_NOTIFY | RIO_DEFER | RIO_WAITALL;

    verified_must((post->flags & ~known) == 0, 7,
                  "a request has unknown flags, or flags that exclude each other");
    verified_must((post->flags & RIO_WAITALL) == 0 || (!post->is_send && queue->is_stream), 7,
                  "WAITALL is for receives on connections");
    verified_must(post->count <= 1 && (post->count == 0) == !post->data, 7,
                  "a request has more than one piece of data, or a wrong count");
    verified_must(!post->is_send || !post->local, 16,
                  "a send has a local address, which is reserved: pass null");
    verified_must(!post->remote || post->remote->length >= sizeof(struct win_sockaddr), 16,
                  "an address piece is shorter than 28 bytes");
    verified_must(!queue->is_stream || (!post->remote && !post->control), 16,
                  "a request on a connection has an address: only datagrams have one");
    verified_must(direction->out < direction->max, 6,
                  "more requests are outstanding than the queue was created for");
}

static rio_bool verified__post(rio_rq id, const struct verified_post *asked)
{
    struct verified_queue *queue = verified__queue(id, asked->flags == RIO_COMMIT_ONLY);
    struct verified_direction *direction = asked->is_send ? &queue->sends : &queue->receives;
    struct verified_post post = *asked;
    struct rio_piece under[VERIFIED_PIECES_MAX];

    if (asked->flags == RIO_COMMIT_ONLY) return verified__commit(queue, direction, asked);
    verified__check_post(queue, direction, asked);
    struct verified_request *request = queue->free;
    weir_check(request != NULL);
    request->is_send = asked->is_send;
    post.data = verified_piece(request, 0, asked->data, &under[0]);
    post.remote = verified_piece(request, 1, asked->remote, &under[1]);
    post.control = verified_piece(request, VERIFIED_PIECE_CONTROL, asked->control, &under[2]);
    queue->free = request->next;
    request->is_out = true;
    request->is_quiet = (asked->flags & RIO_DONT_NOTIFY) != 0;
    request->context = (uintptr_t)asked->context;
    request->number = ++direction->posted;
    verified_pieces_begin(request);
    rio_bool done = verified__forward(queue, &post, request);
    if (!done && verified__system->last_error() != WIN_IO_PENDING) {
        int os_error = verified__system->last_error();
        verified_pieces_end(request, UINT32_MAX);
        request->is_out = false;
        direction->posted--;
        request->next = queue->free;
        queue->free = request;
        verified__system->set_last_error(os_error);
        return done;
    }
    direction->out++;
    direction->cq->out++;
    if (request->is_quiet) direction->cq->quiet_out++;
    if ((asked->flags & RIO_DEFER) != 0) {
        direction->deferred++;
        direction->cq->deferred++;
    } else {
        direction->cq->deferred -= direction->deferred; /* it starts the deferred ones, too */
        direction->deferred = 0;
    }
    verified__note_starving(queue);
    return done;
}

static rio_bool RIO_CALL verified__receive(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                           uint32_t flags, void *context)
{
    const struct verified_post post = {
        .data = data, .count = count, .flags = flags, .context = context};

    return verified__post(rq, &post);
}

static int RIO_CALL verified__receive_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                         const struct rio_piece *local,
                                         const struct rio_piece *remote,
                                         const struct rio_piece *control,
                                         const struct rio_piece *out_flags, uint32_t flags,
                                         void *context)
{
    const struct verified_post post = {data,  local, remote,  control, out_flags,
                                       count, flags, context, false,   true};

    return verified__post(rq, &post);
}

static rio_bool RIO_CALL verified__send(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                        uint32_t flags, void *context)
{
    const struct verified_post post = {
        .data = data, .count = count, .flags = flags, .context = context, .is_send = true};

    return verified__post(rq, &post);
}

static rio_bool RIO_CALL verified__send_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                           const struct rio_piece *local,
                                           const struct rio_piece *remote,
                                           const struct rio_piece *control,
                                           const struct rio_piece *out_flags, uint32_t flags,
                                           void *context)
{
    const struct verified_post post = {data,  local, remote,  control, out_flags,
                                       count, flags, context, true,    true};

    return verified__post(rq, &post);
}

/* ---- results ---- */

static void verified__note_order(struct verified_queue *queue, struct verified_direction *direction,
                                 const struct verified_request *request)
{
    direction->taken++;
    if (request->number == direction->taken || queue->reported_order) return;
    queue->reported_order = true;
    fprintf(stderr,
            "rio rule VV18: completions of one direction arrived out of order; RIO does not "
            "guarantee the order, and weir does not need it\n"); /* tidy: allow output - a report */
}

static void verified__take(struct verified_cq *cq, struct rio_result *result)
{
    struct verified_request *request =
        (struct verified_request *)(uintptr_t)result->request_context;

    verified_must(request != NULL, 19, "a completion's context differs from its request's");
    struct verified_queue *queue = request->queue;
    verified_must(queue && queue->magic == VERIFIED__QUEUE_MAGIC && queue->blocks, 11,
                  "a completion arrived for a queue without outstanding requests");
    verified_must(request->is_out, 11, "a completion arrived twice");
    verified_must(result->socket_context == (uint64_t)(uintptr_t)queue, 19,
                  "a completion's socket context differs from its socket's: were high bits lost?");
    struct verified_direction *direction = request->is_send ? &queue->sends : &queue->receives;
    verified_must(direction->cq == cq, 6, "a completion arrived in the wrong completion queue");
    verified_pieces_end(request, result->status == 0 ? result->bytes : UINT32_MAX);
    if (!queue->is_dead) verified__note_order(queue, direction, request);
    result->request_context = request->context;
    result->socket_context = queue->context;
    request->is_out = false;
    if (request->is_quiet) cq->quiet_out--;
    direction->out--;
    cq->out--;
    request->next = queue->free;
    queue->free = request;
    verified__note_starving(queue);
    verified__end_queue(queue);
}

static uint32_t RIO_CALL verified__dequeue(rio_cq id, struct rio_result *results,
                                           uint32_t results_max)
{
    struct verified_cq *cq = verified__cq(id);
    uint32_t count = verified__under->table->dequeue(cq->under, results, results_max);

    if (count == RIO_CQ_CORRUPT) return count;
    verified_must(count <= results_max, 6, "dequeue returned more results than requested");
    for (uint32_t i = 0; i < count; i++) verified__take(cq, &results[i]);
    return count;
}

/* ---- the provider ---- */

/* The packet does not name its completion queue: each thread has only one. */
static bool verified__on_packet(const struct win_packet *packet)
{
    return verified__under->on_packet(packet);
}

static void verified__on_fired(rio_cq id)
{
    struct verified_cq *cq = verified__cq(id);

    cq->is_armed = false;
}

static void verified__on_end(void)
{
    verified_must(verified_buffers_count() < UINT32_MAX / 2, 12,
                  "more registrations were deregistered than registered");
}

static const struct rio_table verified__table = {
    .size = sizeof(struct rio_table),
    .receive = verified__receive,
    .receive_ex = verified__receive_ex,
    .send = verified__send,
    .send_ex = verified__send_ex,
    .close_cq = verified__close_cq,
    .create_cq = verified__create_cq,
    .create_rq = verified__create_rq,
    .dequeue = verified__dequeue,
    .deregister = verified_deregister,
    .notify = verified__notify,
    .register_buffer = verified_register,
    .resize_cq = verified__resize_cq,
    .resize_rq = verified__resize_rq,
};

const struct rio_provider *rio_provider_verified(const struct win_system *system,
                                                 const struct rio_provider *under)
{
    static struct rio_provider provider;

    if (verified__under == under) return &provider; /* one provider serves all workers */
    weir_check_rule(!verified__under || verified_buffers_count() == 0,
                    "only one provider can be verified at a time");
    if (!verified_sockets_open(system)) return NULL;
    verified_buffers_open(system, under->table);
    verified__system = system;
    verified__under = under;
    provider = *under;
    provider.is_verified = true;
    provider.table = &verified__table;
    provider.close_socket = verified__close_socket;
    provider.on_packet = under->on_packet ? verified__on_packet : NULL;
    provider.on_notified = verified__on_notified;
    provider.on_fired = verified__on_fired;
    provider.before_wait = verified__before_wait;
    provider.on_socket = verified_on_socket;
    provider.on_accept = verified_on_accept;
    provider.on_reading = verified__on_reading;
    provider.on_end = verified__on_end;
    return &provider;
}
