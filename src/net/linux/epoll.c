/* SPDX-License-Identifier: MIT */
/* epoll.c - the transport over readiness: the same events as from completions, made by trying the
 * calls.
 *
 * Every socket is registered once, edge-triggered for everything; the mask never changes. What the
 * kernel says is kept as bits in the slot, and what its owner wants is the slot's flow; a slot
 * stands on the `ready` list exactly when there may be something to do for it:
 *
 *      kernel: readable ---+                    +-- wanted (flow_on)
 *                          v                    v
 *               readable && flow_on   or   unsent && writable   ->  on `ready`: a buffer a turn
 *                          |
 *              the pool is dry: on `dry` for that, until a buffer comes back
 *
 * A stream is drained when a receive comes back short: the next byte makes a new edge (epoll(7),
 * "Questions and answers" 9). Two things break that rule, an end behind the data and urgent data in
 * its middle; both are announced in the event (EPOLLRDHUP, EPOLLPRI), and then the socket is read
 * until it says so itself.
 *
 * A send is tried at once in net_send; its buffers are back in the pool, still hot, before net_send
 * returns. Memory: a buffer belongs to the system only while the rest of a send waits in `unsent`.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "datagram.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "list.h"
#include "memory.h"
#include "transport.h"
#include "transports_linux.h"
#include "wall.h"

#define EPOLL__EVENTS_MAX 64
#define EPOLL__ACCEPTS_A_TURN 16    /* so that a flood of connects does not starve the connected */
#define EPOLL__WAKE_NAME UINT64_MAX /* the wake-up's epoll data; no slot has it */
#define EPOLL__ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

struct epoll_slot {
    struct ledger_slot base;
    struct list ready; /* on system.ready: there may be something to do */
    struct list dry;   /* on system.dry: it would receive if there were a buffer */
    int fd;
    bool readable;             /* the kernel may have bytes, an end or connections for us */
    bool read_to_end;          /* a short receive does not prove that nothing is left */
    bool writable;             /* the kernel may take bytes */
    bool failed;               /* the kernel reported an error that no call has returned yet */
    struct net_buffer *unsent; /* what is left of the send that is out; SYSTEM's */
    struct datagram datagram;  /* of a datagram socket */
};

struct epoll_system {
    int epoll_fd;
    int wake_fd;
    bool datagrams_first; /* whose turn it is to have the events' room first */
    bool woken;           /* a wake-up came that no event has told of yet */
    struct list ready, dry;
    struct datagram_list datagrams;
    struct epoll_event events[EPOLL__EVENTS_MAX];
};

static struct epoll_slot *epoll__slot(struct ledger_slot *slot)
{
    return weir_container_of(slot, struct epoll_slot, base);
}

/* ---- names ---- */

static uint64_t epoll__name(const struct ledger_slot *slot)
{
    return (uint64_t)slot->generation << 32 | slot->index;
}

static struct ledger_slot *epoll__named(struct net *net, uint64_t name)
{
    struct ledger_slot *slot = ledger_at(&net->ledger, (uint32_t)name);
    bool current =
        slot->generation == (uint32_t)(name >> 32) && slot->kind != LEDGER_FREE && !slot->closing;

    return current ? slot : NULL;
}

/* ---- handles ---- */

static bool epoll__nobody_reads(const struct epoll_slot *slot)
{
    return !slot->base.flow_on || slot->base.peer_done || list_has(&slot->dry);
}

static bool epoll__has_work(const struct epoll_slot *slot)
{
    if (slot->base.starved || slot->base.broken) return slot->unsent && slot->writable;
    return (slot->readable && slot->base.flow_on && !list_has(&slot->dry)) ||
           (slot->unsent && slot->writable) || (slot->failed && epoll__nobody_reads(slot));
}

static void epoll__list_if_work(struct epoll_system *system, struct epoll_slot *slot)
{
    if (!list_has(&slot->ready) && epoll__has_work(slot))
        list_add_last(&system->ready, &slot->ready);
}

