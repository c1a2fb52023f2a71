/* SPDX-License-Identifier: MIT */
/* rio_emulation_queue.c - the emulation's request queues: limits, order, commits, close.
 *
 * A stream has one request per direction in flight at a time, so bytes and results keep the order
 * of the posts. All datagram requests are in flight.
 *
 *   close:  close_socket -> is_dead; deferred and waiting requests complete as aborted
 *           -> requests in flight are cancelled -> last packet: the socket is closed
 *           -> last result dequeued: the queue is freed
 *
 * The socket is not closed while a call is in flight. Under Wine a pending send continues by handle
 * number, and could write to the next connection with that number.
 *
 * Ownership: the queue owns its socket after close_socket, and its requests. It references its
 * completion queues.
 */
#include "rio_emulation_queue.h"

#include "check.h"
#include "memory.h"
#include "rio_emulation_buffer.h"
#include "rio_provider.h"
#include "thread_local.h"
#include "win_closing.h"
#include "win_error.h"

/* ---- FIFO lists of requests ---- */

static void emulated_queue__add(struct emulated_fifo *line, struct emulated_request *request)
{
    request->next = NULL;
    if (line->last)
        line->last->next = request;
    else
        line->first = request;
    line->last = request;
}

static struct emulated_request *emulated_queue__take(struct emulated_fifo *line)
{
    struct emulated_request *request = line->first;

    if (!request) return NULL;
    line->first = request->next;
    if (!line->first) line->last = NULL;
    request->next = NULL;
    return request;
}

static struct emulated_queue *emulated_queue__of(rio_rq rq)
{
    struct emulated_queue *queue = (struct emulated_queue *)(void *)rq;

    weir_check(queue != NULL);
    weir_check(queue->magic == EMULATED_QUEUE_MAGIC);
    weir_check_rule(!queue->is_dead, "a request queue is used after its socket was closed");
    return queue;
}

static struct emulated_direction *emulated_queue__direction(struct emulated_request *request)
{
    return request->is_send ? &request->queue->sends : &request->queue->receives;
}

/* ---- creating and freeing ---- */

static void emulated_queue__free_block(struct emulated_block *block)
{
    memory_free(block->requests);
    memory_free(block->messages);
    memory_free(block);
}

/* Returns null if memory is exhausted. */
static struct emulated_block *emulated_queue__make_block(bool is_stream, uint32_t count)
{
    struct emulated_block *block = memory_alloc(sizeof *block);

    if (!block) return NULL;
    block->requests = memory_alloc_array(count, sizeof *block->requests);
    if (block->requests && !is_stream)
        block->messages = memory_alloc_array(count, sizeof *block->messages);
    if (block->requests && (is_stream || block->messages)) return block;
    emulated_queue__free_block(block);
    return NULL;
}

/* Adds requests to one direction. Returns false if memory is exhausted. */
static bool emulated_queue__add_requests(struct emulated_queue *queue,
                                         struct emulated_direction *direction, uint32_t count)
{
    if (count == 0) return true;
    struct emulated_block *block = emulated_queue__make_block(queue->is_stream, count);
    if (!block) return false;
    for (uint32_t i = count; i-- > 0;) {
        struct emulated_request *request = &block->requests[i];
        request->queue = queue;
        request->is_send = direction == &queue->sends;
        if (block->messages) request->message = &block->messages[i];
        request->next = direction->free;
        direction->free = request;
    }
    block->next = queue->blocks;
    queue->blocks = block;
    direction->max += count;
    return true;
}

static void emulated_queue__free(struct emulated_queue *queue)
{
    while (queue->blocks) {
        struct emulated_block *block = queue->blocks;
        queue->blocks = block->next;
        emulated_queue__free_block(block);
    }
    queue->magic = 0;
    memory_free(queue);
}

static uint32_t emulated_queue__room(const struct emulated_cq *cq)
{
    return cq->size - cq->reserved;
}

static bool emulated_queue__has_room(const struct emulated_cq *receive_cq, uint32_t receives,
                                     const struct emulated_cq *send_cq, uint32_t sends)
{
    if (receive_cq == send_cq)
        return (uint64_t)receives + sends <= emulated_queue__room(receive_cq);
    return receives <= emulated_queue__room(receive_cq) && sends <= emulated_queue__room(send_cq);
}

static THREAD_LOCAL win_socket emulated_queue__watched = WIN_NO_SOCKET;

void emulated_on_watched(win_socket socket)
{
    emulated_queue__watched = socket;
}

