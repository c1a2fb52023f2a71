/* SPDX-License-Identifier: MIT */
/* rio.c - the transports `rio` and `iocp`: the event loop over one completion port and one
 * completion queue. It dispatches each operation and each completion to the handle's part.
 *
 *      net_wait:  commit the requests of each dirty handle, one call per direction
 *              -> post accepts of the ready listeners, dequeue completions
 *              -> idle: arm the notification and block on the port until the deadline
 *              -> handle the port's packets: notification, accept, wake-up, emulated I/O
 *
 * Every event that wakes a worker arrives through the port: RIO's notification, AcceptEx,
 * ConnectEx, net_wake and, for `iocp`, the emulation's overlapped I/O. The two transports differ
 * only in their function table.
 *
 * Ownership: the net owns the struct rio_net, which owns the port and the completion queue. The
 * provider is shared by all workers and is never freed. Thread: the worker's, except net_wake.
 */
#include "rio.h"

#include <string.h>

#include "acceptex.h"
#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "memory.h"
#include "rio_connect.h"
#include "rio_socket.h"
#include "rio_stream.h"
#include "rio_udp.h"
#include "win_closing.h"

#define RIO__PACKETS_MAX 64u
#define RIO__RESULTS_MAX 64u
/* While completions keep arriving, the port is polled once in this many loop iterations. That is
 * often enough for accepts, and saves most of the system calls. */
#define RIO__ITERATIONS_UNPOLLED_MAX 8u
#define RIO__POLL_NS UINT64_C(50000000) /* between two polls while the system cannot notify */
/* A wait that blocks looks for wake-ups that could not be posted this often. */
#define RIO__WAKE_POLL_NS UINT64_C(1000000000)

/* ---- open, free ---- */

static enum weir_code rio__choose_provider(struct net *net, bool emulated,
                                           const struct rio_provider **provider,
                                           struct weir_error *error)
{
    int os_error = win_system->start(net->options.simulation);

    if (os_error != 0)
        return error_fill(error, error_winsock_code(os_error), os_error, "use Windows sockets",
                          NULL, NULL, "use another transport");
    if (emulated) {
        *provider = rio_provider_emulated(win_system);
    } else {
        enum weir_code code = rio_provider_native(win_system, provider, error);
        if (code != WEIR_OK) return code;
    }
    if (!net->options.verify_rio) return WEIR_OK;
    *provider = rio_provider_verified(win_system, *provider);
    if (*provider) return WEIR_OK;
    return error_fill(error, WEIR_NO_MEMORY, 0, "check the rules of Registered I/O", NULL, NULL,
                      "free some memory");
}

static enum weir_code rio__open_with(struct net *net, bool emulated, struct weir_error *error)
{
    const struct rio_provider *provider = NULL;
    enum weir_code code = rio__choose_provider(net, emulated, &provider, error);

    if (code != WEIR_OK) return code;
    struct rio_net *system = memory_alloc(sizeof *system);
    if (!system)
        return error_fill(error, WEIR_NO_MEMORY, 0, "open the network", NULL, NULL,
                          "free some memory");
    system->net = net;
    system->provider = provider;
    list_init(&system->dirty);
    list_init(&system->ready);
    code = rio_queue_open(system, error);
    if (code != WEIR_OK) {
        memory_free(system);
        return code;
    }
    net->system = system;
    net->now_ns = win_system->clock_ns();
    net->info.held_bytes_max =
        net->options.stream_buffer_bytes; /* one receive is posted per connection */
    return WEIR_OK;
}

static enum weir_code rio__open(struct net *net, struct weir_error *error)
{
    return rio__open_with(net, false, error);
}

static enum weir_code rio__open_emulated(struct net *net, struct weir_error *error)
{
    return rio__open_with(net, true, error);
}