static int epoll__register(struct epoll_system *system, struct epoll_slot *slot, int fd)
{
    struct epoll_event event = {.events = EPOLL__ALL, .data.u64 = epoll__name(&slot->base)};

    return epoll_ctl(system->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Takes the descriptor in; on failure it is closed. */
static enum weir_code epoll__own(struct net *net, struct epoll_slot *slot, int fd,
                                 struct weir_error *error)
{
    slot->fd = fd;
    list_init(&slot->ready);
    list_init(&slot->dry);
    if (epoll__register(net->system, slot, fd) == 0) return WEIR_OK;
    int os_error = errno;
    close(fd);
    return error_fill(error, error_code_of_os(os_error), os_error, "watch a socket", NULL, NULL,
                      "raise fs.epoll.max_user_watches, or lower the number of connections");
}

/* ---- listen, accept, adopt ---- */

static enum weir_code epoll__listen(struct net *net, struct ledger_slot *base,
                                    const struct net_place *place, struct weir_error *error)
{
    int fd;
    enum weir_code code = linux_listen(place, true, net->options.keepalive_ms, &fd, error);

    return code == WEIR_OK ? epoll__own(net, epoll__slot(base), fd, error) : code;
}

static void epoll__accept(struct net *net, struct ledger_slot *base, bool on)
{
    (void)on; /* the flow is in the slot already; unwanted, it is passed over when its turn comes */
    epoll__list_if_work(net->system, epoll__slot(base));
}

static enum weir_code epoll__adopt(struct net *net, struct ledger_slot *base,
                                   struct net_socket socket, struct weir_error *error)
{
    return epoll__own(net, epoll__slot(base), (int)socket.os_handle, error);
}

static void epoll__refuse(struct net *net, struct net_socket socket)
{
    (void)net;
    close((int)socket.os_handle);
}

static void epoll__break(struct net *net, struct epoll_slot *slot, int os_error)
{
    slot->readable = false;
    slot->failed = false;
    list_remove(&slot->dry);
    struct net_event *event = ledger_event(net, &slot->base, NET_BROKEN);
    event->code = error_code_of_os(os_error);
    event->os_error = os_error;
}

/* One connection. False: there is no more to accept for now. */
static bool epoll__accept_one(struct net *net, struct epoll_slot *slot)
{
    union linux_sockaddr sockaddr;
    socklen_t length = sizeof sockaddr;
    int fd = accept4(slot->fd, &sockaddr.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        struct net_event *event = ledger_event(net, &slot->base, NET_ACCEPTED);
        event->socket.os_handle = (uintptr_t)fd;
        event->peer = linux_address_of(&sockaddr);
        return true;
    }
    if (errno == EAGAIN) {
        slot->readable = false;
    } else if (linux_is_listener_lost(errno)) {
        epoll__break(net, slot, errno);
    } else {
        return ledger_accept_failed(net, &slot->base, linux_is_scarce(errno), errno);
    }
    return false;
}

static void epoll__serve_listener(struct net *net, struct epoll_slot *slot)
{
    for (int i = 0; i < EPOLL__ACCEPTS_A_TURN && ledger_has_room(&net->ledger); i++)
        if (!epoll__accept_one(net, slot)) return;
}

/* ---- receive, send, finish, close ---- */

static void epoll__receive(struct net *net, struct ledger_slot *base, bool on)
{
    struct epoll_system *system = net->system;
    struct epoll_slot *slot = epoll__slot(base);

    if (base->kind == LEDGER_DATAGRAM) return; /* datagram_turn looks at the flow */
    if (!on) list_remove(&slot->dry);
    if (!on && !epoll__has_work(slot)) list_remove(&slot->ready);
    epoll__list_if_work(system, slot);
}

/* One buffer's worth. */
static void epoll__serve_receive(struct net *net, struct epoll_slot *slot)
{
    struct net_buffer *buffer = pool_take(&net->stream_pool, POOL_SYSTEM);

    if (!buffer) {
        ledger_buffers_scarce(net, &slot->base);
        return;
    }
    pool_touch(buffer);
    ssize_t got = recv(slot->fd, buffer->bytes, buffer->capacity, 0);
    int os_error = errno;
    if (got > 0) {
        buffer->length = (uint32_t)got;
        if (buffer->length < buffer->capacity && !slot->read_to_end) slot->readable = false;
        ledger_received(net, &slot->base, buffer);
        return;
    }
    pool_give_back(buffer, POOL_SYSTEM);
    if (got == 0) {
        slot->readable = false;
        ledger_event(net, &slot->base, NET_PEER_DONE);
    } else if (os_error == EAGAIN) {
        slot->readable = false;
        slot->read_to_end = false;
    } else if (os_error != EINTR) {
        epoll__break(net, slot, os_error);
    }
}

/* Drops what the kernel took from the front of the unsent; true when nothing is left. */
static bool epoll__advance(struct epoll_slot *slot, size_t taken)
{
    while (slot->unsent && taken >= slot->unsent->length) {
        struct net_buffer *done = slot->unsent;
        taken -= done->length;
        slot->unsent = done->next;
        pool_give_back(done, POOL_SYSTEM);
    }
    if (!slot->unsent) return true;
    slot->unsent->bytes += taken;
    slot->unsent->length -= (uint32_t)taken;
    return false;
}

static void epoll__drop_unsent(struct epoll_slot *slot)
{
    while (slot->unsent) {
        struct net_buffer *next = slot->unsent->next;
        pool_give_back(slot->unsent, POOL_SYSTEM);
        slot->unsent = next;
    }
}

static ssize_t epoll__send_once(struct epoll_slot *slot)
{
    struct iovec vector[NET_SEND_BUFFERS_MAX];
    struct msghdr message = {.msg_iov = vector};

    for (struct net_buffer *at = slot->unsent; at; at = at->next) {
        pool_touch(at);
        vector[message.msg_iovlen++] = (struct iovec){at->bytes, at->length};
    }
    ssize_t sent = message.msg_iovlen == 1
                       ? send(slot->fd, vector[0].iov_base, vector[0].iov_len, MSG_NOSIGNAL)
                       : sendmsg(slot->fd, &message, MSG_NOSIGNAL);
    int os_error = errno;
    for (struct net_buffer *at = slot->unsent; at; at = at->next) pool_untouch(at);
    errno = os_error;
    return sent;
}

/* Hands over what the kernel takes; answers the send when all is gone or the stream broke. */
static void epoll__serve_send(struct net *net, struct epoll_slot *slot)
{
    while (slot->unsent) {
        ssize_t sent = epoll__send_once(slot);
        if (sent >= 0) {
            if (epoll__advance(slot, (size_t)sent)) ledger_sent(net, &slot->base, WEIR_OK, 0);
        } else if (errno == EAGAIN) {
            slot->writable = false;
            return;
        } else if (errno != EINTR) {
            int os_error = errno;
            epoll__drop_unsent(slot);
            ledger_sent(net, &slot->base, error_code_of_os(os_error), os_error);
        }
    }
}

static void epoll__send(struct net *net, struct ledger_slot *base,
                        struct net_buffer *const *buffers, uint32_t count)
{
    struct epoll_slot *slot = epoll__slot(base);
    struct net_buffer **link = &slot->unsent;

    weir_check(!slot->unsent);
    for (uint32_t i = 0; i < count; i++) {
        *link = buffers[i];
        link = &buffers[i]->next;
    }
    *link = NULL;
    slot->writable = true; /* not known to be full: the call itself will say */
    epoll__serve_send(net, slot);
}

static void epoll__finish(struct net *net, struct ledger_slot *base)
{
    (void)net;
    shutdown(epoll__slot(base)->fd,
             SHUT_WR); /* fails only on a connection that is gone, which a receive tells */
}

static void epoll__close(struct net *net, struct ledger_slot *base)
{
    struct epoll_system *system = net->system;
    struct epoll_slot *slot = epoll__slot(base);

    if (base->kind == LEDGER_DATAGRAM) {
        datagram_close(net, &slot->datagram, &system->datagrams);
        return;
    }
    list_remove(&slot->ready);
    list_remove(&slot->dry);
    if (slot->unsent) {
        epoll__drop_unsent(slot);
        ledger_sent(net, base, WEIR_CANCELLED, ECANCELED);
    }
    close(slot->fd); /* leaves the epoll set with its last descriptor, and nobody else has one */
    ledger_closed(net, base);
}

static struct weir_address epoll__local_address(struct net *net, struct ledger_slot *base)
{
    struct epoll_slot *slot = epoll__slot(base);

    (void)net;
    return linux_local_address(base->kind == LEDGER_DATAGRAM ? slot->datagram.fd : slot->fd);
}

/* ---- datagrams ---- */

static enum weir_code epoll__bind(struct net *net, struct ledger_slot *base,
                                  const struct net_place *place, struct weir_error *error)
{
    struct epoll_system *system = net->system;
    struct epoll_slot *slot = epoll__slot(base);
    enum weir_code code =
        datagram_open(net, base, &slot->datagram, &system->datagrams, place, error);

    if (code != WEIR_OK) return code;
    list_init(&slot->ready);
    list_init(&slot->dry);
    if (epoll__register(system, slot, slot->datagram.fd) != 0) {
        int os_error = errno;
        datagram_abandon(&slot->datagram, &system->datagrams);
        return error_fill(error, error_code_of_os(os_error), os_error, "watch a socket", NULL, NULL,
                          NULL);
    }
    return WEIR_OK;
}

static void epoll__send_to(struct net *net, struct ledger_slot *base,
                           const struct weir_address *peer, const struct weir_address *local,
                           struct net_buffer *buffer, uint32_t segment_bytes)
{
    datagram_send(net, &epoll__slot(base)->datagram, peer, local, buffer, segment_bytes);
}

static bool epoll__is_own(struct net *net, struct ledger_slot *base,
                          const struct weir_address *address)
{
    return datagram_is_own(net, &epoll__slot(base)->datagram, address);
}

/* ---- wait ---- */

/* Waiters for buffers join the ready again as soon as there is a buffer to have. */
static bool epoll__is_busy(struct net *net)
{
    struct epoll_system *system = net->system;

    if (pool_has(&net->stream_pool)) {
        struct list *node;
        while ((node = list_take_first(&system->dry)) != NULL)
            epoll__list_if_work(system, weir_container_of(node, struct epoll_slot, dry));
    }
    if (system->woken || !list_is_empty(&system->ready)) return true;
    return datagram_is_any_busy(net, &system->datagrams);
}

/* Milliseconds for epoll_wait, rounded up: a deadline is a floor. */
static int epoll__timeout_ms(uint64_t until_ns)
{
    if (until_ns == NET_FOREVER) return -1;
    if (until_ns == 0) return 0;
    uint64_t now_ns = wall_clock_ns(); /* net->now_ns is as old as the work since the last wait */
    if (until_ns <= now_ns) return 0;
    uint64_t ms = (until_ns - now_ns + WALL_NS_PER_MS - 1) / WALL_NS_PER_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Notes in the slot what the kernel says of it. */
static void epoll__note(struct net *net, const struct epoll_event *event)
{
    struct epoll_system *system = net->system;
    uint64_t wakes;

    if (event->data.u64 == EPOLL__WAKE_NAME) {
        if (read(system->wake_fd, &wakes, sizeof wakes) == sizeof wakes) system->woken = true;
        return;
    }
    struct ledger_slot *base = epoll__named(net, event->data.u64);
    if (!base) return; /* closed since the kernel queued this */
    struct epoll_slot *slot = epoll__slot(base);
    bool readable = (event->events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    bool writable = (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    if (base->kind == LEDGER_DATAGRAM) {
        slot->datagram.readable |= readable;
        slot->datagram.writable |= writable;
        return;
    }
    slot->readable |= readable && !base->peer_done;
    slot->writable |= writable;
    slot->read_to_end |= (event->events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    slot->failed |= (event->events & EPOLLERR) != 0;
    epoll__list_if_work(system, slot);
}

/* An error on a connection that nobody reads from: told at once, since no receive will come upon
 * it. */
static void epoll__serve_failure(struct net *net, struct epoll_slot *slot)
{
    int os_error = 0;
    socklen_t length = sizeof os_error;

    slot->failed = false;
    getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &os_error, &length);
    if (os_error != 0) epoll__break(net, slot, os_error);
}

static void epoll__serve(struct net *net, struct epoll_slot *slot)
{
    struct epoll_system *system = net->system;

    if (slot->unsent && slot->writable) epoll__serve_send(net, slot);
    if (slot->base.kind == LEDGER_LISTENER) {
        if (slot->readable && slot->base.flow_on && !slot->base.broken)
            epoll__serve_listener(net, slot);
    } else if (slot->base.broken) {
        return;
    } else if (slot->readable && slot->base.flow_on && !list_has(&slot->dry)) {
        if (!pool_has(&net->stream_pool)) {
            ledger_buffers_scarce(net, &slot->base);
            list_add_last(&system->dry, &slot->dry);
            epoll__list_if_work(system, slot);
            return;
        }
        epoll__serve_receive(net, slot);
    } else if (slot->failed && epoll__nobody_reads(slot)) {
        epoll__serve_failure(net, slot);
    }
    epoll__list_if_work(system, slot);
}

/* Each slot that was ready when the turn began, once: a stream that never ends waits behind the
 * others. */
static void epoll__serve_ready(struct net *net)
{
    struct epoll_system *system = net->system;
    struct list turn;

    list_init(&turn);
    list_append_all(&turn, &system->ready);
    while (ledger_has_room(&net->ledger)) {
        struct list *node = list_take_first(&turn);
        if (!node) return;
        epoll__serve(net, weir_container_of(node, struct epoll_slot, ready));
    }
    list_append_all(&turn, &system->ready); /* those not served keep their place in front */
    list_append_all(&system->ready, &turn);
}

static void epoll__wait(struct net *net, uint64_t until_ns)
{
    struct epoll_system *system = net->system;
    int timeout_ms = epoll__is_busy(net) ? 0 : epoll__timeout_ms(until_ns);
    int count = epoll_wait(system->epoll_fd, system->events, EPOLL__EVENTS_MAX, timeout_ms);

    weir_check(count >= 0 || errno == EINTR);
    net->now_ns = wall_clock_ns();
    for (int i = 0; i < count; i++) epoll__note(net, &system->events[i]);
    if (system->woken && ledger_has_room(&net->ledger)) {
        system->woken = false;
        ledger_event(net, NULL, NET_WOKEN);
    }
    if (system->datagrams_first) datagram_turn_all(net, &system->datagrams);
    epoll__serve_ready(net);
    if (!system->datagrams_first) datagram_turn_all(net, &system->datagrams);
    system->datagrams_first = !system->datagrams_first;
}

static void epoll__wake(struct net *net)
{
    struct epoll_system *system = net->system;
    const uint64_t one = 1;

    /* Full (EAGAIN) means that it is about to wake anyway. */
    weir_check(write(system->wake_fd, &one, sizeof one) == sizeof one || errno == EAGAIN);
}

/* ---- open, free ---- */

static enum weir_code epoll__fail(struct epoll_system *system, int os_error,
                                  struct weir_error *error)
{
    if (system && system->epoll_fd >= 0) close(system->epoll_fd);
    if (system && system->wake_fd >= 0) close(system->wake_fd);
    memory_free(system);
    return error_fill(error, error_code_of_os(os_error), os_error, "use epoll", NULL, NULL,
                      "raise the limit with 'ulimit -n', or free some memory");
}

static enum weir_code epoll__open(struct net *net, struct weir_error *error)
{
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.u64 = EPOLL__WAKE_NAME};
    struct epoll_system *system = memory_alloc(sizeof *system);

    if (!system) return epoll__fail(NULL, ENOMEM, error);
    list_init(&system->ready);
    list_init(&system->dry);
    system->wake_fd = -1;
    system->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (system->epoll_fd < 0) return epoll__fail(system, errno, error);
    system->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (system->wake_fd < 0) return epoll__fail(system, errno, error);
    if (epoll_ctl(system->epoll_fd, EPOLL_CTL_ADD, system->wake_fd, &wake) != 0)
        return epoll__fail(system, errno, error);
    net->system = system;
    net->now_ns = wall_clock_ns();
    net->info.held_bytes_max = 0; /* what is not read stays in the kernel */
    return WEIR_OK;
}

static void epoll__free(struct net *net)
{
    struct epoll_system *system = net->system;

    weir_check(list_is_empty(&system->ready));
    weir_check(list_is_empty(&system->dry));
    close(system->epoll_fd);
    close(system->wake_fd);
    memory_free(system);
}

const struct transport transport_epoll = {
    .name = "epoll",
    .listeners_share = true,
    .slot_bytes = sizeof(struct epoll_slot),
    .open = epoll__open,
    .free = epoll__free,
    .wake = epoll__wake,
    .listen = epoll__listen,
    .adopt = epoll__adopt,
    .accept = epoll__accept,
    .refuse = epoll__refuse,
    .receive = epoll__receive,
    .send = epoll__send,
    .finish = epoll__finish,
    .close = epoll__close,
    .local_address = epoll__local_address,
    .bind = epoll__bind,
    .send_to = epoll__send_to,
    .is_own = epoll__is_own,
    .wait = epoll__wait,
};
