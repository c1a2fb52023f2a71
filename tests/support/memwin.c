/* SPDX-License-Identifier: MIT */
/* memwin.c - the simulated Windows's table: ports, sockets, accepting, injected faults. */
#include "memwin.h"

#include <string.h>

#include "address.h"
#include "address_loopback.h"
#include "check.h"
#include "require.h"
#include "win_error.h"

struct net_simulation *memwin_simulation;
static struct memwin_socket memwin__sockets[MEMWIN_SOCKETS_MAX];
static int memwin__last_error;

/* ---- faults and chance ---- */

static struct {
    uint32_t every, calls, failures;
    int os_error;
} memwin__faults[MEMWIN_CALLS_COUNT];

void memwin_fail(enum memwin_call call, uint32_t every, int os_error)
{
    memwin__faults[call].every = every;
    memwin__faults[call].calls = memwin__faults[call].failures = 0;
    memwin__faults[call].os_error = os_error;
}

void memwin_fail_nothing(void)
{
    memset(memwin__faults, 0, sizeof memwin__faults);
}

uint32_t memwin_failures(enum memwin_call call)
{
    return memwin__faults[call].failures;
}

int memwin_fault(enum memwin_call call)
{
    if (memwin__faults[call].every == 0) return 0;
    if (++memwin__faults[call].calls % memwin__faults[call].every != 0) return 0;
    memwin__faults[call].failures++;
    int os_error = memwin__faults[call].os_error;
    memwin__last_error = os_error == MEMWIN_NO_REASON ? 0 : os_error;
    return os_error;
}

bool memwin_chance(uint32_t of)
{
    return wire_random(memwin_simulation, of) == 0;
}

int32_t memwin_status_reset(void)
{
    static const uint32_t ways[] = {10054, 64, 0xC000020D};

    return (int32_t)ways[wire_random(memwin_simulation, 3)];
}

int32_t memwin_status_refused(void)
{
    static const uint32_t ways[] = {10061, 1225, 0xC0000236};

    return (int32_t)ways[wire_random(memwin_simulation, 3)];
}

int32_t memwin_status_aborted(void)
{
    static const uint32_t ways[] = {995, 1236, 0xC0000120, 0xC000013B, 10038};

    return (int32_t)ways[wire_random(memwin_simulation, 5)];
}

/* ---- start and clock ---- */

static int memwin__start(struct net_simulation *simulation)
{
    if (!simulation) return WIN_EOPNOTSUPP;
    memwin_simulation = simulation;
    return 0;
}

static uint64_t memwin__clock_ns(void)
{
    return memwin_simulation->now_ns;
}

static bool memwin__is_local_ip(const struct net_address *address, uint64_t now_ns)
{
    (void)now_ns;
    return address_is_loopback(address);
}

/* ---- ports ---- */

static int memwin__port_open(win_port *number)
{
    int os_error = memwin_fault(MEMWIN_PORT_OPEN);
    if (os_error != 0) return os_error;
    struct memwin_port *port = wire_memory(1, sizeof *port);
    port->is_open = true;
    list_init(&port->packets);
    *number = (win_port)port;
    return 0;
}

static struct memwin_port *memwin__port(win_port number)
{
    struct memwin_port *port = (struct memwin_port *)number;

    require(port->is_open);
    return port;
}

static void memwin__port_close(win_port number)
{
    struct memwin_port *port = memwin__port(number);
    struct list *node;

    while ((node = list_take_first(&port->packets)) != NULL)
        wire_memory_free(weir_container_of(node, struct memwin_packet, on));
    port->is_open = false;
    wire_memory_free(port);
}

void memwin_post_packet(struct memwin_port *port, uintptr_t key, struct win_overlapped *overlapped,
                        uint32_t bytes)
{
    struct memwin_packet *packet = wire_memory(1, sizeof *packet);

    list_init(&packet->on);
    packet->packet = (struct win_packet){key, overlapped, 0, bytes};
    list_add_last(&port->packets, &packet->on);
    memwin_simulation->idle_waits = 0;
    if (memwin_simulation->waiting != port) memwin_simulation->script_due = true;
}

static int memwin__port_post(win_port number, uintptr_t key, struct win_overlapped *overlapped)
{
    int os_error = memwin_fault(MEMWIN_PORT_POST);

    if (os_error == 0) memwin_post_packet(memwin__port(number), key, overlapped, 0);
    return os_error;
}