/* Has the port receive the packets of the queue's socket. Returns the os_error. */
static int emulated_queue__watch(struct emulated_queue *queue, const struct emulated_cq *cq)
{
    bool is_watched = queue->socket == emulated_queue__watched;

    queue->skips = queue->is_stream && !is_watched;
    if (is_watched) return 0;
    return emulated_system->port_watch(cq->port, queue->socket, RIO_KEY_EMULATION, &queue->skips);
}

static struct emulated_queue *emulated_queue__make(uintptr_t socket, uint32_t receives_max,
                                                   uint32_t sends_max, struct emulated_cq *cq)
{
    struct emulated_queue *queue = memory_alloc(sizeof *queue);

    if (!queue) {
        emulated_fail(WIN_ENOBUFS);
        return NULL;
    }
    queue->socket = socket;
    queue->is_stream = emulated_system->socket_is_stream(socket);
    if (emulated_queue__add_requests(queue, &queue->receives, receives_max) &&
        emulated_queue__add_requests(queue, &queue->sends, sends_max)) {
        int os_error = emulated_queue__watch(queue, cq);
        if (os_error == 0) return queue;
        emulated_queue__free(queue);
        emulated_fail(os_error);
        return NULL;
    }
    emulated_queue__free(queue);
    emulated_fail(WIN_ENOBUFS);
    return NULL;
}

rio_rq RIO_CALL emulated_create_rq(uintptr_t socket, uint32_t receives_max,
                                   uint32_t receive_pieces_max, uint32_t sends_max,
                                   uint32_t send_pieces_max, rio_cq receive_cq, rio_cq send_cq,
                                   void *socket_context)
{
    struct emulated_cq *receives = emulated_cq_of(receive_cq), *sends = emulated_cq_of(send_cq);

    if (!receives || !sends || receives->port != sends->port || receive_pieces_max != 1 ||
        send_pieces_max != 1 || (receives_max == 0 && sends_max == 0)) {
        emulated_fail(WIN_EINVAL);
        return RIO_NO_RQ;
    }
    if (!emulated_queue__has_room(receives, receives_max, sends, sends_max)) {
        emulated_fail(WIN_ENOBUFS);
        return RIO_NO_RQ;
    }
    struct emulated_queue *queue = emulated_queue__make(socket, receives_max, sends_max, receives);
    if (!queue) return RIO_NO_RQ;
    queue->magic = EMULATED_QUEUE_MAGIC;
    queue->context = (uintptr_t)socket_context;
    queue->receives.cq = receives;
    queue->sends.cq = sends;
    receives->reserved += receives_max;
    sends->reserved += sends_max;
    receives->queues_count++;
    sends->queues_count++;
    return (rio_rq)(void *)queue;
}

rio_bool RIO_CALL emulated_resize_rq(rio_rq rq, uint32_t receives_max, uint32_t sends_max)
{
    struct emulated_queue *queue = emulated_queue__of(rq);

    if (receives_max < queue->receives.max || sends_max < queue->sends.max)
        return emulated_fail(WIN_ETOOMANYREFS); /* weir never shrinks a queue */
    uint32_t receives = receives_max - queue->receives.max, sends = sends_max - queue->sends.max;
    if (!emulated_queue__has_room(queue->receives.cq, receives, queue->sends.cq, sends))
        return emulated_fail(WIN_ENOBUFS);
    if (!emulated_queue__add_requests(queue, &queue->receives, receives))
        return emulated_fail(WIN_ENOBUFS);
    queue->receives.cq->reserved += receives;
    if (!emulated_queue__add_requests(queue, &queue->sends, sends))
        return emulated_fail(WIN_ENOBUFS);
    queue->sends.cq->reserved += sends;
    return true;
}

static void emulated_queue__leave(struct emulated_direction *direction)
{
    weir_check(direction->cq->reserved >= direction->max);
    direction->cq->reserved -= direction->max;
    emulated_cq_leave(direction->cq);
}

/* ---- starting requests ---- */

/* A send of which a part was sent before the buffers ran out is a short one, not a failed one. */
static int emulated_queue__status(const struct emulated_request *request, int os_error)
{
    return request->is_send && os_error == WIN_ENOBUFS && request->done_bytes > 0 ? 0 : os_error;
}

