/* SPDX-License-Identifier: MIT */
/* epoll.c - the epoll transport: produces the events of completions from readiness, by trying the
 * calls.
 *
 * Every socket is registered once, edge-triggered for everything; the mask never changes. The
 * entry stores the readiness that the kernel reported, and the handle stores the flow that the
 * owner requested. An entry is on the `ready` list while it might have work, or on the `bulk` list
 * if its last receive filled a buffer:
 *
 *      kernel: readable ---+                    +-- owner: flow_on
 *                          v                    v
 *               readable && flow_on   or   unsent && writable   ->  on `ready`: one buffer per
 *                          |                                        iteration
 *              the pool is empty: the handle waits in buffer_waiters.c
 *
 * A short receive proves that a stream is empty: the next byte causes a new edge (epoll(7),
 * "Questions and answers" 9). There are two exceptions, a FIN after the data and urgent data inside
 * it. The event reports both (EPOLLRDHUP, EPOLLPRI), and then the socket is read until EAGAIN.
 *
 * net_send tries to send immediately, and usually returns the buffers to the pool while they are in
 * the cache. Memory: SYSTEM owns a buffer only while the rest of a send waits in `unsent`.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "datagram.h"
#include "error_fill.h"
#include "linux_calls.h"
#include "linux_endpoint.h"
#include "linux_socket.h"
#include "linux_wait.h"
#include "linux_wake.h"
#include "list.h"
#include "memory.h"
#include "net_failure.h"
#include "transport.h"
#include "transports_linux.h"

#define EPOLL__EVENTS_MAX 64
#define EPOLL__ACCEPTS_PER_WAIT 16 /* many new connections must not delay the open ones */
#define EPOLL__BULK_PER_WAIT 8u /* full buffers: what an iteration does with them is its length */
#define EPOLL__WAKE_NAME UINT64_MAX /* epoll data of the wake-up; no handle has it */
#define EPOLL__ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

struct epoll_entry {
    struct handle base;
    struct list ready; /* on system.ready or system.bulk while there might be work */
    int fd;
    bool readable;    /* the kernel might have bytes, FIN or connections */
    bool read_to_end; /* a short receive does not prove that nothing is left */
    bool writable;    /* the kernel might accept bytes */
    /* The kernel reported an error that no call has returned yet. Connecting: it has ended. */
    bool failed;
    struct net_buffer *unsent; /* the rest of the outstanding send; SYSTEM owns it */
};

struct epoll_system {
    int epoll_fd;
    int wake_fd;
    bool datagrams_first; /* datagram sockets get the room for events first; alternates */
    bool bulk_first;      /* `bulk` got the room for events before `ready`; alternates */
    bool woken;           /* NET_WOKEN is to be handed out */
    struct linux_wait wait;
    struct list ready;
    struct list bulk; /* streams that have much to receive: a few are served in each iteration */
    struct datagram_list datagrams;
    struct epoll_event events[EPOLL__EVENTS_MAX];
};

static struct epoll_entry *epoll__entry(struct handle *entry)
{
    return weir_container_of(entry, struct epoll_entry, base);
}

/* ---- names ---- */

static uint64_t epoll__name(const struct handle *entry)
{
    weir_check(entry->kind != HANDLE_FREE);
    return (uint64_t)entry->generation << 32 | entry->index;
}

static struct handle *epoll__named(struct net *net, uint64_t name)
{
    struct handle *entry = handle_table_at(&net->handle_table, (uint32_t)name);

    weir_check(entry->index == (uint32_t)name);
    bool current = entry->generation == (uint32_t)(name >> 32) && entry->kind != HANDLE_FREE &&
                   !entry->closing;

    return current ? entry : NULL;
}

/* ---- handles ---- */

static bool epoll__reads_nothing(const struct epoll_entry *entry)
{
    return !entry->base.flow_on || entry->base.peer_done || handle_waits(&entry->base);
}

/* Whether there might be something to receive or accept that the owner wants now. */
static inline bool epoll__receives(const struct epoll_entry *entry)
{
    return entry->readable && entry->base.flow_on && !handle_waits(&entry->base);
}

static inline bool epoll__has_work(const struct epoll_entry *entry)
{
    if (entry->base.broken) return entry->unsent && entry->writable;
    return epoll__receives(entry) || (entry->unsent && entry->writable) ||
           (entry->failed && epoll__reads_nothing(entry));
}

