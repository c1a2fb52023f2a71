/* SPDX-License-Identifier: MIT */
/* rio_queue.c - the completion queue, request queues, posted requests and their completions.
 *
 * A request queue reserves its entries in the completion queue when it is created. The system
 * returns them some time after the socket was closed. Therefore the completion queue is kept a
 * quarter larger than the reserved entries. If creating a request queue still fails, the completion
 * queue grows and the creation is retried (contract Q3, Q11).
 *
 * Ownership: the rio_net owns the completion queue and the port, each rio_entry its request queue,
 * each pool buffer its registrations.
 */
#include "rio_queue.h"

#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "net_failure.h"

#define RIO_QUEUE__SIZE_FIRST 4096u
#define RIO_QUEUE__GROWTHS_MAX 4

/* ---- pools: one registration per buffer, so that a received buffer can be sent ---- */

static rio_buffer_id rio_queue__register(const struct rio_net *system, uint8_t *bytes,
                                         uint32_t length)
{
    return system->provider->table->register_buffer(bytes, length);
}

static void rio_queue__remove(void *context, struct pool_buffer *buffer)
{
    const struct rio_net *system = context;

    for (int i = 0; i < 2; i++) {
        if (!buffer->registrations[i]) continue;
        system->provider->table->deregister((rio_buffer_id)buffer->registrations[i]);
        buffer->registrations[i] = NULL;
    }
}

/* The margin has a separate registration. No documentation allows a send to name one registration
 * both for its data and for its address (contract B10). */
static bool rio_queue__add(void *context, struct pool_buffer *buffer)
{
    const struct rio_net *system = context;
    bool addressed = buffer->pool == &system->net->datagram_pool;
    rio_buffer_id id = rio_queue__register(system, buffer->start, buffer->pool->buffer_bytes);

    weir_check(!buffer->registrations[0]);
    if (id == RIO_NO_BUFFER) return false;
    buffer->registrations[0] = id;
    if (!addressed) return true;
    id = rio_queue__register(system, pool_margin(buffer), POOL_MARGIN_BYTES);
    if (id != RIO_NO_BUFFER) {
        buffer->registrations[1] = id;
        return true;
    }
    rio_queue__remove(context, buffer);
    return false;
}

static bool rio_queue__register_pools(struct rio_net *system)
{
    const struct pool_registrar registrar = {rio_queue__add, rio_queue__remove, system};

    if (!pool_register(&system->net->stream_pool, &registrar)) return false;
    if (pool_register(&system->net->datagram_pool, &registrar)) return true;
    pool_unregister(&system->net->stream_pool);
    return false;
}

/* ---- the completion queue ---- */

enum weir_code rio_queue_open(struct rio_net *system, struct weir_error *error)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};
    int os_error = win_system->port_open(&system->port);

    if (os_error != 0)
        return error_fill(error, error_winsock_code(os_error), os_error, "open a completion port",
                          NULL, NULL, "free some memory");
    notification.port.port = (void *)system->port;
    notification.port.key = (void *)(uintptr_t)RIO_KEY_NOTIFY;
    notification.port.overlapped = &system->notified;
    system->queue = system->provider->table->create_cq(RIO_QUEUE__SIZE_FIRST, &notification);
    if (system->queue == RIO_NO_CQ) {
        os_error = win_system->last_error();
        win_system->port_close(system->port);
        return error_fill(error, WEIR_NO_MEMORY, os_error, "make a completion queue", NULL, NULL,
                          "free some memory, or lower the number of workers");
    }
    system->queue_size = RIO_QUEUE__SIZE_FIRST;
    if (rio_queue__register_pools(system)) return WEIR_OK;
    os_error = win_system->last_error();
    system->provider->table->close_cq(system->queue);
    win_system->port_close(system->port);
    return error_fill(error, WEIR_NO_MEMORY, os_error, "register buffers", NULL,
                      "the system will not lock so much memory",
                      "lower the number of workers or the size of buffers, or free some memory");
}

/* Closes the queue before the buffers, and the port after the queue (contract X11). */
void rio_queue_close(struct rio_net *system)
{
    weir_check(system->queue_reserved == 0);
    system->provider->table->close_cq(system->queue);
    pool_unregister(&system->net->stream_pool);
    pool_unregister(&system->net->datagram_pool);
    win_system->port_close(system->port);
}

static bool rio_queue__grow(struct rio_net *system, uint32_t size)
{
    if (size > RIO_CQ_SIZE_MAX) size = RIO_CQ_SIZE_MAX;
    if (size <= system->queue_size) return true; /* create_rq reports whether it fits */
    if (!system->provider->table->resize_cq(system->queue, size)) return false;
    system->queue_size = size;
    return true;
}

/* ---- request queues ---- */

/* Returns the error of a table function that failed. A failure without an error counts as a
 * shortage, because 0 means success to the caller. */
static int rio_queue__failure(void)
{
    int os_error = win_system->last_error();

    return os_error == 0 ? WIN_ENOBUFS : os_error;
}

