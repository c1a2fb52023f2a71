/* SPDX-License-Identifier: MIT */
/* memwin_rio.c - a simulated function table of Registered I/O. It guarantees only the documented
 * behavior.
 *
 *   post -> charged -> allowed to start, or committed -> in post order -> after a delay: result in
 *   the completion queue -> dequeued: the request is free
 *
 * A stream's send completes when its bytes were copied. With sim_options.acknowledges it completes
 * when the peer has acknowledged them, as on Windows.
 *
 * After its socket is closed, a queue completes its outstanding requests later, one by one. Some
 * time after the last one it releases its entries in the completion queue.
 */
#include <string.h>

#include "check.h"
#include "memwin.h"
#include "require.h"
#include "win_error.h"

#define MEMWIN__LATER_NS UINT64_C(3000000)

struct memwin_request {
    struct list on;        /* in its direction's requests, or in the completion queue's results */
    struct wire_timer due; /* when its result becomes visible */
    struct memwin_rq *queue;
    struct win_piece piece;
    uint8_t *remote, *control; /* null: none */
    void *context;
    uint32_t flags, done_bytes;
    uint64_t end_total; /* bytes that its connection has written, up to its last one */
    bool is_send, may_start;
    struct rio_result result;
};

struct memwin_direction {
    struct list requests; /* pending, in post order */
    uint32_t max, charged;
    uint64_t due_ns; /* of the last result: results become visible in order */
};

struct memwin_cq {
    bool is_open, is_armed;
    uint32_t size, reserved;
    struct list results;
    struct list closed; /* closed request queues that still reserve entries */
    uint32_t notifying_count;
    struct memwin_port *port;
    uintptr_t key;
    struct win_overlapped *overlapped;
};

struct memwin_rq {
    struct memwin_socket *socket; /* null once closed */
    struct memwin_cq *cq;
    void *context;
    struct memwin_direction receives, sends;
    struct list unacknowledged;       /* sends that are written completely, in order */
    int32_t send_failure;             /* a stream's first failed send: later ones fail; 0: none */
    const struct memwin_request *cut; /* a short send, not dequeued: sends posted now are lost */
    struct list closed;               /* in its completion queue's list of closed queues */
    struct wire_timer release;
};

struct memwin_buffer {
    uint8_t *bytes;
    uint32_t length;
};

/* Releases the entries of a closed queue, some time after its last result was dequeued. */
static void memwin__released(struct wire_timer *timer)
{
    struct memwin_rq *queue = weir_container_of(timer, struct memwin_rq, release);

    queue->cq->reserved -= queue->receives.max + queue->sends.max;
    list_remove(&queue->closed);
    wire_memory_free(queue);
}

static void memwin__release_later(struct memwin_rq *queue)
{
    if (queue->socket || queue->receives.charged > 0 || queue->sends.charged > 0) return;
    list_add_last(&queue->cq->closed, &queue->closed);
    wire_timer_set(memwin_simulation, &queue->release,
                   wire_random(memwin_simulation, MEMWIN__LATER_NS), memwin__released);
}

static int memwin__refuse(int os_error)
{
    win_system->set_last_error(os_error);
    return 0;
}

/* ---- results ---- */

static void memwin__fire(struct memwin_cq *cq)
{
    cq->is_armed = false;
    memwin_post_packet(cq->port, cq->key, cq->overlapped, 0);
}

static void memwin__show(struct wire_timer *timer)
{
    struct memwin_request *request = weir_container_of(timer, struct memwin_request, due);
    struct memwin_cq *cq = request->queue->cq;

    require(cq->is_open);
    list_add_last(&cq->results, &request->on);
    memwin_simulation->idle_waits = 0;
    if ((request->flags & RIO_DONT_NOTIFY) != 0) return;
    cq->notifying_count++;
    if (cq->is_armed) memwin__fire(cq);
}

static void memwin__done(struct memwin_request *request, int32_t status, uint32_t bytes)
{
    struct memwin_direction *direction =
        request->is_send ? &request->queue->sends : &request->queue->receives;
    uint64_t now_ns = memwin_simulation->now_ns;
    uint64_t due_ns = now_ns + wire_random(memwin_simulation, wire_latency_ns(memwin_simulation));

    if (due_ns < direction->due_ns) due_ns = direction->due_ns;
    direction->due_ns = due_ns;
    list_remove(&request->on);
    request->result = (struct rio_result){status, bytes, (uintptr_t)request->queue->context,
                                          (uintptr_t)request->context};
    wire_timer_set(memwin_simulation, &request->due, due_ns - now_ns, memwin__show);
}

