/* SPDX-License-Identifier: MIT */
/* acceptex.c - listeners. Each listener keeps up to 64 AcceptEx calls pending.
 *
 *   one accept:  IDLE -> socket opened, AcceptEx posted -> OUT
 *                OUT  -> packet, success -> arrival_socket -> IDLE
 *                OUT  -> packet, failure -> socket closed, NET_REFUSED -> IDLE
 *
 * Ownership: the rio_entry owns its struct acceptor, and the acceptor owns all accepts. The system
 * uses an accept's OVERLAPPED and address area until the port returns its packet. A closing
 * listener therefore frees the acceptor only after the last packet.
 *
 * An accept receives no data (receive length 0), so a silent client does not occupy one. Pending
 * accepts can complete while accepting is off; arrivals.c buffers these connections. No accept is
 * posted while a connection is buffered, so at most ACCEPTEX__PENDING connections are buffered.
 *
 * Over Windows's own table both the listener and the accepted sockets are opened with
 * WSA_FLAG_REGISTERED_IO. Without the flag their request queues accept requests and never complete
 * them (contract S3, S4).
 */
#include "acceptex.h"

#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "memory.h"
#include "rio_socket.h"
#include "win_closing.h"
#include "win_listen_error.h"

#define ACCEPTEX__PENDING 64u /* per listener: connections that fit between two loop iterations */
#define ACCEPTEX__TRIES 4     /* per post, while AcceptEx reports that the client reset */
#define ACCEPTEX__FAILURES_MAX 16u /* consecutive failed packets before a delay */

enum acceptex__state { ACCEPTEX__IDLE, ACCEPTEX__OUT };

struct acceptex__entry {
    struct win_overlapped overlapped; /* first */
    struct acceptor *acceptor;
    enum acceptex__state state;
    win_socket socket;
    struct acceptex__entry *next; /* in the list of idle accepts */
    struct net_address peer;
    _Alignas(8) uint8_t area[WIN_ACCEPT_AREA_BYTES];
};

struct acceptor {
    struct rio_entry *entry;
    bool v4;
    struct net_address bound;
    uint32_t pending_count;
    bool failing; /* a cause that lasts: until one succeeds, one accept is posted at a time */
    struct acceptex__entry *idle;
    struct acceptex__entry entries[ACCEPTEX__PENDING];
};

/* ---- listen ---- */

static struct acceptor *acceptex__acceptor(struct rio_entry *entry, bool v4,
                                           const struct net_address *bound)
{
    struct acceptor *acceptor = memory_alloc(sizeof *acceptor);

    if (!acceptor) return NULL;
    acceptor->entry = entry;
    acceptor->v4 = v4;
    acceptor->bound = *bound;
    for (uint32_t i = ACCEPTEX__PENDING; i-- > 0;) {
        acceptor->entries[i].acceptor = acceptor;
        acceptor->entries[i].next = acceptor->idle;
        acceptor->idle = &acceptor->entries[i];
    }
    return acceptor;
}

enum weir_code acceptex_listen(struct rio_net *system, struct rio_entry *entry,
                               const struct net_listen_options *options, struct weir_error *error)
{
    bool v4, skips = false;
    struct net_address bound;

    weir_check(entry->socket == WIN_NO_SOCKET);
    int os_error = rio_socket_open_bound(system, options, true, &entry->socket, &v4);
    if (os_error == 0) os_error = win_system->socket_listen(entry->socket, options->backlog);
    if (os_error == 0) os_error = win_system->socket_local(entry->socket, &bound);
    if (os_error == 0)
        os_error = win_system->port_watch(system->port, entry->socket, RIO_KEY_ACCEPT, &skips);
    if (os_error != 0) {
        if (entry->socket != WIN_NO_SOCKET) closing_close(win_system, entry->socket);
        return win_listen_error(options, true, os_error, error);
    }
    entry->acceptor = acceptex__acceptor(entry, v4, &bound);
    if (entry->acceptor && !arrivals_open_listener(&entry->base, ACCEPTEX__PENDING)) {
        memory_free(entry->acceptor);
        entry->acceptor = NULL;
    }
    if (entry->acceptor) {
        rio_socket_report(system, RIO_SOCKET_LISTENER, entry->socket, WIN_NO_SOCKET);
        return WEIR_OK;
    }
    closing_close(win_system, entry->socket);
    return error_fill(error, WEIR_NO_MEMORY, 0, "listen", NULL, NULL, "free some memory");
}

struct net_address acceptex_address(const struct rio_entry *entry)
{
    weir_check(entry->acceptor->entry == entry);
    return entry->acceptor->bound;
}

/* ---- accepts ---- */

static void acceptex__make_idle(struct acceptor *acceptor, struct acceptex__entry *pending)
{
    weir_check(pending->state == ACCEPTEX__OUT);
    pending->state = ACCEPTEX__IDLE;
    pending->socket = WIN_NO_SOCKET;
    pending->next = acceptor->idle;
    acceptor->idle = pending;
}