static void emulated_queue__done(struct emulated_request *request, int os_error)
{
    struct emulated_queue *queue = request->queue;

    if (os_error == 0 || os_error == WIN_EMSGSIZE) emulated_request_publish(request);
    if (os_error != 0 && request->is_send && queue->is_stream && queue->send_failure == 0)
        queue->send_failure = os_error;
    const struct emulated_result result = {{emulated_queue__status(request, os_error),
                                            request->done_bytes, queue->context, request->context},
                                           request,
                                           (request->flags & RIO_DONT_NOTIFY) != 0};
    if (!emulated_cq_push(emulated_queue__direction(request)->cq, &result))
        emulated_queue_release(request); /* a closed queue is not dequeued */
}

/* Starts the request, and restarts it while it returns immediately and is incomplete. */
static void emulated_queue__start(struct emulated_direction *direction,
                                  struct emulated_request *request)
{
    const struct emulated_queue *queue = request->queue;
    int os_error = request->is_send ? queue->send_failure : 0;
    uint32_t bytes;

    weir_check(!queue->is_dead); /* a close aborts the requests that have not started */
    if (os_error != 0) {
        emulated_queue__done(request, os_error);
        return;
    }
    for (;;) {
        if (emulated_request_start(request, queue->socket, queue->skips, &os_error, &bytes)) {
            direction->in_flight++;
            return;
        }
        if (!emulated_request_advance(request, &os_error, bytes)) continue;
        emulated_queue__done(request, os_error);
        return;
    }
}

static void emulated_queue__pump(struct emulated_queue *queue, struct emulated_direction *direction)
{
    while (direction->waiting.first && (!queue->is_stream || direction->in_flight == 0))
        emulated_queue__start(direction, emulated_queue__take(&direction->waiting));
}

static void emulated_queue__commit(struct emulated_queue *queue,
                                   struct emulated_direction *direction)
{
    struct emulated_request *request;

    while ((request = emulated_queue__take(&direction->deferred)) != NULL)
        emulated_queue__add(&direction->waiting, request);
    emulated_queue__pump(queue, direction);
}

/* ---- posting ---- */

struct emulated_post {
    const struct rio_piece *data, *remote, *control;
    uint32_t count, flags;
    void *context;
};

static bool emulated_queue__has_valid_data(const struct emulated_queue *queue,
                                           const struct emulated_post *post)
{
    if (post->count > 1 || (post->count == 1 && !post->data)) return false;
    return !queue->is_stream || (post->count == 1 && !post->remote && !post->control);
}

static bool emulated_queue__is_valid(const struct emulated_queue *queue,
                                     const struct emulated_direction *direction,
                                     const struct emulated_post *post)
{
    uint32_t known = RIO_DONT_NOTIFY | RIO_DEFER;

    if (queue->is_stream && direction == &queue->receives) known |= RIO_WAITALL;
    if ((post->flags & ~known) != 0 || !emulated_queue__has_valid_data(queue, post))
        return emulated_fail(WIN_EINVAL);
    return direction->charged < direction->max || emulated_fail(WIN_ENOBUFS);
}

static bool emulated_queue__fill(struct emulated_request *request, const struct emulated_post *post)
{
    static uint8_t nothing;

    request->context = (uintptr_t)post->context;
    request->flags = post->flags;
    request->done_bytes = request->tries = 0;
    request->piece = (struct win_piece){0, &nothing};
    if (post->count == 1) {
        request->piece = (struct win_piece){post->data->length, emulated_slice(post->data)};
        if (!request->piece.bytes) return false;
    }
    return !request->message || emulated_request_address(request, post->remote, post->control);
}

/* The failure of a send fails the sends posted after it. Once none of them is left, a send can
 * follow if the failure was a shortage. */
static void emulated_queue__forget_shortage(struct emulated_queue *queue,
                                            const struct emulated_direction *direction)
{
    if (direction == &queue->sends && direction->charged == 0 && queue->send_failure == WIN_ENOBUFS)
        queue->send_failure = 0;
}

static bool emulated_queue__post(struct emulated_queue *queue, struct emulated_direction *direction,
                                 const struct emulated_post *post)
{
    if (post->flags == RIO_COMMIT_ONLY) {
        if (post->data || post->count != 0 || post->context) return emulated_fail(WIN_EINVAL);
        emulated_queue__commit(queue, direction);
        return true;
    }
    if (!emulated_queue__is_valid(queue, direction, post)) return false;
    struct emulated_request *request = direction->free;
    weir_check(request != NULL);
    emulated_queue__forget_shortage(queue, direction);
    if (!emulated_queue__fill(request, post)) return false;
    direction->free = request->next;
    direction->charged++;
    emulated_queue__add(&direction->deferred, request);
    if ((post->flags & RIO_DEFER) == 0) emulated_queue__commit(queue, direction);
    return true;
}