static struct memwin_request *memwin__next(const struct memwin_direction *direction)
{
    if (list_is_empty(&direction->requests)) return NULL;
    struct memwin_request *request =
        weir_container_of(direction->requests.next, struct memwin_request, on);
    return request->may_start ? request : NULL;
}

/* ---- network events ---- */

static bool memwin__receive_datagram(struct memwin_request *request)
{
    struct memwin_socket *socket = request->queue->socket;
    struct win_sockaddr from;
    bool is_cut;

    if (!socket->datagrams.first) return false;
    int failed = memwin_fault(MEMWIN_RECEIVE);
    if (failed != 0) { /* the datagram stays for the next receive */
        memwin__done(request, failed, 0);
        return true;
    }
    uint32_t bytes =
        memwin_take_datagram(socket, &request->piece, &from, request->control, &is_cut);
    if (request->remote) memcpy(request->remote, &from, sizeof from);
    if (!is_cut)
        memwin__done(request, 0, bytes);
    else if (memwin_chance(2))
        memwin__done(request, memwin_chance(2) ? WIN_EMSGSIZE : WIN_MORE_DATA, bytes);
    else
        memwin__done(request, 0, bytes + 1);
    return true;
}

static bool memwin__receive_bytes(struct memwin_request *request)
{
    struct wire_end *end = request->queue->socket->end;
    uint32_t most = request->piece.length;
    int failed;

    if (end->reset_arrived) {
        memwin__done(request, memwin_status_reset(), 0);
    } else if (end->arrived == 0) {
        if (!end->fin_arrived) return false;
        memwin__done(request, 0, 0);
    } else if ((failed = memwin_fault(MEMWIN_RECEIVE)) != 0) {
        memwin__done(request, failed, 0);
    } else {
        if (memwin_chance(3)) most = 1 + (uint32_t)wire_random(memwin_simulation, most);
        uint32_t bytes = wire_read(end, request->piece.bytes, most);
        bool is_long = memwin_fault(MEMWIN_RECEIVE_LONG) != 0;
        memwin__done(request, 0, is_long ? request->piece.length + 1 : bytes);
    }
    return true;
}

static void memwin__send_datagram(struct memwin_request *request)
{
    if (request->piece.length > 65507) {
        memwin__done(request, WIN_EMSGSIZE, 0);
        return;
    }
    memwin_send_datagram(request->queue->socket, &request->piece,
                         (const struct win_sockaddr *)(const void *)request->remote,
                         request->control);
    memwin__done(request, 0, request->piece.length);
}

/* The bytes are on the wire. Windows still sends from the buffer until the peer acknowledges them.
 */
static void memwin__written(struct memwin_request *request)
{
    if (!memwin_simulation->options.acknowledges) {
        memwin__done(request, 0, request->done_bytes);
        return;
    }
    request->end_total = request->queue->socket->end->written_total;
    list_remove(&request->on);
    list_add_last(&request->queue->unacknowledged, &request->on);
}

static struct memwin_request *memwin__first(const struct list *requests)
{
    return list_is_empty(requests) ? NULL
                                   : weir_container_of(requests->next, struct memwin_request, on);
}

/* Completes the sends that the peer has acknowledged; after an RST all of them. */
static void memwin__serve_acknowledged(struct memwin_rq *queue)
{
    const struct wire_end *end = queue->socket->end;
    struct memwin_request *request;

    while ((request = memwin__first(&queue->unacknowledged)) != NULL) {
        bool is_acked = end->acked_total >= request->end_total;
        if (!is_acked && !end->reset_arrived) return;
        memwin__done(request, is_acked ? 0 : memwin_status_reset(),
                     is_acked ? request->done_bytes : 0);
    }
}

static bool memwin__send_bytes(struct memwin_request *request)
{
    struct memwin_socket *socket = request->queue->socket;

    if (socket->end->reset_arrived) {
        memwin__done(request, memwin_status_reset(), 0);
        return true;
    }
    require(!socket->end->finished);
    uint32_t left = request->piece.length - request->done_bytes;
    bool is_cut = left > 1 && memwin_fault(MEMWIN_SEND_SHORT) != 0;
    uint32_t sent =
        wire_write(socket->end, request->piece.bytes + request->done_bytes, left / (1 + is_cut));
    request->done_bytes += sent;
    if (request->done_bytes == request->piece.length) {
        memwin__written(request);
        return true;
    }
    if (!is_cut || sent == 0) return false;
    if (request->on.next != &request->queue->sends.requests)
        request->queue->send_failure = WIN_ECONNABORTED;
    request->queue->cut = request;
    memwin__done(request, 0, request->done_bytes);
    return true;
}