static void rio__free(struct net *net)
{
    struct rio_net *system = rio_net_of(net);
    const struct rio_provider *provider = system->provider;

    if (net->failed) closing_end(win_system);
    if (net->failed) return; /* the system might still use the port, the queue and the buffers */
    weir_check(list_is_empty(&system->dirty));
    weir_check(list_is_empty(&system->ready));
    closing_end(win_system);
    rio_queue_close(system);
    memory_free(system);
    if (provider->on_end) provider->on_end();
}

static void rio__wake(struct net *net)
{
    struct rio_net *system = rio_net_of(net);

    weir_check(system->port != WIN_NO_PORT);
    if (atomic_exchange(&system->wake_posted, true)) return;
    if (win_system->port_post(system->port, RIO_KEY_WAKE, NULL) == 0) return;
    /* In this order: a wake-up that relied on this packet is covered by the flag. */
    atomic_store(&system->wake_missed, true);
    atomic_store(&system->wake_posted, false);
}

/* ---- the wait ---- */

static void rio__commit(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.kind != HANDLE_LISTENER); /* listeners are on the ready list */
    if (entry->base.kind == HANDLE_CONNECTION)
        rio_stream_commit(system, entry);
    else
        rio_udp_commit(system, entry);
}

static void rio__resume(struct net *net, struct handle *base)
{
    struct rio_entry *entry = rio_entry_of(base);

    weir_check(base->kind != HANDLE_LISTENER);
    weir_check(!handle_waits(base));
    if (!list_has(&entry->listed)) rio_move_to(&rio_net_of(net)->dirty, entry);
}

/* The delay after a rejected request has passed. */
static void rio__retry(struct net *net, struct handle *base)
{
    struct rio_net *system = rio_net_of(net);

    rio_move_to(base->kind == HANDLE_LISTENER ? &system->ready : &system->dirty,
                rio_entry_of(base));
}

/* Reports the buffer shortage for each UDP socket that still waits and has no receive posted. */
static void rio__report_waiting_sockets(const struct net *net)
{
    const struct list *waiters = &net->datagram_waiters.last;

    weir_check(list_is_empty(&net->datagram_waiters.first)); /* the release moved them to `last` */
    for (struct list *node = waiters->next; node != waiters; node = node->next)
        rio_udp_report_shortage(rio_net_of(net),
                                rio_entry_of(weir_container_of(node, struct handle, waiting)));
}

static void rio__release_waiters(struct net *net)
{
    weir_check(net->batch.events != NULL); /* a release can report a shortage */
    if (buffer_waiters_any(&net->stream_waiters))
        buffer_waiters_release(net, &net->stream_waiters, pool_room(&net->stream_pool),
                               rio__resume);
    if (!buffer_waiters_any(&net->datagram_waiters)) return;
    buffer_waiters_release(net, &net->datagram_waiters, pool_room(&net->datagram_pool),
                           rio__resume);
    rio__report_waiting_sockets(net);
}

static void rio__commit_all(struct rio_net *system)
{
    struct list current;
    struct list *node;

    rio__release_waiters(system->net);
    list_init(&current);
    list_append_all(&current, &system->dirty);
    while ((node = list_take_first(&current)) != NULL)
        rio__commit(system, weir_container_of(node, struct rio_entry, listed));
    weir_check(list_is_empty(&system->dirty)); /* what a handle cannot post, it retries later */
}

/* Serves each listener and each attempt that was ready at the start, once. */
static void rio__serve_ready(struct rio_net *system)
{
    struct list current;
    struct list *node;

    list_init(&current);
    list_append_all(&current, &system->ready);
    while (event_batch_has_room(&system->net->batch) &&
           (node = list_take_first(&current)) != NULL) {
        struct rio_entry *entry = weir_container_of(node, struct rio_entry, listed);
        if (entry->base.kind == HANDLE_CONNECTING)
            rio_connect_serve(system, entry);
        else
            acceptex_serve(system, entry);
    }
    list_append_all(&current, &system->ready); /* those not served yet stay in front */
    list_append_all(&system->ready, &current);
}

/* Dequeues as many completions as the event list has room for and dispatches each. Returns their
 * number. */