/* Opens a socket and posts an accept with it. Returns 0 or the os_error. */
static int acceptex__post(struct rio_net *system, struct acceptor *acceptor)
{
    struct acceptex__entry *pending = acceptor->idle;
    weir_check(pending->state == ACCEPTEX__IDLE);
    weir_check(acceptor->pending_count < ACCEPTEX__PENDING);
    int os_error = rio_socket_open_for_accept(system, acceptor->v4, &pending->socket);
    if (os_error != 0) return os_error;
    rio_socket_report(system, RIO_SOCKET_STREAM, pending->socket, WIN_NO_SOCKET);
    pending->overlapped = (struct win_overlapped){0};
    for (int tries = 0; tries < ACCEPTEX__TRIES; tries++) {
        os_error = win_system->accept_post(acceptor->entry->socket, pending->socket, pending->area,
                                           &pending->overlapped);
        if (os_error != WIN_ECONNRESET) break; /* that client reset: try the next connection */
        answer_refused(system->net, &acceptor->entry->base);
    }
    if (os_error != 0 && os_error != WIN_IO_PENDING) {
        rio_socket_close(system, pending->socket);
        pending->socket = WIN_NO_SOCKET;
        return os_error;
    }
    if (system->provider->on_accept)
        system->provider->on_accept(true, pending->socket, &pending->overlapped,
                                    WIN_ACCEPT_ADDRESS_BYTES);
    acceptor->idle = pending->next;
    pending->next = NULL;
    pending->state = ACCEPTEX__OUT;
    acceptor->pending_count++;
    return 0;
}

static bool acceptex__can_post(const struct rio_entry *entry)
{
    if (entry->acceptor->failing && entry->acceptor->pending_count > 0) return false;
    return entry->base.flow_on && !entry->base.endpoint->stopping && !handle_waits(&entry->base) &&
           !handle_retries(&entry->base, HANDLE_RECEIVES) && !entry->base.broken &&
           !entry->base.closing && !arrivals_are_held(&entry->base) && entry->acceptor->idle;
}

static void acceptex__end_stop(struct rio_net *system, struct rio_entry *entry)
{
    struct handle *base = &entry->base;

    if (!base->endpoint->stopping || base->endpoint->stopped_ready || base->closing) return;
    if (entry->acceptor->pending_count > 0 || arrivals_are_held(base)) return;
    answer_stopped(system->net, base);
}

static void acceptex__list(struct rio_net *system, struct rio_entry *entry)
{
    if (entry->base.closing || list_has(&entry->listed)) return;
    weir_check(entry->base.kind == HANDLE_LISTENER);
    if (acceptex__can_post(entry)) rio_move_to(&system->ready, entry);
}

void acceptex_accept(struct rio_net *system, struct rio_entry *entry, bool on)
{
    weir_check(entry->base.flow_on == on);
    weir_check(!entry->base.broken);
    list_remove(&entry->listed);
    acceptex__list(system, entry);
    acceptex__end_stop(system, entry); /* everything held was handed out */
}

static bool acceptex__is_scarce(int os_error)
{
    enum weir_code code = error_winsock_code(os_error);

    return code == WEIR_NO_FILES || code == WEIR_NO_BUFFERS || code == WEIR_NO_MEMORY;
}

static void acceptex__break(struct rio_net *system, struct rio_entry *entry, int os_error)
{
    weir_check(!entry->base.broken);
    struct net_event *event = event_batch_add(system->net, &entry->base, NET_BROKEN);

    event->code = error_winsock_code(os_error);
    event->os_error = os_error;
}

/* Posts accepts until none is idle. After a failure, the accepts that are still pending serve
 * clients, and posting is retried later. If none is pending, file_waiters reports the failure. */
static void acceptex__refill(struct rio_net *system, struct rio_entry *entry)
{
    struct acceptor *acceptor = entry->acceptor;

    weir_check(acceptor->entry == entry);
    while (acceptex__can_post(entry)) {
        int os_error = acceptex__post(system, acceptor);
        if (os_error == 0) {
            if (!acceptor->failing) handle_succeeded(&entry->base, HANDLE_RECEIVES);
            continue;
        }
        if (acceptor->pending_count > 0)
            rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
        else if (!event_batch_has_room(&system->net->batch))
            rio_move_to(&system->ready, entry);
        else if (os_error == WIN_ENOTSOCK || os_error == WIN_EINVAL)
            acceptex__break(system, entry, os_error);
        else if (!file_waiters_accept_failed(system->net, &entry->base,
                                             acceptex__is_scarce(os_error), os_error))
            return;
        else
            rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
        return;
    }
}

void acceptex_serve(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(!entry->base.closing); /* a close removes the listener from the ready list */
    acceptex__refill(system, entry);
    acceptex__list(system, entry);
}

/* ---- packets ---- */