rio_bool RIO_CALL emulated_receive(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                   uint32_t flags, void *context)
{
    struct emulated_queue *queue = emulated_queue__of(rq);
    const struct emulated_post post = {data, NULL, NULL, count, flags, context};

    return emulated_queue__post(queue, &queue->receives, &post);
}

int RIO_CALL emulated_receive_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                 const struct rio_piece *local, const struct rio_piece *remote,
                                 const struct rio_piece *control, const struct rio_piece *out_flags,
                                 uint32_t flags, void *context)
{
    struct emulated_queue *queue = emulated_queue__of(rq);
    const struct emulated_post post = {data, remote, control, count, flags, context};

    if (local || out_flags) return emulated_fail(WIN_EINVAL); /* not emulated: weir passes null */
    return emulated_queue__post(queue, &queue->receives, &post);
}

rio_bool RIO_CALL emulated_send(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                uint32_t flags, void *context)
{
    struct emulated_queue *queue = emulated_queue__of(rq);
    const struct emulated_post post = {data, NULL, NULL, count, flags, context};

    return emulated_queue__post(queue, &queue->sends, &post);
}

rio_bool RIO_CALL emulated_send_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                                   const struct rio_piece *local, const struct rio_piece *remote,
                                   const struct rio_piece *control,
                                   const struct rio_piece *out_flags, uint32_t flags, void *context)
{
    struct emulated_queue *queue = emulated_queue__of(rq);
    const struct emulated_post post = {data, remote, control, count, flags, context};

    if (local || out_flags) return emulated_fail(WIN_EINVAL); /* reserved: must be null */
    return emulated_queue__post(queue, &queue->sends, &post);
}

/* ---- completion and close ---- */

static uint32_t emulated_queue__in_flight(const struct emulated_queue *queue)
{
    return queue->receives.in_flight + queue->sends.in_flight;
}

static void emulated_queue__end(struct emulated_queue *queue)
{
    if (!queue->is_dead || queue->is_busy || emulated_queue__in_flight(queue) > 0) return;
    if (!queue->is_closed) {
        queue->is_closed = true;
        closing_close(emulated_system, queue->socket);
    }
    if (queue->receives.charged > 0 || queue->sends.charged > 0) return;
    emulated_queue__leave(&queue->receives);
    emulated_queue__leave(&queue->sends);
    emulated_queue__free(queue);
}

void emulated_queue_returned(struct emulated_request *request, int os_error, uint32_t bytes)
{
    struct emulated_queue *queue = request->queue;
    struct emulated_direction *direction = emulated_queue__direction(request);

    weir_check(direction->in_flight > 0);
    direction->in_flight--;
    queue->is_busy = true;
    if (queue->is_dead) {
        emulated_request_abort(request, &os_error, bytes);
        emulated_queue__done(request, os_error);
    } else if (emulated_request_advance(request, &os_error, bytes)) {
        emulated_queue__done(request, os_error);
    } else {
        emulated_queue__start(direction, request);
    }
    emulated_queue__pump(queue, direction);
    queue->is_busy = false;
    emulated_queue__end(queue);
}

void emulated_queue_release(struct emulated_request *request)
{
    struct emulated_queue *queue = request->queue;
    struct emulated_direction *direction = emulated_queue__direction(request);

    weir_check(direction->charged > 0);
    direction->charged--;
    request->next = direction->free;
    direction->free = request;
    emulated_queue__end(queue);
}

static void emulated_queue__abort(struct emulated_direction *direction)
{
    struct emulated_request *request;

    while ((request = emulated_queue__take(&direction->waiting)) != NULL)
        emulated_queue__done(request, WIN_OPERATION_ABORTED);
    while ((request = emulated_queue__take(&direction->deferred)) != NULL)
        emulated_queue__done(request, WIN_OPERATION_ABORTED);
}

void emulated_close_socket(rio_rq rq, win_socket socket)
{
    struct emulated_queue *queue = emulated_queue__of(rq);

    weir_check(queue->socket == socket);
    queue->is_busy = true;
    emulated_queue__abort(&queue->receives);
    emulated_queue__abort(&queue->sends);
    queue->is_dead = true;
    if (emulated_queue__in_flight(queue) > 0) emulated_system->cancel(socket);
    queue->is_busy = false;
    emulated_queue__end(queue);
}