static uint32_t rio__take_completions(struct rio_net *system)
{
    struct rio_result results[RIO__RESULTS_MAX];
    uint32_t room = event_batch_room(&system->net->batch);

    if (room == 0) return 0;
    if (room > RIO__RESULTS_MAX) room = RIO__RESULTS_MAX;
    uint32_t count = rio_queue_dequeue(system, results, room);
    for (uint32_t i = 0; i < count; i++) {
        struct rio_completion completion = rio_queue_completed(system, &results[i]);
        weir_check_rule(event_batch_has_room(&system->net->batch),
                        "each completion adds at most one event");
        if (completion.entry->base.kind == HANDLE_CONNECTION)
            rio_stream_complete(system, &completion);
        else
            rio_udp_complete(system, &completion);
    }
    return count;
}

/* Requests the notification. Returns false if the system refuses it. */
static bool rio__arm(struct rio_net *system)
{
    if (system->armed) return true;
    int os_error = system->provider->table->notify(system->queue);
    system->armed = os_error == 0 || os_error == WIN_EALREADY;
    return system->armed;
}

/* Prepares to block until until_ns. Returns that deadline, or an earlier one if no notification
 * will announce completions, so that they are polled. */
static uint64_t rio__before_wait(struct rio_net *system, uint64_t until_ns)
{
    uint64_t now_ns = system->net->now_ns;
    bool armed = rio__arm(system);
    uint64_t poll_ns = now_ns + (armed ? RIO__WAKE_POLL_NS : RIO__POLL_NS);

    if (armed && system->provider->before_wait) system->provider->before_wait(system->queue);
    return until_ns < poll_ns ? until_ns : poll_ns;
}

static void rio__on_notified(struct rio_net *system, bool by_packet)
{
    void (*report)(rio_cq) = by_packet ? system->provider->on_notified : system->provider->on_fired;

    weir_check(by_packet || system->armed); /* the emulation fires once per request */
    system->armed = false;
    if (report) report(system->queue);
}

static void rio__on_woken(struct rio_net *system)
{
    atomic_store(&system->wake_posted, false);
    system->woken = true;
}

/* Handles one packet of the port. Returns whether the completion queue might have results. */
static bool rio__on_packet(struct rio_net *system, const struct win_packet *packet)
{
    switch ((enum rio_key)packet->key) {
    case RIO_KEY_WAKE: rio__on_woken(system); return false;
    case RIO_KEY_NOTIFY:
        weir_check(packet->overlapped == &system->notified);
        rio__on_notified(system, true);
        return true;
    case RIO_KEY_ACCEPT: acceptex_complete(system, packet); return false;
    case RIO_KEY_CONNECT: rio_connect_complete(system, packet); return false;
    case RIO_KEY_EMULATION:
        if (((const struct rio_call *)(const void *)packet->overlapped)->is_connect) {
            rio_connect_complete(system, packet);
            return false;
        }
        if (system->provider->on_packet(packet)) rio__on_notified(system, false);
        return true;
    }
    return false; /* of another part of the process: weir posts no such packet */
}

/* Waits for packets until until_ns (0: does not block) and dispatches them and the completions that
 * they announce. */
static void rio__poll_port(struct rio_net *system, uint64_t until_ns)
{
    struct win_packet packets[RIO__PACKETS_MAX];
    bool has_completions = false;
    uint32_t count = 0;

    system->iterations_unpolled = 0;
    weir_check_rule(until_ns == 0 || list_is_empty(&system->dirty),
                    "every request is committed before the worker blocks");
    until_ns = closing_retry(win_system, system->net->now_ns, until_ns);
    if (until_ns != 0) until_ns = transport_blocks_until(system->net, until_ns);
    if (until_ns != 0) until_ns = rio__before_wait(system, until_ns);
    int os_error = win_system->port_wait(system->port, packets, RIO__PACKETS_MAX, until_ns, &count);
    if (os_error != 0)
        net_failure_record(system->net, error_winsock_code(os_error), os_error,
                           "GetQueuedCompletionStatusEx");
    system->net->now_ns = win_system->clock_ns();
    if (atomic_load(&system->wake_missed)) {
        atomic_store(&system->wake_missed, false);
        system->woken = true;
    }
    for (uint32_t i = 0; i < count; i++)
        if (rio__on_packet(system, &packets[i])) has_completions = true;
    if (has_completions) rio__take_completions(system);
}

