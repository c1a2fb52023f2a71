/* SPDX-License-Identifier: MIT */
/* sim_peer.c - the scripted peers of a test: stream peers, listeners and datagram peers. */
#include <string.h>

#include "address.h"
#include "check.h"
#include "sim.h"
#include "sim_wire.h"

struct sim_peer {
    struct net_simulation *simulation;
    struct net_address address, remote;
    struct wire_end *end; /* null once the peer reset the connection */
    struct sim_peer *next, *before;
};

struct sim_listener {
    struct net_simulation *simulation;
    struct wire_port port;
    struct sim_listener *next, *before;
};

struct sim_datagrams {
    struct net_simulation *simulation;
    struct wire_socket socket;
    struct sim_datagrams *next, *before;
};

/* ---- stream peers ---- */

static struct sim_peer *sim_peer__add(struct net_simulation *simulation, struct wire_end *end)
{
    struct sim_peer *peer = wire_memory(1, sizeof *peer);

    weir_check(!end->left);
    peer->simulation = simulation;
    peer->address = end->address;
    peer->remote = end->other->address;
    peer->end = end;
    peer->next = simulation->peers;
    if (peer->next) peer->next->before = peer;
    simulation->peers = peer;
    return peer;
}

struct sim_peer *sim_connect(struct net_simulation *simulation, const struct net_address *to,
                             const struct net_address *from)
{
    struct net_address address = from ? *from : wire_loopback(to);

    if (address.port == 0) address.port = wire_port_free(simulation);
    return sim_peer__add(simulation, wire_connect(simulation, &address, to));
}

enum sim_peer_state sim_peer_state(const struct sim_peer *peer)
{
    if (!peer->end || peer->end->established) return SIM_CONNECTED;
    return peer->end->refused || peer->end->reset_arrived ? SIM_REFUSED : SIM_CONNECTING;
}

struct net_address sim_peer_address(const struct sim_peer *peer)
{
    return peer->address;
}

struct net_address sim_peer_remote(const struct sim_peer *peer)
{
    return peer->remote;
}

uint32_t sim_peer_send(struct sim_peer *peer, const void *bytes, uint32_t count)
{
    if (!peer->end || peer->end->finished) return 0;
    peer->simulation->idle_waits = 0;
    return wire_write(peer->end, bytes, count);
}

uint32_t sim_peer_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max)
{
    if (!peer->end) return 0;
    peer->simulation->idle_waits = 0;
    return wire_read(peer->end, bytes, bytes_max);
}

uint32_t sim_peer_unread(const struct sim_peer *peer)
{
    return peer->end ? peer->end->arrived : 0;
}

void sim_peer_finish(struct sim_peer *peer)
{
    if (peer->end) wire_finish(peer->end);
}

void sim_peer_reset(struct sim_peer *peer)
{
    if (peer->end) wire_leave(peer->end, true);
    peer->end = NULL;
}

void sim_peer_lose(struct sim_peer *peer)
{
    if (peer->end) wire_lose(peer->end);
}

void sim_peer_close(struct sim_peer *peer)
{
    if (peer->end) wire_leave(peer->end, false);
    if (peer->before)
        peer->before->next = peer->next;
    else
        peer->simulation->peers = peer->next;
    if (peer->next) peer->next->before = peer->before;
    wire_memory_free(peer);
}

bool sim_peer_saw_end(const struct sim_peer *peer)
{
    return peer->end && peer->end->fin_arrived && peer->end->arrived == 0;
}

bool sim_peer_saw_reset(const struct sim_peer *peer)
{
    return peer->end && peer->end->reset_arrived;
}

/* ---- listeners ---- */

struct sim_listener *sim_listen(struct net_simulation *simulation,
                                const struct net_address *address, uint32_t backlog)
{
    struct sim_listener *listener = wire_memory(1, sizeof *listener);

    weir_check(backlog > 0);
    listener->simulation = simulation;
    listener->port.address = *address;
    listener->port.backlog = backlog;
    if (!wire_listen(simulation, &listener->port, true)) {
        wire_memory_free(listener);
        return NULL;
    }
    listener->next = simulation->listeners;
    if (listener->next) listener->next->before = listener;
    simulation->listeners = listener;
    return listener;
}

struct net_address sim_listener_address(const struct sim_listener *listener)
{
    return listener->port.address;
}

struct sim_peer *sim_accept(struct sim_listener *listener)
{
    struct wire_end *end = wire_accept(&listener->port);

    listener->simulation->idle_waits = 0;
    return end ? sim_peer__add(listener->simulation, end) : NULL;
}

void sim_listener_close(struct sim_listener *listener)
{
    wire_unlisten(&listener->port);
    if (listener->before)
        listener->before->next = listener->next;
    else
        listener->simulation->listeners = listener->next;
    if (listener->next) listener->next->before = listener->before;
    wire_memory_free(listener);
}

/* ---- datagram peers ---- */

struct sim_datagrams *sim_datagrams_open(struct net_simulation *simulation,
                                         const struct net_address *address)
{
    struct sim_datagrams *datagrams = wire_memory(1, sizeof *datagrams);

    datagrams->simulation = simulation;
    datagrams->socket.address = *address;
    if (!wire_bind(simulation, &datagrams->socket, false)) {
        wire_memory_free(datagrams);
        return NULL;
    }
    datagrams->next = simulation->datagram_peers;
    if (datagrams->next) datagrams->next->before = datagrams;
    simulation->datagram_peers = datagrams;
    return datagrams;
}

struct net_address sim_datagrams_address(const struct sim_datagrams *datagrams)
{
    return datagrams->socket.address;
}

void sim_datagrams_send(struct sim_datagrams *datagrams, const struct net_address *to,
                        const void *bytes, uint32_t length)
{
    struct net_address from = datagrams->socket.address;

    if (address_is_any(&from)) {
        from = wire_loopback(to);
        from.port = datagrams->socket.address.port;
    }
    wire_send_datagram(datagrams->simulation, &from, to, bytes, length);
}

bool sim_datagrams_receive(struct sim_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                           uint32_t *length, struct net_address *from)
{
    struct wire_datagram *first = datagrams->socket.first;

    if (!first) return false;
    *length = first->length;
    if (from) *from = first->from;
    uint32_t count = first->length < bytes_max ? first->length : bytes_max;
    if (count > 0) memcpy(bytes, first->bytes, count);
    wire_drop_datagram(&datagrams->socket);
    return true;
}

void sim_datagrams_close(struct sim_datagrams *datagrams)
{
    wire_unbind(&datagrams->socket);
    if (datagrams->before)
        datagrams->before->next = datagrams->next;
    else
        datagrams->simulation->datagram_peers = datagrams->next;
    if (datagrams->next) datagrams->next->before = datagrams->before;
    wire_memory_free(datagrams);
}

void sim_inject(struct net_simulation *simulation, const struct net_address *from,
                const struct net_address *to, const void *bytes, uint32_t length)
{
    wire_send_datagram(simulation, from, to, bytes, length);
}