/* Returns false if the request waits for room. */
static bool memwin__send_one(struct memwin_request *request)
{
    const struct memwin_socket *socket = request->queue->socket;
    int failed = request->done_bytes == 0 ? memwin_fault(MEMWIN_SEND) : 0;

    if (request->queue->send_failure != 0) failed = request->queue->send_failure;
    if (failed != 0) {
        bool is_last = request->on.next == &request->queue->sends.requests;
        if (failed == WIN_ENOBUFS && is_last)
            request->queue->cut = request; /* it sent nothing, and can be repeated */
        else if (socket->is_stream)
            request->queue->send_failure = failed;
        memwin__done(request, failed, 0);
        return true;
    }
    if (socket->is_stream) return memwin__send_bytes(request);
    memwin__send_datagram(request);
    return true;
}

void memwin_rio_serve(struct memwin_rq *queue)
{
    struct memwin_request *request;

    if (!queue->socket) return;
    while ((request = memwin__next(&queue->receives)) != NULL)
        if (!(queue->socket->is_stream ? memwin__receive_bytes(request)
                                       : memwin__receive_datagram(request)))
            break;
    if (queue->socket->is_stream) memwin__serve_acknowledged(queue);
    while ((request = memwin__next(&queue->sends)) != NULL)
        if (!memwin__send_one(request)) break;
}

static void memwin__abort_all(const struct list *requests)
{
    struct memwin_request *request;

    while ((request = memwin__first(requests)) != NULL)
        memwin__done(request, memwin_status_aborted(), 0);
}

bool memwin_rio_sends(const struct memwin_rq *queue)
{
    return !list_is_empty(&queue->sends.requests) || !list_is_empty(&queue->unacknowledged);
}

/* Completes all outstanding requests, committed or not. */
void memwin_rio_closed(struct memwin_rq *queue)
{
    memwin__abort_all(&queue->receives.requests);
    memwin__abort_all(&queue->unacknowledged); /* the peer may have their bytes */
    memwin__abort_all(&queue->sends.requests);
    queue->socket = NULL;
    memwin__release_later(queue);
}

/* ---- the functions ---- */

static struct memwin_locked memwin__locked;

struct memwin_locked memwin_locked(void)
{
    return memwin__locked;
}

static uint64_t memwin__page_bytes(const struct memwin_buffer *buffer)
{
    const uintptr_t page_bytes = 4096, start = (uintptr_t)buffer->bytes;
    uintptr_t end = (start + buffer->length + page_bytes - 1) / page_bytes * page_bytes;

    return end - start / page_bytes * page_bytes;
}

static rio_buffer_id RIO_CALL memwin__register(void *bytes, uint32_t length)
{
    if (memwin_fault(MEMWIN_REGISTER) != 0) return RIO_NO_BUFFER;
    struct memwin_buffer *buffer = wire_memory(1, sizeof *buffer);
    *buffer = (struct memwin_buffer){bytes, length};
    memwin__locked.bytes += memwin__page_bytes(buffer);
    memwin__locked.registrations++;
    return (rio_buffer_id)(void *)buffer;
}

static void RIO_CALL memwin__deregister(rio_buffer_id id)
{
    struct memwin_buffer *buffer = (struct memwin_buffer *)(void *)id;

    if (id == RIO_NO_BUFFER) return;
    memwin__locked.bytes -= memwin__page_bytes(buffer);
    memwin__locked.registrations--;
    wire_memory_free(buffer);
}

static rio_cq RIO_CALL memwin__create_cq(uint32_t size, const struct rio_notification *notification)
{
    if (memwin_fault(MEMWIN_CREATE_CQ) != 0) return RIO_NO_CQ;
    require(notification->type == RIO_NOTIFY_BY_PORT);
    struct memwin_cq *cq = wire_memory(1, sizeof *cq);
    cq->is_open = true;
    cq->size = size;
    list_init(&cq->results);
    list_init(&cq->closed);
    cq->port = (struct memwin_port *)notification->port.port;
    cq->key = (uintptr_t)notification->port.key;
    cq->overlapped = notification->port.overlapped;
    return (rio_cq)(void *)cq;
}

static struct memwin_cq *memwin__cq(rio_cq id)
{
    struct memwin_cq *cq = (struct memwin_cq *)(void *)id;

    require(cq->is_open);
    return cq;
}

static void RIO_CALL memwin__close_cq(rio_cq id)
{
    struct memwin_cq *cq = memwin__cq(id);

    require(list_is_empty(&cq->results));
    while (!list_is_empty(&cq->closed)) {
        struct memwin_rq *queue = weir_container_of(cq->closed.next, struct memwin_rq, closed);
        wire_timer_stop(memwin_simulation, &queue->release);
        memwin__released(&queue->release);
    }
    require(cq->reserved == 0);
    wire_memory_free(cq);
}