static bool rio__is_idle(const struct rio_net *system)
{
    return system->net->batch.count == 0 && !system->net->failed &&
           !answers_are_recorded(&system->net->answers) && !system->woken &&
           list_is_empty(&system->ready) && list_is_empty(&system->dirty);
}

static void rio__report_woken(struct rio_net *system)
{
    if (!system->woken || !event_batch_has_room(&system->net->batch)) return;
    system->woken = false;
    event_batch_add(system->net, NULL, NET_WOKEN);
}

static void rio__wait(struct net *net, uint64_t until_ns)
{
    struct rio_net *system = rio_net_of(net);

    weir_check_rule(net->batch.events != NULL, "rule 2, only net_wait hands out events");
    net->wait_began_ns = until_ns == NET_FOREVER ? NET_FOREVER : win_system->clock_ns();
    rio__report_woken(system); /* first: a flood of other events would leave no room for it */
    rio__commit_all(system);
    rio__serve_ready(system);
    uint32_t taken = rio__take_completions(system);
    bool idle = taken == 0 && rio__is_idle(system);
    if (idle || taken == 0 || system->provider->is_emulated ||
        ++system->iterations_unpolled > RIO__ITERATIONS_UNPOLLED_MAX)
        rio__poll_port(system, idle ? until_ns : 0);
    else
        net->now_ns = win_system->clock_ns();
    rio__serve_ready(system);
    rio__report_woken(system);
}

/* ---- transport operations ---- */

static enum weir_code rio__listen(struct net *net, struct handle *base,
                                  const struct net_listen_options *options,
                                  struct weir_error *error)
{
    weir_check(base->kind == HANDLE_LISTENER);
    rio_entry_init(rio_entry_of(base));
    return acceptex_listen(rio_net_of(net), rio_entry_of(base), options, error);
}

static enum weir_code rio__adopt(struct net *net, struct handle *base, struct net_socket socket,
                                 struct weir_error *error)
{
    return rio_stream_adopt(rio_net_of(net), rio_entry_of(base), socket.os_handle, error);
}

static enum weir_code rio__connect(struct net *net, struct handle *base,
                                   const struct net_connect_options *options,
                                   struct weir_error *error)
{
    return rio_connect_open(rio_net_of(net), rio_entry_of(base), options, error);
}

static void rio__accept(struct net *net, struct handle *base, bool on)
{
    weir_check(base->kind == HANDLE_LISTENER);
    acceptex_accept(rio_net_of(net), rio_entry_of(base), on);
}

static void rio__stop_accepting(struct net *net, struct handle *base)
{
    acceptex_stop(rio_net_of(net), rio_entry_of(base));
}

static void rio__abandon(struct net *net, struct handle *base)
{
    struct rio_entry *entry = rio_entry_of(base);

    (void)net;
    list_remove(&entry->listed);
    if (base->kind == HANDLE_CONNECTION) rio_stream_abandon(entry);
    if (base->kind == HANDLE_LISTENER)
        acceptex_abandon(entry);
    else if (entry->socket != WIN_NO_SOCKET)
        closing_close(win_system, entry->socket); /* the queue's completions never arrive */
    entry->socket = WIN_NO_SOCKET;
}

static void rio__refuse(struct net *net, struct net_socket socket)
{
    weir_check(socket.os_handle != WIN_NO_SOCKET);
    rio_socket_close(rio_net_of(net), socket.os_handle);
}

static void rio__receive(struct net *net, struct handle *base, bool on)
{
    weir_check(base->kind != HANDLE_LISTENER);
    if (base->kind == HANDLE_DATAGRAM)
        rio_udp_receive(rio_net_of(net), rio_entry_of(base), on);
    else
        rio_stream_receive(rio_net_of(net), rio_entry_of(base), on);
}