static int memwin__port_wait(win_port number, struct win_packet *packets, uint32_t packets_max,
                             uint64_t until_ns, uint32_t *taken)
{
    struct memwin_port *port = memwin__port(number);
    struct net_simulation *simulation = memwin_simulation;
    uint32_t count = 0;
    struct list *node;

    *taken = 0;
    int os_error = memwin_fault(MEMWIN_PORT_WAIT);
    if (os_error != 0) return os_error;
    simulation->waiting = port;
    simulation->script_due = false;
    wire_serve(simulation);
    while (until_ns != 0 && list_is_empty(&port->packets) && !simulation->script_due &&
           wire_step(simulation, until_ns))
        continue;
    simulation->waiting = NULL;
    while (count < packets_max && (node = list_take_first(&port->packets)) != NULL) {
        struct memwin_packet *packet = weir_container_of(node, struct memwin_packet, on);
        packets[count++] = packet->packet;
        wire_memory_free(packet);
    }
    *taken = count;
    return 0;
}

static int memwin__port_watch(win_port number, win_socket socket, uintptr_t key, bool *skips)
{
    struct memwin_socket *watched = memwin_socket_of(socket);
    int os_error = memwin_fault(MEMWIN_PORT_WATCH);

    if (os_error != 0) return os_error;
    require(!watched->port); /* once per socket */
    watched->port = memwin__port(number);
    watched->key = key;
    watched->skips = *skips = *skips && !memwin_chance(4);
    return 0;
}

/* ---- sockets ---- */

struct memwin_socket *memwin_socket_of(win_socket number)
{
    require(number % 4 == 0 && number >= 4 && number / 4 <= MEMWIN_SOCKETS_MAX);
    struct memwin_socket *socket = &memwin__sockets[number / 4 - 1];
    require(socket->is_open);
    return socket;
}

win_socket memwin_number_of(const struct memwin_socket *socket)
{
    return (win_socket)(socket - memwin__sockets + 1) * 4;
}

static int memwin__socket_open(bool v4, bool stream, bool registered, win_socket *number)
{
    int os_error = memwin_fault(MEMWIN_SOCKET_OPEN);

    if (os_error == 0 && registered) os_error = memwin_fault(MEMWIN_SOCKET_REGISTERED);
    if (os_error != 0) return os_error;
    if (!wire_file_take(memwin_simulation)) return WIN_EMFILE;
    for (uint32_t i = 0; i < MEMWIN_SOCKETS_MAX; i++) { /* the lowest, so that numbers are reused */
        struct memwin_socket *socket = &memwin__sockets[i];
        if (socket->is_open) continue;
        memset(socket, 0, sizeof *socket);
        socket->is_open = true;
        socket->is_stream = stream;
        socket->is_v4 = v4;
        socket->is_registered = registered;
        list_init(&socket->accepts);
        list_init(&socket->receives);
        list_init(&socket->sends);
        list_init(&socket->connects);
        *number = memwin_number_of(socket);
        return 0;
    }
    require_failed(__FILE__, __LINE__, "there are sockets enough");
}

static int memwin__socket_close(win_socket number)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    struct list *node;
    int os_error = memwin_fault(MEMWIN_SOCKET_CLOSE);

    if (os_error != 0) return os_error;
    /* Under Wine a pending send would write to the next socket with this number. */
    require(list_is_empty(&socket->sends));
    memwin_io_abort(&socket->receives, socket, 0x8000000A);
    memwin_io_abort(&socket->connects, socket, 0x8000000A);
    while ((node = list_take_first(&socket->accepts)) != NULL) {
        struct memwin_op *op = weir_container_of(node, struct memwin_op, on);
        op->overlapped->status = 0xC0000120;
        memwin_post_packet(socket->port, socket->key, op->overlapped, 0);
        wire_memory_free(op);
    }
    if (socket->queue) memwin_rio_closed(socket->queue);
    if (socket->is_listening) wire_unlisten(&socket->listener);
    if (socket->datagrams.simulation) wire_unbind(&socket->datagrams);
    if (socket->end) wire_leave(socket->end, socket->resets);
    wire_file_give_back(memwin_simulation);
    socket->is_open = false;
    return 0;
}

static void memwin__serve(struct memwin_socket *socket)
{
    if (socket->queue)
        memwin_rio_serve(socket->queue);
    else
        memwin_io_serve(socket);
}

static void memwin__datagrams_changed(struct wire_socket *datagrams)
{
    memwin__serve(weir_container_of(datagrams, struct memwin_socket, datagrams));
}