/* Grows the completion queue by half when less than a quarter would be spare, so that it rarely
 * grows. Returns false if the counted entries do not fit. */
static bool rio_queue__make_room(struct rio_net *system, uint32_t needed)
{
    if (needed + needed / 4 <= system->queue_size) return true;
    return rio_queue__grow(system, needed + needed / 2) || needed <= system->queue_size;
}

int rio_queue_attach(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                     uint32_t sends_max)
{
    uint32_t entries = receives_max + sends_max;
    uint32_t needed = system->queue_reserved + entries;
    int os_error = WIN_ENOBUFS;

    weir_check(entry->socket != WIN_NO_SOCKET);
    weir_check(entry->queue == RIO_NO_RQ);
    for (int growths = 0; growths < RIO_QUEUE__GROWTHS_MAX; growths++) {
        /* The queue grows by half when less than a quarter is spare, so that it rarely grows. If
         * it cannot grow, the counted entries might still fit. */
        bool grown = needed + needed / 4 <= system->queue_size ||
                     rio_queue__grow(system, needed + needed / 2);
        if (!grown && needed > system->queue_size) return rio_queue__failure();
        entry->queue = system->provider->table->create_rq(entry->socket, receives_max, 1, sends_max,
                                                          1, system->queue, system->queue, entry);
        if (entry->queue != RIO_NO_RQ) {
            entry->queue_entries = entries;
            system->queue_reserved += entries;
            return 0;
        }
        os_error = rio_queue__failure();
        if (os_error != WIN_ENOBUFS || !grown) return os_error;
        needed = system->queue_size; /* closed queues still hold reserved entries */
    }
    return os_error;
}

int rio_queue_grow(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                   uint32_t sends_max)
{
    uint32_t entries = receives_max + sends_max;
    uint32_t needed = system->queue_reserved - entry->queue_entries + entries;

    weir_check(entry->queue != RIO_NO_RQ);
    weir_check(entries > entry->queue_entries);
    if (!rio_queue__make_room(system, needed)) return rio_queue__failure();
    if (!system->provider->table->resize_rq(entry->queue, receives_max, sends_max))
        return rio_queue__failure();
    entry->queue_entries = entries;
    system->queue_reserved = needed;
    return 0;
}

void rio_queue_detach(struct rio_net *system, struct rio_entry *entry)
{
    rio_rq queue = entry->queue;
    win_socket socket = entry->socket;

    weir_check(queue != RIO_NO_RQ);
    weir_check(socket != WIN_NO_SOCKET);
    rio_queue_commit(system, entry); /* a request that is not committed might never complete */
    entry->receives_deferred = entry->sends_deferred = false;
    entry->queue = RIO_NO_RQ;
    entry->socket = WIN_NO_SOCKET;
    system->provider->close_socket(queue, socket);
}

void rio_queue_release(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->queue == RIO_NO_RQ);
    weir_check(entry->receives_out == 0);
    weir_check(entry->sends_out == 0);
    weir_check(system->queue_reserved >= entry->queue_entries);
    system->queue_reserved -= entry->queue_entries;
    entry->queue_entries = 0;
}

/* ---- requests ---- */

static struct rio_piece rio_queue__piece(struct net_buffer *buffer, uint32_t length)
{
    const struct pool_buffer *mine = pool_buffer_of(buffer);
    /* `bytes` can point anywhere, and pointers into different objects cannot be compared. */
    uintptr_t offset = (uintptr_t)buffer->bytes - (uintptr_t)mine->start;

    weir_check(length <= mine->pool->buffer_bytes);
    weir_check(offset <= mine->pool->buffer_bytes - length);
    return (struct rio_piece){(rio_buffer_id)mine->registrations[0], (uint32_t)offset, length};
}

static struct rio_piece rio_queue__margin_piece(struct net_buffer *buffer, uint32_t offset,
                                                uint32_t length)
{
    weir_check(offset + length <= POOL_MARGIN_BYTES);
    return (struct rio_piece){(rio_buffer_id)pool_buffer_of(buffer)->registrations[1], offset,
                              length};
}

static void *rio_queue__context(struct rio_entry *entry, struct net_buffer *buffer,
                                enum rio_request request)
{
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    weir_check(((uintptr_t)buffer & RIO_REQUEST_BITS) == 0);
    pool_buffer_of(buffer)->note = (uint64_t)entry->base.generation << 32 | entry->base.index;
    pool_touch(buffer); /* lets the thread sanitizer check a simulated system, too */
    return (void *)((uintptr_t)buffer | (uintptr_t)request);
}

/* Returns 0 if the request is outstanding, else the os_error. A failing call starts no request
 * (contract F13), but WSA_IO_PENDING might mean a started one. Treating it as outstanding is safe:
 * the system keeps the buffer until the socket is closed. */
static int rio_queue__outcome(rio_bool posted)
{
    int os_error = posted ? 0 : rio_queue__failure();

    return os_error == WIN_IO_PENDING ? 0 : os_error;
}