static void rio__send(struct net *net, struct handle *base, struct net_buffer *const *buffers,
                      uint32_t count)
{
    rio_stream_send(rio_net_of(net), rio_entry_of(base), buffers, count);
}

static void rio__finish(struct net *net, struct handle *base)
{
    (void)net;
    weir_check(base->kind == HANDLE_CONNECTION);
    rio_stream_finish(rio_entry_of(base));
}

static void rio__close(struct net *net, struct handle *base)
{
    struct rio_net *system = rio_net_of(net);
    struct rio_entry *entry = rio_entry_of(base);

    weir_check(base->kind != HANDLE_FREE);
    weir_check(!handle_waits(base)); /* a release would list it again */
    if (base->kind == HANDLE_LISTENER)
        acceptex_close(system, entry);
    else if (base->kind == HANDLE_CONNECTION)
        rio_stream_close(system, entry);
    else if (base->kind == HANDLE_CONNECTING)
        rio_connect_close(system, entry);
    else
        rio_udp_close(system, entry);
}

static struct net_progress rio__progress(struct net *net, struct handle *base)
{
    (void)net;
    return rio_stream_progress(rio_entry_of(base));
}

static struct net_address rio__local_address(struct net *net, struct handle *base)
{
    const struct rio_entry *entry = rio_entry_of(base);
    struct net_address address = {0};

    (void)net;
    weir_check(entry->socket != WIN_NO_SOCKET);
    if (base->kind == HANDLE_LISTENER) return acceptex_address(entry);
    if (base->kind == HANDLE_DATAGRAM) return entry->udp.bound;
    /* Fails if the network itself does: the address is unknown then, and the receive reports it. */
    if (win_system->socket_local(entry->socket, &address) != 0) return (struct net_address){0};
    return address;
}

static enum weir_code rio__bind(struct net *net, struct handle *base,
                                const struct net_listen_options *options, struct weir_error *error)
{
    weir_check(base->kind == HANDLE_DATAGRAM);
    rio_entry_init(rio_entry_of(base));
    return rio_udp_bind(rio_net_of(net), rio_entry_of(base), options, error);
}

static void rio__send_to(struct net *net, struct handle *base, const struct net_address *peer,
                         const struct net_address *local, struct net_buffer *buffer,
                         uint32_t segment_bytes)
{
    weir_check(base->endpoint->datagrams_out > 0);
    rio_udp_send(rio_net_of(net), rio_entry_of(base), peer, local, buffer, segment_bytes);
}

static bool rio__is_own(struct net *net, struct handle *base, const struct net_address *address)
{
    return rio_udp_is_own(rio_net_of(net), rio_entry_of(base), address);
}

static void rio__hand_out_datagram(struct net *net, struct handle *base, struct net_buffer *buffer)
{
    rio_udp_hand_out(rio_net_of(net), rio_entry_of(base), buffer);
}

#define RIO__OPERATIONS                                                                           \
    .listeners_share = false, .is_verifiable = true, .addresses_in_buffers = true,                \
    .sends_own_memory = true, .entry_bytes = sizeof(struct rio_entry), .free = rio__free,         \
    .wake = rio__wake, .listen = rio__listen, .adopt = rio__adopt, .accept = rio__accept,         \
    .refuse = rio__refuse, .connect = rio__connect, .receive = rio__receive, .send = rio__send,   \
    .finish = rio__finish, .close = rio__close, .local_address = rio__local_address,              \
    .progress = rio__progress, .bind = rio__bind, .send_to = rio__send_to, .is_own = rio__is_own, \
    .hand_out_datagram = rio__hand_out_datagram, .wait = rio__wait, .retry = rio__retry,          \
    .stop_accepting = rio__stop_accepting, .abandon = rio__abandon

const struct transport transport_rio = {.name = "rio", .open = rio__open, RIO__OPERATIONS};

const struct transport transport_iocp = {
    .name = "iocp", .open = rio__open_emulated, RIO__OPERATIONS};
