/* SPDX-License-Identifier: MIT */
/* peer_socket.c - peers that are plain non-blocking sockets on the loopback interface, driven from
 * the test's own thread. */
#include <stdlib.h>

#include "address.h"
#include "peer.h"
#include "plain_socket.h"
#include "require.h"
#include "world.h"

#define SOCKET__RECEIVE_BYTES \
    65536 /* small and fixed, so that a peer that does not read soon fills it */

#define SOCKET__DATAGRAM_BYTES (1 << 20) /* the system lowers it to its limit */

struct socket_peer {
    struct peer peer;    /* first */
    plain_socket socket; /* PLAIN_NONE after peer_reset */
    enum peer_state state;
    bool end, reset;
    struct net_address address;
};

struct socket_datagrams {
    struct peer_datagrams datagrams; /* first */
    plain_socket socket;
    bool v4;
};

struct socket_listener {
    struct peer_listener listener; /* first */
    plain_socket socket;
};

static struct socket_peer *socket__of(struct peer *peer)
{
    return (struct socket_peer *)(void *)peer;
}

static struct socket_datagrams *socket__datagrams(struct peer_datagrams *datagrams)
{
    return (struct socket_datagrams *)(void *)datagrams;
}

/* ---- streams ---- */

static struct peer *socket__connect(struct world *world, const struct net_address *to)
{
    struct socket_peer *peer = calloc(1, sizeof *peer);
    bool v4 = address_is_v4(to);

    (void)world;
    require(peer != NULL);
    peer->socket = plain_open(v4, true, SOCKET__RECEIVE_BYTES);
    peer->state = plain_connect(peer->socket, v4, to) ? PEER_CONNECTING : PEER_REFUSED;
    peer->address = plain_local(peer->socket);
    return &peer->peer;
}

static enum peer_state socket__state(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);
    int connected;

    if (peer->state != PEER_CONNECTING) return peer->state;
    connected = plain_connected(peer->socket);
    if (connected != PLAIN_WAIT) peer->state = connected == 0 ? PEER_CONNECTED : PEER_REFUSED;
    return peer->state;
}

static struct net_address socket__address(struct peer *base)
{
    return socket__of(base)->address;
}

static uint32_t socket__send(struct peer *base, const void *bytes, uint32_t count)
{
    struct socket_peer *peer = socket__of(base);

    if (peer->socket == PLAIN_NONE || peer->reset) return 0;
    int32_t sent = plain_send(peer->socket, bytes, count);
    if (sent == PLAIN_GONE) peer->reset = true;
    return sent < 0 ? 0 : (uint32_t)sent;
}

static uint32_t socket__take(struct socket_peer *peer, void *bytes, uint32_t bytes_max, bool peek)
{
    if (peer->socket == PLAIN_NONE || peer->reset || peer->end) return 0;
    int32_t got = plain_receive(peer->socket, bytes, bytes_max, peek);
    if (got == PLAIN_GONE) peer->reset = true;
    if (got == 0) peer->end = true;
    return got < 0 ? 0 : (uint32_t)got;
}

static uint32_t socket__receive(struct peer *base, void *bytes, uint32_t bytes_max)
{
    return socket__take(socket__of(base), bytes, bytes_max, false);
}

static bool socket__saw_fin(struct peer *base)
{
    uint8_t byte;

    socket__take(socket__of(base), &byte, 1, true);
    return socket__of(base)->end;
}

/* Bytes that arrived before the RST do not hide it. */
static bool socket__saw_reset(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);

    socket__saw_fin(base);
    if (peer->socket != PLAIN_NONE && plain_has_failed(peer->socket)) peer->reset = true;
    return peer->reset;
}

static void socket__finish(struct peer *base)
{
    if (socket__of(base)->socket != PLAIN_NONE) plain_finish(socket__of(base)->socket);
}

static void socket__reset(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);

    if (peer->socket == PLAIN_NONE) return;
    plain_reset(peer->socket);
    peer->socket = PLAIN_NONE;
}

static void socket__close(struct peer *base)
{
    if (socket__of(base)->socket != PLAIN_NONE) plain_close(socket__of(base)->socket);
    free(base);
}

/* ---- datagrams ---- */

static struct peer_datagrams *socket__bind(struct world *world, const struct net_address *address)
{
    struct socket_datagrams *datagrams = calloc(1, sizeof *datagrams);

    (void)world;
    require(datagrams != NULL);
    datagrams->v4 = address_is_v4(address);
    datagrams->socket = plain_open(datagrams->v4, false, SOCKET__DATAGRAM_BYTES);
    require(plain_bind(datagrams->socket, datagrams->v4, address));
    return &datagrams->datagrams;
}

static struct net_address socket__bound(struct peer_datagrams *datagrams)
{
    return plain_local(socket__datagrams(datagrams)->socket);
}

static void socket__send_to(struct peer_datagrams *base, const struct net_address *to,
                            const void *bytes, uint32_t length)
{
    struct socket_datagrams *datagrams = socket__datagrams(base);
    int32_t sent = plain_send_to(datagrams->socket, datagrams->v4, to, bytes, length);

    /* PLAIN_GONE: an earlier datagram reached a closed port. */
    require(sent == (int32_t)length || sent == PLAIN_GONE);
}

static bool socket__receive_from(struct peer_datagrams *base, void *bytes, uint32_t bytes_max,
                                 uint32_t *length, struct net_address *from)
{
    return plain_receive_from(socket__datagrams(base)->socket, bytes, bytes_max, length, from);
}

static void socket__unbind(struct peer_datagrams *datagrams)
{
    plain_close(socket__datagrams(datagrams)->socket);
    free(datagrams);
}

/* ---- listeners ---- */

static struct socket_listener *socket__listener(struct peer_listener *listener)
{
    return (struct socket_listener *)(void *)listener;
}

static struct peer_listener *socket__listen(struct world *world, const struct net_address *address,
                                            uint32_t backlog)
{
    struct socket_listener *listener = calloc(1, sizeof *listener);
    bool v4 = address_is_v4(address);

    (void)world;
    require(listener != NULL);
    listener->socket = plain_open(v4, true, SOCKET__RECEIVE_BYTES);
    require(plain_bind(listener->socket, v4, address));
    plain_listen(listener->socket, (int)backlog);
    return &listener->listener;
}

static struct net_address socket__listens(struct peer_listener *listener)
{
    return plain_local(socket__listener(listener)->socket);
}

static struct peer *socket__accept(struct peer_listener *listener)
{
    plain_socket socket = plain_accept(socket__listener(listener)->socket);

    if (socket == PLAIN_NONE) return NULL;
    struct socket_peer *peer = calloc(1, sizeof *peer);
    require(peer != NULL);
    peer->socket = socket;
    peer->state = PEER_CONNECTED;
    peer->address = plain_local(socket);
    return &peer->peer;
}

static void socket__unlisten(struct peer_listener *listener)
{
    plain_close(socket__listener(listener)->socket);
    free(listener);
}

const struct peer_kind peer_socket = {
    .connect = socket__connect,
    .state = socket__state,
    .address = socket__address,
    .send = socket__send,
    .receive = socket__receive,
    .finish = socket__finish,
    .reset = socket__reset,
    .close = socket__close,
    .saw_fin = socket__saw_fin,
    .saw_reset = socket__saw_reset,
    .bind = socket__bind,
    .bound = socket__bound,
    .send_to = socket__send_to,
    .receive_from = socket__receive_from,
    .unbind = socket__unbind,
    .listen = socket__listen,
    .listens = socket__listens,
    .accept = socket__accept,
    .unlisten = socket__unlisten,
};