static rio_bool RIO_CALL memwin__resize_cq(rio_cq id, uint32_t size)
{
    struct memwin_cq *cq = memwin__cq(id);

    if (memwin_fault(MEMWIN_RESIZE_CQ) != 0) return 0;
    if (size < cq->reserved) return memwin__refuse(WIN_ETOOMANYREFS);
    cq->size = size;
    return 1;
}

static rio_rq RIO_CALL memwin__create_rq(uintptr_t number, uint32_t receives_max,
                                         uint32_t receive_pieces_max, uint32_t sends_max,
                                         uint32_t send_pieces_max, rio_cq receive_cq,
                                         rio_cq send_cq, void *context)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    struct memwin_cq *cq = memwin__cq(receive_cq);

    require(receive_cq == send_cq && receive_pieces_max == 1 && send_pieces_max == 1);
    require(!socket->queue && (!socket->is_stream || socket->is_usable));
    if (memwin_fault(MEMWIN_CREATE_RQ) != 0) return RIO_NO_RQ;
    if (!socket->is_registered) {
        memwin__refuse(WIN_EOPNOTSUPP);
        return RIO_NO_RQ;
    }
    if (cq->reserved + receives_max + sends_max > cq->size) {
        memwin__refuse(WIN_ENOBUFS);
        return RIO_NO_RQ;
    }
    cq->reserved += receives_max + sends_max;
    struct memwin_rq *queue = wire_memory(1, sizeof *queue);
    queue->socket = socket;
    queue->cq = cq;
    queue->context = context;
    queue->receives.max = receives_max;
    queue->sends.max = sends_max;
    list_init(&queue->closed);
    list_init(&queue->receives.requests);
    list_init(&queue->sends.requests);
    list_init(&queue->unacknowledged);
    socket->queue = queue;
    return (rio_rq)(void *)queue;
}

static rio_bool RIO_CALL memwin__resize_rq(rio_rq id, uint32_t receives_max, uint32_t sends_max)
{
    struct memwin_rq *queue = (struct memwin_rq *)(void *)id;
    struct memwin_cq *cq = queue->cq;
    uint32_t old = queue->receives.max + queue->sends.max, new = receives_max + sends_max;

    require(queue->socket != NULL);
    if (memwin_fault(MEMWIN_RESIZE_RQ) != 0) return 0;
    if (receives_max < queue->receives.charged || sends_max < queue->sends.charged)
        return memwin__refuse(WIN_ETOOMANYREFS);
    if (cq->reserved - old + new > cq->size) return memwin__refuse(WIN_ENOBUFS);
    cq->reserved += new - old;
    queue->receives.max = receives_max;
    queue->sends.max = sends_max;
    return 1;
}

static uint32_t RIO_CALL memwin__dequeue(rio_cq id, struct rio_result *results,
                                         uint32_t results_max)
{
    struct memwin_cq *cq = memwin__cq(id);
    uint32_t count = 0;
    struct list *node;

    if (memwin_fault(MEMWIN_DEQUEUE) != 0) return RIO_CQ_CORRUPT;
    while (count < results_max && (node = list_take_first(&cq->results)) != NULL) {
        struct memwin_request *request = weir_container_of(node, struct memwin_request, on);
        struct memwin_rq *queue = request->queue;
        results[count++] = request->result;
        if ((request->flags & RIO_DONT_NOTIFY) == 0) cq->notifying_count--;
        if (queue->cut == request) queue->cut = NULL;
        --*(request->is_send ? &queue->sends.charged : &queue->receives.charged);
        wire_memory_free(request);
        memwin__release_later(queue);
    }
    return count;
}

static int RIO_CALL memwin__notify(rio_cq id)
{
    struct memwin_cq *cq = memwin__cq(id);
    int failed = memwin_fault(MEMWIN_NOTIFY);

    if (failed != 0) return failed;
    if (cq->is_armed) return WIN_EALREADY;
    cq->is_armed = true;
    /* Fires immediately if there are results, and sometimes without any. */
    if (cq->notifying_count > 0 || memwin_chance(16)) memwin__fire(cq);
    return 0;
}

/* ---- posting ---- */

static uint8_t *memwin__slice(const struct rio_piece *piece)
{
    const struct memwin_buffer *buffer = (const struct memwin_buffer *)(const void *)piece->id;

    require((uint64_t)piece->offset + piece->length <= buffer->length);
    return buffer->bytes + piece->offset;
}