static void acceptex__end_close(struct rio_net *system, struct rio_entry *entry)
{
    if (!entry->base.closing || entry->acceptor->pending_count > 0) return;
    weir_check(entry->socket == WIN_NO_SOCKET);
    weir_check(!list_has(&entry->listed));
    memory_free(entry->acceptor);
    entry->acceptor = NULL;
    answer_closed(system->net, &entry->base);
}

/* Prepares the accepted socket. Returns 0 or the os_error: the client may have reset already. */
static int acceptex__finish(struct rio_net *system, struct rio_entry *entry,
                            struct acceptex__entry *pending)
{
    int os_error = error_winsock_of_status((int32_t)pending->overlapped.status);

    weir_check(pending->socket != WIN_NO_SOCKET);
    if (os_error != 0) return os_error;
    os_error =
        win_system->accept_finish(entry->socket, pending->socket, pending->area, &pending->peer);
    if (os_error != 0) return os_error;
    win_system->stream_options(pending->socket, system->net->options.keepalive_ms);
    rio_socket_report(system, RIO_SOCKET_ACCEPTED, pending->socket, entry->socket);
    return 0;
}

/* Whether the client ended its connection before it was accepted: the next one can be accepted. */
static bool acceptex__is_of_client(int os_error)
{
    return error_winsock_code(os_error) == WEIR_RESET;
}

/* A client's failure affects its connection only. Any other, and many in a row, have a cause that
 * lasts: accepts are posted again after a delay. */
static void acceptex__failed(struct rio_net *system, struct rio_entry *entry, int os_error)
{
    struct handle *base = &entry->base;

    weir_check(os_error != 0);
    if (os_error == WIN_OPERATION_ABORTED) return; /* cancelled: no connection was accepted */
    answer_refused(system->net, base);
    if (base->endpoint->stopping || base->closing) return;
    if (++base->endpoint->accept_failures < ACCEPTEX__FAILURES_MAX &&
        acceptex__is_of_client(os_error))
        return;
    entry->acceptor->failing = true;
    if (!handle_retries(base, HANDLE_RECEIVES))
        rio_retry_later(system, entry, HANDLE_RECEIVES, os_error);
}

/* Returns 0 if the packet's connection can be handed out, or the os_error. */
static int acceptex__outcome(struct rio_net *system, struct rio_entry *entry,
                             struct acceptex__entry *pending)
{
    if (!entry->base.closing) return acceptex__finish(system, entry, pending);
    int os_error = error_winsock_of_status((int32_t)pending->overlapped.status);
    return os_error != 0 ? os_error : WIN_ENOTSOCK; /* its listener is closed */
}

void acceptex_complete(struct rio_net *system, const struct win_packet *packet)
{
    struct acceptex__entry *pending = (struct acceptex__entry *)(void *)packet->overlapped;
    struct acceptor *acceptor = pending->acceptor;
    struct rio_entry *entry = acceptor->entry;

    weir_check(pending->state == ACCEPTEX__OUT);
    weir_check(entry->base.kind == HANDLE_LISTENER);
    weir_check(entry->acceptor == acceptor);
    weir_check(acceptor->pending_count > 0);
    acceptor->pending_count--;
    if (system->provider->on_accept)
        system->provider->on_accept(false, pending->socket, &pending->overlapped, 0);
    win_socket socket = pending->socket;
    int os_error = acceptex__outcome(system, entry, pending);
    acceptex__make_idle(acceptor, pending);
    if (os_error == 0) {
        acceptor->failing = false;
        handle_succeeded(&entry->base, HANDLE_RECEIVES);
        arrival_socket(system->net, &entry->base, socket, &pending->peer);
    } else {
        rio_socket_close(system, socket);
        acceptex__failed(system, entry, os_error);
    }
    acceptex__list(system, entry);
    acceptex__end_stop(system, entry);
    acceptex__end_close(system, entry);
}

/* ---- stop, close ---- */

void acceptex_stop(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.endpoint->stopping);
    list_remove(&entry->listed);
    /* An accept that has completed already keeps its status, so its connection is handed out. */
    win_system->cancel(entry->socket);
    acceptex__end_stop(system, entry);
}

void acceptex_abandon(struct rio_entry *entry)
{
    const struct acceptor *acceptor = entry->acceptor;

    list_remove(&entry->listed);
    for (uint32_t i = 0; i < ACCEPTEX__PENDING; i++)
        if (acceptor->entries[i].state == ACCEPTEX__OUT)
            closing_close(win_system, acceptor->entries[i].socket);
    if (entry->socket != WIN_NO_SOCKET) closing_close(win_system, entry->socket);
}

void acceptex_close(struct rio_net *system, struct rio_entry *entry)
{
    win_socket listener = entry->socket;

    weir_check(entry->base.closing);
    weir_check(listener != WIN_NO_SOCKET);
    list_remove(&entry->listed);
    entry->socket = WIN_NO_SOCKET;
    rio_socket_close(system, listener); /* completes its pending accepts with an error */
    acceptex__end_close(system, entry);
}
