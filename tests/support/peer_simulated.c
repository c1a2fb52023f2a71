/* SPDX-License-Identifier: MIT */
/* peer_simulated.c - implements struct peer_kind with the peers of a simulation. */
#include <stdlib.h>

#include "peer.h"
#include "require.h"
#include "sim.h"
#include "world.h"

struct simulated_peer {
    struct peer peer; /* first */
    struct sim_peer *far;
};

struct simulated_datagrams {
    struct peer_datagrams datagrams; /* first */
    struct sim_datagrams *far;
};

struct simulated_listener {
    struct peer_listener listener; /* first */
    struct sim_listener *far;
};

static struct sim_peer *simulated__far(struct peer *peer)
{
    return ((struct simulated_peer *)(void *)peer)->far;
}

static struct sim_datagrams *simulated__socket(struct peer_datagrams *datagrams)
{
    return ((struct simulated_datagrams *)(void *)datagrams)->far;
}

static struct peer *simulated__connect(struct world *world, const struct net_address *to)
{
    struct simulated_peer *peer = calloc(1, sizeof *peer);

    require(peer != NULL);
    peer->far = sim_connect(world->simulation, to, NULL);
    return &peer->peer;
}

static enum peer_state simulated__state(struct peer *peer)
{
    switch (sim_peer_state(simulated__far(peer))) {
    case SIM_CONNECTING: return PEER_CONNECTING;
    case SIM_CONNECTED: return PEER_CONNECTED;
    case SIM_REFUSED: break;
    }
    return PEER_REFUSED;
}

static struct net_address simulated__address(struct peer *peer)
{
    return sim_peer_address(simulated__far(peer));
}

static uint32_t simulated__send(struct peer *peer, const void *bytes, uint32_t count)
{
    return sim_peer_send(simulated__far(peer), bytes, count);
}

static uint32_t simulated__receive(struct peer *peer, void *bytes, uint32_t bytes_max)
{
    return sim_peer_receive(simulated__far(peer), bytes, bytes_max);
}

static void simulated__finish(struct peer *peer)
{
    sim_peer_finish(simulated__far(peer));
}

static void simulated__reset(struct peer *peer)
{
    sim_peer_reset(simulated__far(peer));
}

static void simulated__close(struct peer *peer)
{
    sim_peer_close(simulated__far(peer));
    free(peer);
}

static bool simulated__saw_fin(struct peer *peer)
{
    return sim_peer_saw_end(simulated__far(peer));
}

static bool simulated__saw_reset(struct peer *peer)
{
    return sim_peer_saw_reset(simulated__far(peer));
}

static struct peer_datagrams *simulated__bind(struct world *world,
                                              const struct net_address *address)
{
    struct simulated_datagrams *datagrams = calloc(1, sizeof *datagrams);

    require(datagrams != NULL);
    datagrams->far = sim_datagrams_open(world->simulation, address);
    require(datagrams->far != NULL);
    return &datagrams->datagrams;
}

static struct net_address simulated__bound(struct peer_datagrams *datagrams)
{
    return sim_datagrams_address(simulated__socket(datagrams));
}

static void simulated__send_to(struct peer_datagrams *datagrams, const struct net_address *to,
                               const void *bytes, uint32_t length)
{
    sim_datagrams_send(simulated__socket(datagrams), to, bytes, length);
}

static bool simulated__receive_from(struct peer_datagrams *datagrams, void *bytes,
                                    uint32_t bytes_max, uint32_t *length, struct net_address *from)
{
    return sim_datagrams_receive(simulated__socket(datagrams), bytes, bytes_max, length, from);
}

static void simulated__unbind(struct peer_datagrams *datagrams)
{
    sim_datagrams_close(simulated__socket(datagrams));
    free(datagrams);
}

static struct sim_listener *simulated__listener(struct peer_listener *listener)
{
    return ((struct simulated_listener *)(void *)listener)->far;
}

static struct peer_listener *simulated__listen(struct world *world,
                                               const struct net_address *address, uint32_t backlog)
{
    struct simulated_listener *listener = calloc(1, sizeof *listener);

    require(listener != NULL);
    listener->far = sim_listen(world->simulation, address, backlog);
    require(listener->far != NULL);
    return &listener->listener;
}

static struct net_address simulated__listens(struct peer_listener *listener)
{
    return sim_listener_address(simulated__listener(listener));
}

static struct peer *simulated__accept(struct peer_listener *listener)
{
    struct sim_peer *far = sim_accept(simulated__listener(listener));

    if (!far) return NULL;
    struct simulated_peer *peer = calloc(1, sizeof *peer);
    require(peer != NULL);
    peer->far = far;
    return &peer->peer;
}

static void simulated__unlisten(struct peer_listener *listener)
{
    sim_listener_close(simulated__listener(listener));
    free(listener);
}

const struct peer_kind peer_simulated = {
    .connect = simulated__connect,
    .state = simulated__state,
    .address = simulated__address,
    .send = simulated__send,
    .receive = simulated__receive,
    .finish = simulated__finish,
    .reset = simulated__reset,
    .close = simulated__close,
    .saw_fin = simulated__saw_fin,
    .saw_reset = simulated__saw_reset,
    .bind = simulated__bind,
    .bound = simulated__bound,
    .send_to = simulated__send_to,
    .receive_from = simulated__receive_from,
    .unbind = simulated__unbind,
    .listen = simulated__listen,
    .listens = simulated__listens,
    .accept = simulated__accept,
    .unlisten = simulated__unlisten,
};
