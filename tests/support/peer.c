/* SPDX-License-Identifier: MIT */
/* peer.c - the common part of all peers: their list in the world, and the patterns that they send
 * and check. */
#include "peer.h"

#include <string.h>

#include "pattern.h"
#include "require.h"
#include "thread_local.h"
#include "world.h"

#define PEER__PIECE_MAX 65536u
#define PEER__BACKLOG 64u
#define PEER__SENDS_PER_STEP 64 /* so that tiny pieces do not need an iteration each */

static struct peer *peer__add(struct world *world, struct peer *peer)
{
    peer->kind = world->peer_kind;
    peer->world = world;
    peer->next = world->peers;
    world->peers = peer;
    return peer;
}

struct peer *peer_start(struct world *world, const struct net_address *to)
{
    return peer__add(world, world->peer_kind->connect(world, to));
}

struct peer *peer_connect(struct world *world, const struct net_address *to)
{
    struct peer *peer = peer_start(world, to);

    world_until(world, peer_state(peer) != PEER_CONNECTING);
    require(peer_state(peer) == PEER_CONNECTED);
    return peer;
}

enum peer_state peer_state(struct peer *peer)
{
    return peer->kind->state(peer);
}

struct net_address peer_address(struct peer *peer)
{
    return peer->kind->address(peer);
}

uint32_t peer_send(struct peer *peer, const void *bytes, uint32_t count)
{
    return peer->finished ? 0 : peer->kind->send(peer, bytes, count);
}

uint32_t peer_receive(struct peer *peer, void *bytes, uint32_t bytes_max)
{
    return peer->kind->receive(peer, bytes, bytes_max);
}

void peer_finish(struct peer *peer)
{
    peer->finished = true;
    peer->kind->finish(peer);
}

void peer_reset(struct peer *peer)
{
    peer->reads = false;
    peer->out_total = peer->out_position;
    peer->kind->reset(peer);
}

void peer_close(struct peer *peer)
{
    struct peer **link = &peer->world->peers;

    while (*link != peer) link = &(*link)->next;
    *link = peer->next;
    peer->kind->close(peer);
}

bool peer_saw_fin(struct peer *peer)
{
    return peer->kind->saw_fin(peer);
}

bool peer_saw_reset(struct peer *peer)
{
    return peer->kind->saw_reset(peer);
}

bool peer_saw_close(struct peer *peer)
{
    return peer_saw_fin(peer) || peer_saw_reset(peer);
}

/* ---- patterns ---- */

void peer_sends_pattern(struct peer *peer, uint64_t seed, uint64_t total, uint32_t piece)
{
    require(piece <= PEER__PIECE_MAX);
    peer->out_seed = seed;
    peer->out_position = 0;
    peer->out_total = total;
    peer->out_piece = piece;
}

void peer_reads_pattern(struct peer *peer, uint64_t seed)
{
    peer->in_seed = seed;
    peer->in_position = 0;
    peer->reads = true;
}

static bool peer__send_piece(struct peer *peer)
{
    static THREAD_LOCAL uint8_t bytes[PEER__PIECE_MAX];
    uint64_t left = peer->out_total - peer->out_position;
    uint32_t count = left < peer->out_piece ? (uint32_t)left : peer->out_piece;

    if (count == 0) return false;
    pattern_fill(peer->out_seed, peer->out_position, bytes, count);
    uint32_t taken = peer_send(peer, bytes, count);
    require(taken <= count);
    peer->out_position += taken;
    return taken == count;
}

static void peer__read(struct peer *peer)
{
    static THREAD_LOCAL uint8_t bytes[PEER__PIECE_MAX];
    uint32_t piece = peer->in_piece > 0 ? peer->in_piece : (uint32_t)sizeof bytes, count;

    while ((count = peer_receive(peer, bytes, piece)) > 0) {
        uint32_t wrong = pattern_wrong(peer->in_seed, peer->in_position, bytes, count);
        if (wrong < count)
            require_failed(__FILE__, __LINE__, "byte %llu of stream %llu reached the peer right",
                           (unsigned long long)(peer->in_position + wrong),
                           (unsigned long long)peer->in_seed);
        peer->in_position += count;
        if (peer->in_piece > 0) return;
    }
}

void peer_step(struct peer *peer)
{
    for (int i = 0; i < PEER__SENDS_PER_STEP && peer__send_piece(peer); i++) continue;
    if (peer->out_finishes && !peer->finished && peer->out_position == peer->out_total)
        peer_finish(peer);
    if (peer->reads) peer__read(peer);
}

/* ---- listeners ---- */

struct peer_listener *peer_listen(struct world *world, const char *address)
{
    return peer_listen_few(world, address, PEER__BACKLOG);
}

struct peer_listener *peer_listen_few(struct world *world, const char *address, uint32_t backlog)
{
    struct net_address read;

    require(net_address_parse(address, &read));
    struct peer_listener *listener = world->peer_kind->listen(world, &read, backlog);
    require(listener != NULL);
    listener->kind = world->peer_kind;
    listener->world = world;
    listener->next = world->peer_listeners;
    world->peer_listeners = listener;
    return listener;
}

struct net_address peer_listens(struct peer_listener *listener)
{
    return listener->kind->listens(listener);
}

struct peer *peer_accept(struct peer_listener *listener)
{
    struct peer *peer = listener->kind->accept(listener);

    return peer ? peer__add(listener->world, peer) : NULL;
}

void peer_unlisten(struct peer_listener *listener)
{
    struct peer_listener **link = &listener->world->peer_listeners;

    while (*link != listener) link = &(*link)->next;
    *link = listener->next;
    listener->kind->unlisten(listener);
}

/* ---- datagrams ---- */

struct peer_datagrams *peer_bind(struct world *world, const char *address)
{
    struct net_address read;

    require(net_address_parse(address, &read));
    struct peer_datagrams *datagrams = world->peer_kind->bind(world, &read);
    require(datagrams != NULL);
    datagrams->kind = world->peer_kind;
    datagrams->world = world;
    datagrams->next = world->datagram_peers;
    world->datagram_peers = datagrams;
    return datagrams;
}

struct net_address peer_bound(struct peer_datagrams *datagrams)
{
    return datagrams->kind->bound(datagrams);
}

void peer_send_to(struct peer_datagrams *datagrams, const struct net_address *to, const void *bytes,
                  uint32_t length)
{
    datagrams->kind->send_to(datagrams, to, bytes, length);
}

bool peer_receive_from(struct peer_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                       uint32_t *length, struct net_address *from)
{
    return datagrams->kind->receive_from(datagrams, bytes, bytes_max, length, from);
}

void peer_unbind(struct peer_datagrams *datagrams)
{
    struct peer_datagrams **link = &datagrams->world->datagram_peers;

    while (*link != datagrams) link = &(*link)->next;
    *link = datagrams->next;
    datagrams->kind->unbind(datagrams);
}