int rio_queue_post_receive(struct rio_net *system, struct rio_entry *entry,
                           struct net_buffer *buffer, bool addressed)
{
    const struct rio_table *table = system->provider->table;
    struct rio_piece data = rio_queue__piece(buffer, buffer->capacity);
    struct rio_piece remote =
        rio_queue__margin_piece(buffer, RIO_MARGIN_REMOTE, sizeof(struct win_sockaddr));
    struct rio_piece control =
        rio_queue__margin_piece(buffer, RIO_MARGIN_CONTROL, WIN_CONTROL_BYTES);
    void *context = rio_queue__context(entry, buffer, RIO_REQUEST_RECEIVE);

    weir_check(entry->queue != RIO_NO_RQ);
    weir_check(entry->receives_out + entry->sends_out < entry->queue_entries);
    weir_check(!addressed || pool_buffer_of(buffer)->pool == &system->net->datagram_pool);
    int os_error =
        rio_queue__outcome(addressed ? table->receive_ex(entry->queue, &data, 1, NULL, &remote,
                                                         &control, NULL, RIO_DEFER, context)
                                     : table->receive(entry->queue, &data, 1, RIO_DEFER, context));
    if (os_error != 0) return os_error;
    entry->receives_out++;
    entry->receives_deferred = true;
    return 0;
}

int rio_queue_post_send(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                        uint32_t remote_bytes, uint32_t control_bytes)
{
    const struct rio_table *table = system->provider->table;
    struct rio_piece data = rio_queue__piece(buffer, buffer->length);
    struct rio_piece remote = rio_queue__margin_piece(buffer, RIO_MARGIN_REMOTE, remote_bytes);
    struct rio_piece control = rio_queue__margin_piece(buffer, RIO_MARGIN_CONTROL, control_bytes);
    uint32_t count = buffer->length > 0; /* an empty datagram has no data piece (contract B15) */
    void *context = rio_queue__context(entry, buffer, RIO_REQUEST_SEND);

    weir_check(entry->queue != RIO_NO_RQ);
    weir_check(entry->receives_out + entry->sends_out < entry->queue_entries);
    weir_check(remote_bytes > 0 ? pool_buffer_of(buffer)->pool == &system->net->datagram_pool
                                : buffer->length > 0);
    int os_error = rio_queue__outcome(
        remote_bytes > 0
            ? table->send_ex(entry->queue, count ? &data : NULL, count, NULL, &remote,
                             control_bytes > 0 ? &control : NULL, NULL, RIO_DEFER, context)
            : table->send(entry->queue, &data, 1, RIO_DEFER, context));
    if (os_error != 0) return os_error;
    entry->sends_out++;
    entry->sends_deferred = true;
    return 0;
}

int rio_queue_commit(struct rio_net *system, struct rio_entry *entry)
{
    const struct rio_table *table = system->provider->table;
    int os_error = 0;

    weir_check(entry->queue != RIO_NO_RQ);
    weir_check(!entry->receives_deferred || entry->receives_out > 0);
    if (entry->receives_deferred && !table->receive(entry->queue, NULL, 0, RIO_COMMIT_ONLY, NULL))
        os_error = rio_queue__failure();
    if (entry->sends_deferred && !table->send(entry->queue, NULL, 0, RIO_COMMIT_ONLY, NULL))
        os_error = rio_queue__failure();
    entry->receives_deferred = entry->sends_deferred = false;
    return os_error;
}

/* ---- completions ---- */

uint32_t rio_queue_dequeue(struct rio_net *system, struct rio_result *results, uint32_t results_max)
{
    uint32_t count = system->provider->table->dequeue(system->queue, results, results_max);

    if (count <= results_max && count <= system->queue_reserved) return count;
    /* RIO_CORRUPT_CQ, or more results than requests: nothing that the queue says is true any
     * longer, so its completions never come. */
    net_failure_record(system->net, WEIR_SYSTEM, 0, "RIODequeueCompletion");
    return 0;
}

struct rio_completion rio_queue_completed(struct rio_net *system, const struct rio_result *result)
{
    uintptr_t context = (uintptr_t)result->request_context;
    enum rio_request request = (enum rio_request)(context & RIO_REQUEST_BITS);
    struct net_buffer *buffer = (struct net_buffer *)(context & ~(uintptr_t)RIO_REQUEST_BITS);
    uint64_t note = pool_buffer_of(buffer)->note;
    struct rio_entry *entry =
        rio_entry_of(handle_table_at(&system->net->handle_table, (uint32_t)note));

    weir_check_rule(entry->base.generation == (uint32_t)(note >> 32),
                    "a completion came for a handle that is closed");
    weir_check(entry->base.kind != HANDLE_FREE);
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    weir_check((uintptr_t)result->socket_context == (uintptr_t)entry);
    if (request == RIO_REQUEST_RECEIVE) {
        weir_check(entry->receives_out > 0);
        entry->receives_out--;
    } else {
        weir_check(request == RIO_REQUEST_SEND);
        weir_check(entry->sends_out > 0);
        entry->sends_out--;
    }
    return (struct rio_completion){entry, buffer, request, error_winsock_of_status(result->status),
                                   result->bytes};
}