static int memwin__socket_bind(win_socket number, bool v4, const struct net_address *address)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin_fault(MEMWIN_BIND);

    if (os_error != 0) return os_error;
    require(socket->is_v4 == v4);
    socket->address = *address;
    socket->is_bound = true;
    if (socket->is_stream) return 0;
    socket->datagrams.address = *address;
    socket->datagrams.changed = memwin__datagrams_changed;
    if (!wire_bind(memwin_simulation, &socket->datagrams, false)) return WIN_EADDRINUSE;
    socket->address = socket->datagrams.address;
    return 0;
}

/* Returns the status of an attempt to connect that has ended. */
static int32_t memwin__connect_status(const struct wire_end *end)
{
    int failed = memwin_fault(MEMWIN_CONNECT_PACKET);

    if (failed != 0) return failed;
    if (end->established && !end->reset_arrived) return 0;
    if (!end->refused) return memwin_status_reset();
    return end->refused_code == WEIR_REFUSED ? memwin_status_refused() : 121;
}

static void memwin__serve_connect(struct memwin_socket *socket)
{
    const struct wire_end *end = socket->end;

    if (list_is_empty(&socket->connects)) return;
    if (!end->established && !end->refused && !end->reset_arrived) return;
    memwin_io_abort(&socket->connects, socket, (uint32_t)memwin__connect_status(end));
}

static void memwin__end_changed(struct wire_end *end)
{
    memwin__serve_connect(end->owner);
    memwin__serve(end->owner);
}

/* Assigns incoming connections to pending accepts. */
static void memwin__serve_listener(struct wire_port *listener)
{
    struct memwin_socket *socket = weir_container_of(listener, struct memwin_socket, listener);
    struct list *node;

    while (listener->first && (node = list_take_first(&socket->accepts)) != NULL) {
        struct memwin_op *op = weir_container_of(node, struct memwin_op, on);
        struct memwin_socket *accepted = memwin_socket_of(op->accepts);
        int failed = memwin_fault(MEMWIN_ACCEPT_PACKET);
        struct wire_end *end = wire_accept(listener);
        op->overlapped->status = (uintptr_t)(uint32_t)failed;
        if (failed != 0) {
            wire_leave(end, true);
        } else {
            accepted->end = end;
            accepted->address = end->address;
            accepted->is_usable = false;
            end->owner = accepted;
            end->changed = memwin__end_changed;
            win_sockaddr_of(&end->other->address, accepted->is_v4,
                            (struct win_sockaddr *)(void *)op->area);
        }
        memwin_post_packet(socket->port, socket->key, op->overlapped, 0);
        wire_memory_free(op);
    }
}

static int memwin__socket_listen(win_socket number, uint32_t backlog)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin_fault(MEMWIN_LISTEN);

    if (os_error != 0) return os_error;
    socket->listener.address = socket->address;
    socket->listener.backlog = backlog;
    socket->listener.changed = memwin__serve_listener;
    if (!wire_listen(memwin_simulation, &socket->listener, false)) return WIN_EADDRINUSE;
    socket->is_listening = true;
    socket->address = socket->listener.address;
    return 0;
}

static int memwin__socket_local(win_socket number, struct net_address *address)
{
    int os_error = memwin_fault(MEMWIN_LOCAL);

    if (os_error == 0) *address = memwin_socket_of(number)->address;
    return os_error;
}

static int memwin__socket_finish(win_socket number)
{
    struct memwin_socket *socket = memwin_socket_of(number);

    require(list_is_empty(&socket->sends));
    /* Undocumented: whether FIN then follows their bytes, or overtakes them (contract X6). */
    require(!socket->queue || !memwin_rio_sends(socket->queue));
    if (!socket->end || socket->end->reset_arrived) return WIN_ENOTCONN;
    wire_finish(socket->end);
    return 0;
}

static void memwin__socket_reset_on_close(win_socket number)
{
    memwin_socket_of(number)->resets = true;
}

static bool memwin__socket_is_stream(win_socket number)
{
    return memwin_socket_of(number)->is_stream;
}

static uint32_t memwin__send_backlog_bytes, memwin__send_backlog_queries;

void memwin_set_send_backlog(uint32_t bytes)
{
    memwin__send_backlog_bytes = bytes;
    memwin__send_backlog_queries = 0;
}

uint32_t memwin_send_backlog_queries(void)
{
    return memwin__send_backlog_queries;
}

static int memwin__send_backlog(win_socket number, uint32_t *bytes)
{
    require(memwin_socket_of(number)->is_stream);
    memwin__send_backlog_queries++;
    *bytes = memwin__send_backlog_bytes;
    return memwin__send_backlog_bytes == 0 ? WIN_EOPNOTSUPP : 0;
}