static inline void epoll__list_if_work(struct epoll_system *system, struct epoll_entry *entry)
{
    weir_check(!entry->base.closing);
    if (!list_has(&entry->ready) && epoll__has_work(entry))
        list_add_last(entry->base.is_bulk && epoll__receives(entry) ? &system->bulk
                                                                    : &system->ready,
                      &entry->ready);
}

static int epoll__register(struct epoll_system *system, struct epoll_entry *entry, int fd)
{
    struct epoll_event event = {.events = EPOLL__ALL, .data.u64 = epoll__name(&entry->base)};

    weir_check(fd >= 0);
    return epoll_ctl(system->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Registers the descriptor; closes it on failure. */
static enum weir_code epoll__own(struct net *net, struct epoll_entry *entry, int fd,
                                 struct weir_error *error)
{
    weir_check(fd >= 0);
    entry->fd = fd;
    list_init(&entry->ready);
    if (epoll__register(net->system, entry, fd) == 0) return WEIR_OK;
    int os_error = errno;
    close(fd);
    return error_fill(error, error_code_of_os(os_error), os_error, "watch a socket", NULL, NULL,
                      "raise fs.epoll.max_user_watches, or lower the number of connections");
}

/* ---- listen, accept, adopt ---- */

static enum weir_code epoll__listen(struct net *net, struct handle *base,
                                    const struct net_listen_options *options,
                                    struct weir_error *error)
{
    struct epoll_entry *entry = epoll__entry(base);
    int fd;

    weir_check(base->kind == HANDLE_LISTENER);
    struct linux_bound *bound = &linux_endpoint_of(&entry->base)->bound;
    enum weir_code code = linux_listen(options, true, &net->options, &fd, bound, error);

    if (code == WEIR_OK) code = epoll__own(net, entry, fd, error);
    if (code != WEIR_OK) linux_unix_remove(bound->file);
    return code;
}

static void epoll__accept(struct net *net, struct handle *base, bool on)
{
    weir_check(base->kind == HANDLE_LISTENER);
    (void)on; /* handle->flow_on has it; epoll__serve() ignores a listener that is off */
    epoll__list_if_work(net->system, epoll__entry(base));
}

static enum weir_code epoll__adopt(struct net *net, struct handle *base, struct net_socket socket,
                                   struct weir_error *error)
{
    weir_check(base->kind == HANDLE_CONNECTION);
    return epoll__own(net, epoll__entry(base), (int)socket.os_handle, error);
}

/* Tries to connect. A failure that the call reports is handed out by the next wait, as a later one.
 */
static void epoll__try_connect(struct net *net, struct epoll_entry *entry)
{
    struct linux_destination *to = entry->base.attempt;
    int os_error = connect(entry->fd, &to->sockaddr.any, to->length) == 0 ? 0 : errno;
    bool goes_on = os_error == EINPROGRESS || os_error == EINTR;

    weir_check(!entry->failed);
    if (os_error == EAGAIN) { /* Unix domain: the backlog is full */
        retries_add(net, &entry->base, HANDLE_SENDS, WEIR_NO_ROOM, os_error);
        return;
    }
    /* Not before the call, because an unconnected socket counts as ready. */
    if (epoll__register(net->system, entry, entry->fd) != 0) {
        os_error = errno;
        goes_on = false;
    }
    entry->failed = !goes_on;
    to->connect_error = goes_on ? 0 : os_error;
    epoll__list_if_work(net->system, entry);
}

static enum weir_code epoll__connect(struct net *net, struct handle *base,
                                     const struct net_connect_options *options,
                                     struct weir_error *error)
{
    struct epoll_entry *entry = epoll__entry(base);
    struct linux_destination *to;
    enum weir_code code = linux_open_connect(options, true, &net->options, &entry->fd, &to, error);

    weir_check(base->kind == HANDLE_CONNECTING);
    if (code != WEIR_OK) return code;
    base->attempt = to;
    list_init(&entry->ready);
    epoll__try_connect(net, entry);
    return WEIR_OK;
}

/* The attempt has been answered, or is cancelled. */
static void epoll__end_connect(struct epoll_entry *entry)
{
    memory_free(entry->base.attempt);
    entry->base.attempt = NULL;
}

static void epoll__refuse(struct net *net, struct net_socket socket)
{
    (void)net;
    close((int)socket.os_handle);
}

static void epoll__break(struct net *net, struct epoll_entry *entry, int os_error)
{
    weir_check(os_error != 0);
    entry->readable = false;
    entry->failed = false;
    event_batch_failed(net, &entry->base, NET_BROKEN, error_code_of_os(os_error), os_error);
}

/* The attempt to connect has ended. */
static void epoll__serve_connect(struct net *net, struct epoll_entry *entry)
{
    struct net_address local;
    const struct linux_destination *to = entry->base.attempt;
    int os_error = to->connect_error;
    socklen_t length = sizeof os_error;

    weir_check(entry->failed);
    entry->failed = false;
    if (os_error == 0) getsockopt(entry->fd, SOL_SOCKET, SO_ERROR, &os_error, &length);
    if (os_error == 0 && !linux_is_connected(entry->fd, &to->address, &local))
        os_error = ECONNREFUSED;
    epoll__end_connect(entry);
    if (os_error != 0)
        event_batch_failed(net, &entry->base, NET_BROKEN, linux_connect_code(os_error), os_error);
    else
        event_batch_add(net, &entry->base, NET_CONNECTED)->local = local;
}

/* Accepts one connection. Returns false if there is none for now. */
static bool epoll__accept_one(struct net *net, struct epoll_entry *entry)
{
    union linux_sockaddr sockaddr;
    socklen_t length = sizeof sockaddr;
    int fd = accept4(entry->fd, &sockaddr.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    weir_check(entry->base.flow_on);
    weir_check(!entry->base.broken);
    if (fd >= 0) {
        struct net_event *event = event_batch_add(net, &entry->base, NET_ACCEPTED);
        event->socket.os_handle = (uintptr_t)fd;
        event->peer = linux_peer_of(&sockaddr);
        return true;
    }
    if (errno == EAGAIN) {
        entry->readable = false;
    } else if (linux_is_listener_lost(errno)) {
        epoll__break(net, entry, errno);
    } else {
        int os_error = errno;
        if (linux_is_connection_lost(os_error)) answer_refused(net, &entry->base);
        return file_waiters_accept_failed(net, &entry->base, linux_is_scarce(os_error), os_error);
    }
    return false;
}

static void epoll__serve_listener(struct net *net, struct epoll_entry *entry)
{
    weir_check(entry->base.kind == HANDLE_LISTENER);
    for (int i = 0; i < EPOLL__ACCEPTS_PER_WAIT && event_batch_has_room(&net->batch); i++)
        if (!epoll__accept_one(net, entry)) return;
}

/* ---- receive, send, finish, close ---- */

static void epoll__receive(struct net *net, struct handle *base, bool on)
{
    struct epoll_system *system = net->system;
    struct epoll_entry *entry = epoll__entry(base);

    weir_check(base->flow_on == on);
    if (base->kind == HANDLE_DATAGRAM) return; /* datagram.c checks the flow */
    if (!on && !epoll__has_work(entry)) list_remove(&entry->ready);
    epoll__list_if_work(system, entry);
}

/* Receives one buffer. */
inlining_always void epoll__serve_receive(struct net *net, struct epoll_entry *entry)
{
    struct net_buffer *buffer = pool_take(&net->stream_pool, POOL_SYSTEM);

    weir_check(entry->base.kind == HANDLE_CONNECTION);
    weir_check(entry->base.flow_on);
    weir_check(!entry->base.peer_done);
    if (!buffer) {
        buffer_waiters_report(net, &entry->base);
        buffer_waiters_add(net, &entry->base);
        return;
    }
    pool_touch(buffer);
    ssize_t got = linux_recv(entry->fd, buffer->bytes, buffer->capacity);
    if (got > 0) {
        buffer->length = (uint32_t)got;
        if (buffer->length < buffer->capacity && !entry->read_to_end) entry->readable = false;
        event_batch_received(net, &entry->base, buffer);
        return;
    }
    int os_error = errno;
    pool_give_back(buffer, POOL_SYSTEM);
    if (got == 0) {
        entry->readable = false;
        event_batch_add(net, &entry->base, NET_PEER_DONE);
    } else if (os_error == EAGAIN) {
        entry->readable = false;
        entry->read_to_end = false;
        entry->base.is_bulk = false; /* what arrives next is not the rest of something large */
        handle_succeeded(&entry->base, HANDLE_RECEIVES);
    } else if (linux_passes(os_error)) {
        entry->readable = false; /* until epoll__retry() */
        retries_add(net, &entry->base, HANDLE_RECEIVES, error_code_of_os(os_error), os_error);
    } else {
        epoll__break(net, entry, os_error);
    }
}

/* Removes `taken` bytes from the front of `unsent`. Returns true if nothing is left. */
static bool epoll__advance(struct epoll_entry *entry, size_t taken)
{
    weir_check(entry->unsent != NULL);
    while (entry->unsent && taken >= entry->unsent->length) {
        struct net_buffer *done = entry->unsent;
        taken -= done->length;
        entry->unsent = done->next;
        pool_give_back(done, POOL_SYSTEM);
    }
    if (!entry->unsent) {
        weir_check(taken == 0);
        return true;
    }
    entry->unsent->bytes += taken;
    entry->unsent->length -= (uint32_t)taken;
    return false;
}

static void epoll__drop_unsent(struct epoll_entry *entry)
{
    uint32_t bytes = 0;

    weir_check(entry->unsent != NULL);
    while (entry->unsent) {
        struct net_buffer *next = entry->unsent->next;
        bytes += entry->unsent->length;
        pool_give_back(entry->unsent, POOL_SYSTEM);
        entry->unsent = next;
    }
    answer_count_unsent(&entry->base, bytes);
}

/* Several buffers, by one call. */
static ssize_t epoll__send_vector(struct epoll_entry *entry)
{
    struct iovec vector[NET_SEND_BUFFERS_MAX];
    struct msghdr message = {.msg_iov = vector};

    weir_check(entry->unsent->next != NULL);
    for (struct net_buffer *at = entry->unsent; at; at = at->next) {
        weir_check(message.msg_iovlen < NET_SEND_BUFFERS_MAX);
        pool_touch(at);
        vector[message.msg_iovlen++] = (struct iovec){at->bytes, at->length};
    }
    ssize_t sent = sendmsg(entry->fd, &message, MSG_NOSIGNAL);
    int os_error = errno;
    for (struct net_buffer *at = entry->unsent; at; at = at->next) pool_untouch(at);
    errno = os_error;
    return sent;
}

static inline ssize_t epoll__send_once(struct epoll_entry *entry)
{
    struct net_buffer *first = entry->unsent;

    weir_check(first != NULL);
    if (first->next) return epoll__send_vector(entry);
    pool_touch(first);
    ssize_t sent = linux_send(entry->fd, first->bytes, first->length);
    pool_untouch(first); /* leaves errno alone */
    return sent;
}

/* A call has sent this much, or failed with errno: answers the send if it is complete or failed.
 * Returns false if the rest waits. */
static bool epoll__sent(struct net *net, struct epoll_entry *entry, ssize_t sent)
{
    int os_error = errno;

    weir_check(entry->base.send_out);
    if (sent >= 0) {
        if (epoll__advance(entry, (size_t)sent)) answer_sent(net, &entry->base, WEIR_OK, 0);
        return true;
    }
    if (os_error == EAGAIN) {
        entry->writable = false;
        return false;
    }
    if (linux_passes(os_error)) {
        entry->writable = false; /* until epoll__retry() */
        retries_add(net, &entry->base, HANDLE_SENDS, error_code_of_os(os_error), os_error);
        return false;
    }
    epoll__drop_unsent(entry);
    answer_sent(net, &entry->base, error_code_of_os(os_error), os_error);
    return true;
}

/* Sends as much as the kernel accepts; answers the send if it is complete or failed. */
static void epoll__serve_send(struct net *net, struct epoll_entry *entry)
{
    while (entry->unsent)
        if (!epoll__sent(net, entry, epoll__send_once(entry))) return;
}

/* Sends one buffer, as most sends are: usually the kernel accepts all of it. */
static inline void epoll__send_one(struct net *net, struct epoll_entry *entry,
                                   struct net_buffer *buffer)
{
    pool_touch(buffer);
    ssize_t sent = linux_send(entry->fd, buffer->bytes, buffer->length);
    pool_untouch(buffer); /* leaves errno alone */
    if (sent == (ssize_t)buffer->length) {
        pool_give_back(buffer, POOL_SYSTEM);
        answer_sent(net, &entry->base, WEIR_OK, 0);
        return;
    }
    buffer->next = NULL;
    entry->unsent = buffer;
    entry->writable = true;
    if (epoll__sent(net, entry, sent)) epoll__serve_send(net, entry);
}

static void epoll__send(struct net *net, struct handle *base, struct net_buffer *const *buffers,
                        uint32_t count)
{
    struct epoll_entry *entry = epoll__entry(base);
    struct net_buffer **link = &entry->unsent;

    weir_check(base->kind == HANDLE_CONNECTION);
    weir_check(!entry->unsent);
    if (count == 1) {
        epoll__send_one(net, entry, buffers[0]);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        *link = buffers[i];
        link = &buffers[i]->next;
    }
    *link = NULL;
    entry->writable = true; /* unknown: the call itself reports EAGAIN */
    epoll__serve_send(net, entry);
}

/* What the failed call was for is unknown to the caller: both directions are tried. */
static void epoll__retry(struct net *net, struct handle *base)
{
    struct epoll_entry *entry = epoll__entry(base);

    if (base->kind == HANDLE_DATAGRAM) return; /* datagram.c is allowed to try again now */
    if (base->kind == HANDLE_CONNECTING) {
        epoll__try_connect(net, entry);
        return;
    }
    entry->readable = !base->peer_done;
    entry->writable = true;
    epoll__list_if_work(net->system, entry);
}

static void epoll__finish(struct net *net, struct handle *base)
{
    weir_check(!epoll__entry(base)->unsent);
    (void)net;
    /* Fails only if the peer is gone, which a receive reports. */
    shutdown(epoll__entry(base)->fd, SHUT_WR);
}

static void epoll__close(struct net *net, struct handle *base)
{
    struct epoll_system *system = net->system;
    struct epoll_entry *entry = epoll__entry(base);

    weir_check(base->closing);
    if (base->kind == HANDLE_DATAGRAM) {
        datagram_close(net, &linux_endpoint_of(&entry->base)->datagram, &system->datagrams);
        return;
    }
    list_remove(&entry->ready);
    if (entry->unsent) {
        epoll__drop_unsent(entry);
        answer_sent(net, base, WEIR_CANCELLED, ECANCELED);
    }
    if (base->kind == HANDLE_CONNECTING) epoll__end_connect(entry);
    /* The only descriptor of this file, so closing removes it from epoll. */
    if (base->kind == HANDLE_LISTENER)
        linux_close_listener(entry->fd, &linux_endpoint_of(&entry->base)->bound);
    else
        linux_close_stream(entry->fd, base->resets);
    answer_closed(net, base);
}

static struct net_progress epoll__progress(struct net *net, struct handle *base)
{
    uint32_t unsent_bytes = 0;

    (void)net;
    for (const struct net_buffer *at = epoll__entry(base)->unsent; at; at = at->next)
        unsent_bytes += at->length;
    return linux_progress(epoll__entry(base)->fd, base->finished, unsent_bytes);
}

static struct net_address epoll__local_address(struct net *net, struct handle *base)
{
    const struct epoll_entry *entry = epoll__entry(base);

    (void)net;
    weir_check(!base->closing);
    if (base->kind == HANDLE_CONNECTION) return linux_local_address_or_none(entry->fd);
    const struct linux_endpoint *endpoint = linux_endpoint_of(&entry->base);
    return base->kind == HANDLE_DATAGRAM ? endpoint->datagram.bound : endpoint->bound.address;
}

/* ---- datagrams ---- */

static enum weir_code epoll__bind(struct net *net, struct handle *base,
                                  const struct net_listen_options *options,
                                  struct weir_error *error)
{
    struct epoll_system *system = net->system;
    struct epoll_entry *entry = epoll__entry(base);
    struct datagram *datagram = &linux_endpoint_of(&entry->base)->datagram;
    enum weir_code code = datagram_open(net, base, datagram, &system->datagrams, options, error);

    weir_check(base->kind == HANDLE_DATAGRAM);
    if (code != WEIR_OK) return code;
    list_init(&entry->ready);
    if (epoll__register(system, entry, datagram->fd) != 0) {
        int os_error = errno;
        datagram_abandon(datagram, &system->datagrams);
        return error_fill(error, error_code_of_os(os_error), os_error, "watch a socket", NULL, NULL,
                          NULL);
    }
    return WEIR_OK;
}

static void epoll__send_to(struct net *net, struct handle *base, const struct net_address *peer,
                           const struct net_address *local, struct net_buffer *buffer,
                           uint32_t segment_bytes)
{
    weir_check(base->endpoint->datagrams_out > 0);
    datagram_send(net, &linux_endpoint_of(base)->datagram, peer, local, buffer, segment_bytes);
}

static bool epoll__is_own(struct net *net, struct handle *base, const struct net_address *address)
{
    weir_check(base->kind == HANDLE_DATAGRAM);
    return datagram_is_own(net, &linux_endpoint_of(base)->datagram, address);
}

/* ---- wait ---- */

static void epoll__resume(struct net *net, struct handle *base)
{
    weir_check(!handle_waits(base));
    epoll__list_if_work(net->system, epoll__entry(base));
}

static inline bool epoll__is_busy(struct net *net)
{
    struct epoll_system *system = net->system;

    if (buffer_waiters_any(&net->stream_waiters))
        buffer_waiters_release(net, &net->stream_waiters, pool_room(&net->stream_pool),
                               epoll__resume);
    if (system->woken || !list_is_empty(&system->ready) || !list_is_empty(&system->bulk))
        return true;
    return datagram_is_any_busy(net, &system->datagrams);
}

static void epoll__take_wake(struct epoll_system *system)
{
    uint64_t wakes;

    if (read(system->wake_fd, &wakes, sizeof wakes) == sizeof wakes) system->woken = true;
}

/* Records the readiness of a datagram socket. Returns false if the entry is none: it connects. */
static bool epoll__note_datagram(struct epoll_entry *entry, bool readable, bool writable)
{
    if (entry->base.kind != HANDLE_DATAGRAM) return false;
    struct datagram *datagram = &linux_endpoint_of(&entry->base)->datagram;
    weir_check(datagram->entry == &entry->base);
    datagram->readable |= readable;
    datagram->writable |= writable;
    return true;
}

/* Records a readiness event in its entry. */
static void epoll__note(struct net *net, const struct epoll_event *event)
{
    struct epoll_system *system = net->system;

    if (event->data.u64 == EPOLL__WAKE_NAME) {
        epoll__take_wake(system);
        return;
    }
    struct handle *base = epoll__named(net, event->data.u64);
    if (!base) return; /* closed since the kernel queued this */
    struct epoll_entry *entry = epoll__entry(base);
    /* Bytes have arrived, or there is room for some: all that most events say. */
    if ((event->events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) == 0 && base->kind == HANDLE_CONNECTION) {
        entry->readable |= (event->events & EPOLLIN) != 0 && !base->peer_done;
        entry->writable |= (event->events & EPOLLOUT) != 0;
        epoll__list_if_work(system, entry);
        return;
    }
    bool readable = (event->events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    bool writable = (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    if (base->kind >= HANDLE_DATAGRAM) { /* one comparison for established connections */
        if (epoll__note_datagram(entry, readable, writable)) return;
        entry->failed |= writable;
    }
    entry->readable |= readable && !base->peer_done;
    entry->writable |= writable;
    entry->read_to_end |= (event->events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    entry->failed |= (event->events & EPOLLERR) != 0;
    epoll__list_if_work(system, entry);
}

/* Reports an error on a connection that is not being read: no receive would find it. */
static void epoll__serve_failure(struct net *net, struct epoll_entry *entry)
{
    int os_error = 0;
    socklen_t length = sizeof os_error;

    weir_check(entry->failed);
    entry->failed = false;
    getsockopt(entry->fd, SOL_SOCKET, SO_ERROR, &os_error, &length);
    if (os_error != 0) epoll__break(net, entry, os_error);
}

/* Whether a connection has bytes to receive, and no other work: then it has none when it has
 * received all. */
static inline bool epoll__only_receives(const struct epoll_entry *entry)
{
    return entry->base.kind == HANDLE_CONNECTION && !entry->unsent && !entry->failed &&
           !entry->base.broken && epoll__receives(entry);
}

inlining_never void epoll__serve_any(struct net *net, struct epoll_entry *entry)
{
    weir_check(!entry->unsent || entry->base.send_out);
    if (entry->unsent && entry->writable) epoll__serve_send(net, entry);
    if (entry->base.broken) return;
    if (epoll__receives(entry)) {
        if (entry->base.kind == HANDLE_LISTENER)
            epoll__serve_listener(net, entry);
        else
            epoll__serve_receive(net, entry);
    } else if (entry->failed && epoll__reads_nothing(entry)) {
        if (entry->base.kind == HANDLE_CONNECTING)
            epoll__serve_connect(net, entry);
        else
            epoll__serve_failure(net, entry);
    }
}

static inline void epoll__serve(struct net *net, struct epoll_entry *entry)
{
    weir_check(!entry->base.closing);
    weir_check(entry->base.kind != HANDLE_DATAGRAM);
    bool only_receives = epoll__only_receives(entry);
    if (only_receives)
        epoll__serve_receive(net, entry);
    else
        epoll__serve_any(net, entry);
    if (!only_receives || entry->readable) epoll__list_if_work(net->system, entry);
}

/* Adds a few of the streams that have much to receive: the other entries would wait for all of
 * them. They come first in every other iteration, because either could use up the room. */
static void epoll__add_bulk(struct epoll_system *system, struct list *served)
{
    struct list few;

    weir_check(!list_is_empty(&system->bulk));
    list_init(&few);
    for (uint32_t i = 0; i < EPOLL__BULK_PER_WAIT && !list_is_empty(&system->bulk); i++)
        list_add_last(&few, list_take_first(&system->bulk));
    system->bulk_first = !system->bulk_first;
    if (system->bulk_first) list_append_all(&few, served);
    list_append_all(served, &few);
}

/* Serves each entry that was ready when the iteration began, once. A stream with endless data waits
 * behind the others. */
static void epoll__serve_ready(struct net *net)
{
    struct epoll_system *system = net->system;
    struct list served;

    weir_check(net->batch.events != NULL);
    if (list_is_empty(&system->ready) && list_is_empty(&system->bulk)) return;
    list_init(&served);
    list_append_all(&served, &system->ready);
    if (!list_is_empty(&system->bulk)) epoll__add_bulk(system, &served);
    while (event_batch_has_room(&net->batch)) {
        struct list *node = list_take_first(&served);
        if (!node) return;
        epoll__serve(net, weir_container_of(node, struct epoll_entry, ready));
    }
    list_append_all(&served, &system->ready); /* those not served stay in front */
    list_append_all(&system->ready, &served);
}

/* epoll_wait failed, for example because another part of the process closed the descriptor. */
static void epoll__wait_failed(struct net *net, uint64_t until_ns)
{
    const struct epoll_system *system = net->system;

    net->wait_began_ns = clock_now_ns();
    net_failure_hand_out(net);
    bool woken = linux_wait_for_wake(system->wake_fd, net->batch.count > 0 ? 0 : until_ns);
    net->now_ns = clock_now_ns();
    if (woken && event_batch_has_room(&net->batch)) event_batch_add(net, NULL, NET_WOKEN);
}

/* Returns false if the system refuses the wait from now on. */
static bool epoll__poll_failed(struct net *net, int os_error, uint64_t until_ns)
{
    struct epoll_system *system = net->system;
    bool passes =
        linux_wait_failed(net, &system->wait, os_error, system->wake_fd, until_ns, "epoll_wait");

    net->now_ns = clock_now_ns();
    epoll__take_wake(system);
    return passes;
}

/* Waits for readiness and records it. Returns false if the system refuses it from now on. */
static bool epoll__poll(struct net *net, uint64_t until_ns)
{
    struct epoll_system *system = net->system;

    /* net->now_ns is as old as the work since the last wait. */
    net->wait_began_ns = until_ns == NET_FOREVER ? NET_FOREVER : clock_now_ns();
    int timeout_ms = epoll__is_busy(net) ? 0 : linux_timeout_ms(net->wait_began_ns, until_ns);
    int count = epoll_wait(system->epoll_fd, system->events, EPOLL__EVENTS_MAX, timeout_ms);
    if (count < 0) return epoll__poll_failed(net, errno, until_ns);
    linux_wait_succeeded(&system->wait);
    net->now_ns = clock_now_ns();
    for (int i = 0; i < count; i++) epoll__note(net, &system->events[i]);
    return true;
}

static void epoll__wait(struct net *net, uint64_t until_ns)
{
    struct epoll_system *system = net->system;

    if (net->failed || !epoll__poll(net, until_ns)) {
        epoll__wait_failed(net, until_ns);
        return;
    }
    if (system->woken && event_batch_has_room(&net->batch)) {
        system->woken = false;
        event_batch_add(net, NULL, NET_WOKEN);
    }
    if (system->datagrams_first) datagram_serve_all(net, &system->datagrams);
    epoll__serve_ready(net);
    if (!system->datagrams_first) datagram_serve_all(net, &system->datagrams);
    system->datagrams_first = !system->datagrams_first;
}

static void epoll__wake(struct net *net)
{
    const struct epoll_system *system = net->system;

    linux_wake(system->wake_fd);
}

/* Events that were taken and not handed out are not reported by it: net_wait() was called until it
 * returned none. */
static int epoll__descriptor(struct net *net)
{
    const struct epoll_system *system = net->system;

    return system->epoll_fd;
}

/* ---- open, free ---- */

static enum weir_code epoll__fail(struct epoll_system *system, int os_error,
                                  struct weir_error *error)
{
    weir_check(os_error != 0);
    if (system && system->epoll_fd >= 0) close(system->epoll_fd);
    if (system && system->wake_fd >= 0) close(system->wake_fd);
    memory_free(system);
    return error_fill(error, error_code_of_os(os_error), os_error, "use epoll", NULL, NULL,
                      error_os_hint(os_error));
}

static enum weir_code epoll__open(struct net *net, struct weir_error *error)
{
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.u64 = EPOLL__WAKE_NAME};
    struct epoll_system *system = memory_alloc(sizeof *system);

    weir_check(!net->system);
    if (!system) return epoll__fail(NULL, ENOMEM, error);
    list_init(&system->ready);
    list_init(&system->bulk);
    system->wake_fd = -1;
    system->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (system->epoll_fd < 0) return epoll__fail(system, errno, error);
    system->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (system->wake_fd < 0) return epoll__fail(system, errno, error);
    if (epoll_ctl(system->epoll_fd, EPOLL_CTL_ADD, system->wake_fd, &wake) != 0)
        return epoll__fail(system, errno, error);
    net->system = system;
    net->now_ns = clock_now_ns();
    net->info.held_bytes_max = 0; /* unread data stays in the kernel */
    return WEIR_OK;
}

static void epoll__free(struct net *net)
{
    struct epoll_system *system = net->system;

    weir_check(list_is_empty(&system->ready));
    weir_check(list_is_empty(&system->bulk));
    weir_check(!system->datagrams.first);
    close(system->epoll_fd);
    close(system->wake_fd);
    memory_free(system);
}

static void epoll__keep_alive(struct net *net, struct handle *base)
{
    linux_keep_alive(epoll__entry(base)->fd, net->options.keepalive_ms);
}

const struct transport transport_epoll = {
    .name = "epoll",
    .listeners_share = true,
    .has_unix = true,
    .inherits_sockets = true,
    .entry_bytes = sizeof(struct epoll_entry),
    .endpoint_bytes = sizeof(struct linux_endpoint),
    .open = epoll__open,
    .free = epoll__free,
    .wake = epoll__wake,
    .descriptor = epoll__descriptor,
    .is_busy = epoll__is_busy,
    .listen = epoll__listen,
    .adopt = epoll__adopt,
    .connect = epoll__connect,
    .accept = epoll__accept,
    .keep_alive = epoll__keep_alive,
    .refuse = epoll__refuse,
    .receive = epoll__receive,
    .retry = epoll__retry,
    .send = epoll__send,
    .finish = epoll__finish,
    .close = epoll__close,
    .progress = epoll__progress,
    .local_address = epoll__local_address,
    .bind = epoll__bind,
    .send_to = epoll__send_to,
    .is_own = epoll__is_own,
    .wait = epoll__wait,
};