static void memwin__commit(struct memwin_direction *direction)
{
    for (struct list *at = direction->requests.next; at != &direction->requests; at = at->next)
        weir_container_of(at, struct memwin_request, on)->may_start = true;
}

static int memwin__commit_only(struct memwin_rq *queue, struct memwin_direction *direction)
{
    if (memwin_fault(MEMWIN_COMMIT) != 0) return 0;
    memwin__commit(direction);
    memwin_rio_serve(queue);
    return 1;
}

static struct memwin_request *memwin__add_request(struct memwin_rq *queue, bool is_send,
                                                  const struct rio_piece *data,
                                                  const struct rio_piece *remote,
                                                  const struct rio_piece *control)
{
    static uint8_t nothing;
    struct memwin_direction *direction = is_send ? &queue->sends : &queue->receives;
    struct memwin_request *request = wire_memory(1, sizeof *request);

    if (is_send && queue->cut) queue->send_failure = WIN_ECONNABORTED;
    direction->charged++;
    list_init(&request->on);
    request->queue = queue;
    request->is_send = is_send;
    request->piece = (struct win_piece){0, &nothing};
    if (data) request->piece = (struct win_piece){data->length, memwin__slice(data)};
    if (remote) request->remote = memwin__slice(remote);
    if (control) request->control = memwin__slice(control);
    list_add_last(&direction->requests, &request->on);
    return request;
}

static int memwin__post(rio_rq id, bool is_send, const struct rio_piece *data,
                        const struct rio_piece *remote, const struct rio_piece *control,
                        uint32_t flags, void *context)
{
    struct memwin_rq *queue = (struct memwin_rq *)(void *)id;

    require(queue && queue->socket); /* the queue ended with its socket */
    struct memwin_direction *direction = is_send ? &queue->sends : &queue->receives;
    if (flags == RIO_COMMIT_ONLY) return memwin__commit_only(queue, direction);
    int failed = memwin_fault(MEMWIN_POST);
    if (failed != 0 && failed != WIN_IO_PENDING) return 0;
    if (direction->charged == direction->max) return memwin__refuse(WIN_ENOBUFS);
    struct memwin_request *request = memwin__add_request(queue, is_send, data, remote, control);
    request->context = context;
    request->flags = flags;
    if ((flags & RIO_DEFER) == 0 || memwin_chance(8))
        memwin__commit(direction); /* allowed before the commit */
    memwin_rio_serve(queue);
    return failed == 0;
}

static rio_bool RIO_CALL memwin__rio_receive(rio_rq id, const struct rio_piece *data,
                                             uint32_t count, uint32_t flags, void *context)
{
    (void)count;
    return memwin__post(id, false, data, NULL, NULL, flags, context);
}

static int RIO_CALL memwin__receive_ex(rio_rq id, const struct rio_piece *data, uint32_t count,
                                       const struct rio_piece *local,
                                       const struct rio_piece *remote,
                                       const struct rio_piece *control,
                                       const struct rio_piece *out_flags, uint32_t flags,
                                       void *context)
{
    require(!local && !out_flags && count <= 1);
    return memwin__post(id, false, data, remote, control, flags, context);
}

static rio_bool RIO_CALL memwin__rio_send(rio_rq id, const struct rio_piece *data, uint32_t count,
                                          uint32_t flags, void *context)
{
    (void)count;
    return memwin__post(id, true, data, NULL, NULL, flags, context);
}

static rio_bool RIO_CALL memwin__send_ex(rio_rq id, const struct rio_piece *data, uint32_t count,
                                         const struct rio_piece *local,
                                         const struct rio_piece *remote,
                                         const struct rio_piece *control,
                                         const struct rio_piece *out_flags, uint32_t flags,
                                         void *context)
{
    require(!local && !out_flags && count <= 1);
    return memwin__post(id, true, data, remote, control, flags, context);
}

int memwin_load_rio(win_socket socket, struct rio_table *table, uint32_t *bytes)
{
    int os_error = memwin_fault(MEMWIN_LOAD_RIO);

    require(memwin_socket_of(socket)->is_registered);

    if (os_error != 0) return os_error;
    *bytes = sizeof *table;
    *table = (struct rio_table){sizeof *table,      memwin__rio_receive, memwin__receive_ex,
                                memwin__rio_send,   memwin__send_ex,     memwin__close_cq,
                                memwin__create_cq,  memwin__create_rq,   memwin__dequeue,
                                memwin__deregister, memwin__notify,      memwin__register,
                                memwin__resize_cq,  memwin__resize_rq};
    return 0;
}