static void memwin__stream_options(win_socket number, uint32_t keepalive_ms)
{
    (void)keepalive_ms;
    (void)memwin_socket_of(number);
}

static void memwin__datagram_options(win_socket number, bool v4, uint32_t bytes)
{
    (void)v4;
    (void)bytes;
    memwin_socket_of(number)->reports_local = true;
}

/* ---- accepting ---- */

static int memwin__accept_post(win_socket number, win_socket accepts, uint8_t *area,
                               struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin_fault(MEMWIN_ACCEPT_POST);

    if (os_error != 0) return os_error;
    require(socket->is_listening && socket->port);
    require(!memwin_socket_of(accepts)->end);
    /* A registered socket of another listener accepts requests and never completes them. */
    require(memwin_socket_of(accepts)->is_registered == socket->is_registered);
    struct memwin_op *op = wire_memory(1, sizeof *op);
    list_init(&op->on);
    op->overlapped = overlapped;
    op->accepts = accepts;
    op->area = area;
    list_add_last(&socket->accepts, &op->on);
    memwin__serve_listener(&socket->listener);
    return WIN_IO_PENDING;
}

static int memwin__accept_finish(win_socket listener, win_socket number, uint8_t *area,
                                 struct net_address *peer)
{
    int os_error = memwin_fault(MEMWIN_ACCEPT_FINISH);

    (void)memwin_socket_of(listener);
    require(memwin_socket_of(number)->end != NULL);
    if (os_error != 0) return os_error;
    memwin_socket_of(number)->is_usable = true;
    *peer = win_address_of((const struct win_sockaddr *)(void *)area);
    return 0;
}

/* ---- connecting ---- */

static int memwin__connect_post(win_socket number, bool v4, const struct net_address *to,
                                struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin_fault(MEMWIN_CONNECT_POST);

    if (os_error != 0) return os_error;
    require(socket->is_stream && socket->is_v4 == v4 && socket->is_bound && socket->port);
    require(!socket->end);
    socket->address = wire_loopback(to);
    socket->address.port = wire_port_free(memwin_simulation);
    socket->end = wire_connect(memwin_simulation, &socket->address, to);
    socket->end->owner = socket;
    socket->end->changed = memwin__end_changed;
    struct memwin_op *op = wire_memory(1, sizeof *op);
    list_init(&op->on);
    op->overlapped = overlapped;
    list_add_last(&socket->connects, &op->on);
    return WIN_IO_PENDING;
}

static int memwin__connect_finish(win_socket number)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin_fault(MEMWIN_CONNECT_FINISH);

    require(list_is_empty(&socket->connects));
    if (os_error == 0 && !socket->end->established) os_error = WIN_ENOTCONN;
    socket->is_usable = os_error == 0;
    return os_error;
}

/* ---- the table ---- */

static int memwin__get_last_error(void)
{
    return memwin__last_error;
}

static void memwin__set_last_error(int os_error)
{
    memwin__last_error = os_error;
}

static const struct win_system memwin__system = {
    .start = memwin__start,
    .clock_ns = memwin__clock_ns,
    .load_rio = memwin_load_rio,
    .is_local_ip = memwin__is_local_ip,
    .port_open = memwin__port_open,
    .port_close = memwin__port_close,
    .port_post = memwin__port_post,
    .port_wait = memwin__port_wait,
    .port_watch = memwin__port_watch,
    .socket_open = memwin__socket_open,
    .socket_close = memwin__socket_close,
    .socket_bind = memwin__socket_bind,
    .socket_listen = memwin__socket_listen,
    .socket_local = memwin__socket_local,
    .socket_finish = memwin__socket_finish,
    .socket_reset_on_close = memwin__socket_reset_on_close,
    .socket_is_stream = memwin__socket_is_stream,
    .send_backlog = memwin__send_backlog,
    .stream_options = memwin__stream_options,
    .datagram_options = memwin__datagram_options,
    .accept_post = memwin__accept_post,
    .accept_finish = memwin__accept_finish,
    .connect_post = memwin__connect_post,
    .connect_finish = memwin__connect_finish,
    .receive = memwin_receive,
    .send = memwin_send,
    .receive_message = memwin_receive_message,
    .send_message = memwin_send_message,
    .cancel = memwin_cancel,
    .last_error = memwin__get_last_error,
    .set_last_error = memwin__set_last_error,
};

const struct win_system *const win_system = &memwin__system;
