/* SPDX-License-Identifier: MIT */
/* cluster_world.c - virtual nodes of one cluster, and their clients: see cluster_world.h. */
#include "cluster_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "clock.h"
#include "cluster_join.h"
#include "names.h"
#include "require.h"
#include "server_state.h"
#include "sim.h"
#include "surroundings.h"
#include "worker_thread.h"

#define CLUSTER_WORLD__UNIX_MS INT64_C(1767225600000) /* 2026-01-01 */
#define CLUSTER_WORLD__ITERATIONS_MAX 100000u         /* until a stopped server has ended */

static struct cluster_world *cluster_world__present;

/* ---- time and randomness ---- */

static uint64_t cluster_world__next(struct cluster_world *world)
{
    uint64_t value = world->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint32_t cluster_world_roll(struct cluster_world *world, uint32_t bound)
{
    return (uint32_t)((cluster_world__next(world) >> 32) % bound);
}

static uint64_t cluster_world__now_ms(void)
{
    return sim_now_ns(cluster_world__present->simulation) / CLOCK_NS_PER_MS;
}

static int64_t cluster_world__unix_ms(void)
{
    return CLUSTER_WORLD__UNIX_MS + (int64_t)cluster_world__now_ms();
}

static bool cluster_world__random(void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)cluster_world__next(cluster_world__present);
    return true;
}

static const struct surroundings cluster_world__surroundings = {.now_ms = cluster_world__now_ms,
                                                                .unix_ms = cluster_world__unix_ms,
                                                                .random = cluster_world__random};

/* ---- the handler of every node ---- */

static struct cluster_node *cluster_world__node_of(const struct weir_session *session)
{
    const struct weir_server *server = weir_session_server(session);
    struct cluster_world *world = cluster_world__present;
    uint32_t i = 0;

    while (i < world->nodes_count && world->nodes[i].server != server) i++;
    require(i < world->nodes_count);
    return &world->nodes[i];
}

static void cluster_world__answer(struct weir_session *session, const char *word,
                                  const char *object)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %s", word, object);

    weir_session_send(session, text, (size_t)length);
}

static void cluster_world__broadcast(struct cluster_node *node, const char *group)
{
    uint32_t *number = &node->numbers[group[0] - '0'];
    char text[64];
    int length =
        snprintf(text, sizeof text, "m %s %u %u %u", group, node->slot, node->life, *number + 1);

    if (weir_broadcast(node->server, group, text, (size_t)length, 0) != WEIR_OK) return;
    ++*number;
    node->accepted++;
}

static void cluster_world__send_name(struct cluster_node *node, const char *name)
{
    char text[64];
    int length = snprintf(text, sizeof text, "n %s %u %u %u", name, node->slot, node->life,
                          node->name_numbers + 1);
    bool is_local = names_holder(&node->server->common, name) != 0;

    /* Without a holder here the cluster counts it in one of its counters, whatever the result. */
    node->remote_sends += !is_local;
    if (weir_send_name(node->server, name, text, (size_t)length) == WEIR_OK) node->name_numbers++;
}

static void cluster_world__on_message(struct weir_session *session,
                                      const struct weir_message *message)
{
    struct cluster_node *node = cluster_world__node_of(session);
    char line[64], *object = line + 2;

    require(message->length < sizeof line);
    memcpy(line, message->bytes, message->length);
    line[message->length] = '\0';
    switch (line[0]) {
    case 'j': require(weir_session_join(session, object) == WEIR_OK); break;
    case 'l': weir_session_leave(session, object); break;
    case 'b': cluster_world__broadcast(node, object); break;
    case 's': cluster_world__send_name(node, object); break;
    case 'r':
    case 'f': {
        enum weir_bind how = line[0] == 'r' ? WEIR_BIND_REPLACE : WEIR_BIND_IF_FREE;
        enum weir_code code = weir_session_bind(session, object, how);
        require(code == WEIR_OK || code == WEIR_NAME_TAKEN);
        cluster_world__answer(session, code == WEIR_OK ? "bound" : "taken", object);
        break;
    }
    case 'u':
        weir_session_unbind(session);
        cluster_world__answer(session, "unbound", "");
        break;
    default: require_failed(__FILE__, __LINE__, "a client said '%s'", line);
    }
}

static const struct weir_handler cluster_world__handler = {.size = sizeof(struct weir_handler),
                                                           .name = "cluster",
                                                           .on_message = cluster_world__on_message};

/* ---- clients ---- */

static void cluster_client__forget(struct cluster_client *client)
{
    if (client->peer) sim_peer_close(client->peer);
    client->peer = NULL;
    client->line_length = 0;
    client->name[0] = '\0';
    memset(client->in_group, 0, sizeof client->in_group);
}

void cluster_client_say(struct cluster_client *client, const char *verb, const char *object)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %s\n", verb, object);

    if (!client->peer || sim_peer_state(client->peer) != SIM_CONNECTED) return;
    require(sim_peer_send(client->peer, text, (uint32_t)length) == (uint32_t)length);
    if (verb[0] == 'j' || verb[0] == 'l') client->in_group[object[0] - '0'] = verb[0] == 'j';
}

static void cluster_client__take_news(struct cluster_client *client, const char *line)
{
    uint32_t group, node, life, number;

    require(sscanf(line, "m %u %u %u %u", &group, &node, &life, &number) == 4);
    require(group < CLUSTER_WORLD_GROUPS && node < CLUSTER_WORLD_NODES_MAX);
    if (life == client->last[node][group].life && number <= client->last[node][group].number)
        require_failed(__FILE__, __LINE__,
                       "node %u received message %u of node %u to group %u after %u",
                       client->node->slot, number, node, group, client->last[node][group].number);
    require(life >= client->last[node][group].life);
    client->last[node][group].life = life;
    client->last[node][group].number = number;
    if (node == client->node->slot)
        client->local_news++;
    else
        client->news++;
}

static void cluster_client__take_line(struct cluster_client *client, const char *line)
{
    if (line[0] == 'm') {
        cluster_client__take_news(client, line);
    } else if (strncmp(line, "bound ", 6) == 0) {
        snprintf(client->name, sizeof client->name, "%.15s", line + 6);
        client->bound_at = client->node->world->now_ms;
    } else if (strcmp(line, "unbound ") == 0) {
        client->name[0] = '\0';
    } else if (line[0] == 'n') {
        client->name_news++;
    } else {
        require(strncmp(line, "taken ", 6) == 0);
    }
}

static void cluster_client__receive(struct cluster_client *client)
{
    char bytes[512];
    uint32_t count;

    if (!client->peer) return;
    while ((count = sim_peer_receive(client->peer, bytes, sizeof bytes)) > 0)
        for (uint32_t i = 0; i < count; i++) {
            require(client->line_length < sizeof client->line);
            client->line[client->line_length++] = bytes[i] == '\n' ? '\0' : bytes[i];
            if (bytes[i] != '\n') continue;
            client->line_length = 0;
            cluster_client__take_line(client, client->line);
        }
    if (sim_peer_saw_end(client->peer) || sim_peer_saw_reset(client->peer))
        cluster_client__forget(client);
}

void cluster_client_connect(struct cluster_client *client)
{
    struct cluster_node *node = client->node;
    struct weir_listener_info info;

    cluster_client__forget(client);
    memset(client->last, 0, sizeof client->last);
    weir_server_listener(node->server, 0, &info);
    struct net_address to = address_of_public(&info.address);
    client->peer = sim_connect(node->world->simulation, &to, NULL);
    while (sim_peer_state(client->peer) == SIM_CONNECTING)
        cluster_world_run(node->world, CLUSTER_WORLD_STEP_MS);
    cluster_client_say(client, "j", "0");
}

/* ---- nodes ---- */

static enum weir_code cluster_world__open_broker(void *argument,
                                                 const struct weir_cluster_options *options,
                                                 const struct broker_events *events,
                                                 struct broker **broker, struct weir_error *error)
{
    struct cluster_node *node = argument;

    (void)options;
    (void)error;
    *broker = memory_broker_open(node->world->hub, node->slot, events);
    return WEIR_OK;
}

static void cluster_world__open_server(struct cluster_node *node)
{
    static const struct weir_listen listen = {.size = sizeof listen,
                                              .proto = WEIR_TCP,
                                              .address = "127.0.0.1:0",
                                              .codec = "line",
                                              .custom_handler = &cluster_world__handler};
    struct weir_config config;

    weir_config_init(&config);
    config.transport = "simulated";
    config.workers = 1;
    config.bind_wait_ms = 0;
    config.node = node->number;
    require(weir_server_open(&config, &node->server, NULL) == WEIR_OK);
    node->server->simulation = node->world->simulation;
    uint8_t *key = (uint8_t *)&node->server->common.key;
    for (size_t i = 0; i < sizeof node->server->common.key; i++)
        key[i] = (uint8_t)cluster_world__next(node->world);
    require(weir_server_listen(node->server, &listen, NULL) == WEIR_OK);
}

static void cluster_world__close_server(struct cluster_node *node)
{
    weir_cluster_leave(node->cluster);
    node->cluster = NULL;
    weir_server_free(node->server);
    node->server = NULL;
}

enum weir_code cluster_world_start(struct cluster_world *world, uint32_t index)
{
    struct cluster_node *node = &world->nodes[index];
    struct weir_cluster_options options = {.size = sizeof options};

    require(!node->server);
    options.servers = "memory";
    options.name = "test";
    /* Half of the nodes keep messages while the broker is away. */
    options.stale = index % 2 ? WEIR_CLUSTER_STALE_KEEP : WEIR_CLUSTER_STALE_DROP;
    node->life++;
    node->due_ms = node->accepted = node->remote_sends = node->name_numbers = 0;
    memset(node->numbers, 0, sizeof node->numbers);
    cluster_world__open_server(node);
    enum weir_code code = cluster_join_here(node->server, &options, cluster_world__open_broker,
                                            node, &node->cluster, NULL);
    if (code != WEIR_OK) {
        cluster_world__close_server(node);
        return code;
    }
    require(weir_server_start_here(node->server, NULL) == WEIR_OK);
    for (uint32_t i = 0; i < CLUSTER_WORLD_CLIENTS_MAX; i++)
        cluster_client_connect(&node->clients[i]);
    return WEIR_OK;
}

void cluster_world_stop(struct cluster_world *world, uint32_t index, bool kill)
{
    struct cluster_node *node = &world->nodes[index];
    uint32_t iterations = 0;

    if (!node->server) return;
    if (kill) memory_hub_kill(world->hub, node->slot);
    weir_server_stop(node->server);
    while (worker_thread_iterate_here(&node->server->threads[0], sim_now_ns(world->simulation)))
        require(++iterations < CLUSTER_WORLD__ITERATIONS_MAX);
    for (uint32_t i = 0; i < CLUSTER_WORLD_CLIENTS_MAX; i++) {
        cluster_client__receive(&node->clients[i]);
        cluster_client__forget(&node->clients[i]);
    }
    weir_server_wait(node->server);
    cluster_world__close_server(node);
}

struct weir_cluster_stats cluster_node_stats(const struct cluster_node *node)
{
    struct weir_cluster_stats stats;

    weir_cluster_read_stats(node->cluster, &stats, sizeof stats);
    return stats;
}

/* ---- the world ---- */

struct cluster_world *cluster_world_open(uint64_t seed, uint32_t nodes_count,
                                         const struct memory_hub_options *hub)
{
    struct cluster_world *world = calloc(1, sizeof *world);
    struct sim_options network;

    require(world != NULL && nodes_count <= CLUSTER_WORLD_NODES_MAX);
    sim_options_init(&network);
    network.seed = seed;
    world->simulation = sim_open(&network);
    world->hub = memory_hub_open(hub);
    world->random = seed;
    world->nodes_count = nodes_count;
    for (uint32_t i = 0; i < nodes_count; i++) {
        struct cluster_node *node = &world->nodes[i];
        node->world = world;
        node->slot = i;
        node->number = i + 1;
        for (uint32_t j = 0; j < CLUSTER_WORLD_CLIENTS_MAX; j++) node->clients[j].node = node;
    }
    cluster_world__present = world;
    surroundings_set(&cluster_world__surroundings);
    return world;
}

void cluster_world_free(struct cluster_world *world)
{
    for (uint32_t i = 0; i < world->nodes_count; i++) cluster_world_stop(world, i, false);
    memory_hub_free(world->hub);
    sim_free(world->simulation);
    surroundings_set(NULL);
    cluster_world__present = NULL;
    free(world);
}

static void cluster_world__step_node(struct cluster_node *node)
{
    struct cluster_world *world = node->world;

    if (!node->server || !node->server->started) return;
    require(worker_thread_iterate_here(&node->server->threads[0], sim_now_ns(world->simulation)));
    uint64_t now_ms = cluster_world__now_ms();
    if (node->due_ms <= now_ms || cluster_world_roll(world, 4) == 0)
        node->due_ms = cluster_join_step(node->cluster, now_ms);
    for (uint32_t i = 0; i < CLUSTER_WORLD_CLIENTS_MAX; i++)
        cluster_client__receive(&node->clients[i]);
}

void cluster_world_run_by(struct cluster_world *world, uint32_t ms, uint32_t step_ms)
{
    for (uint32_t passed = 0; passed < ms; passed += step_ms) {
        sim_work_ns(world->simulation, step_ms * CLOCK_NS_PER_MS);
        world->now_ms += step_ms;
        memory_hub_step(world->hub, world->now_ms);
        for (uint32_t i = 0; i < world->nodes_count; i++)
            cluster_world__step_node(&world->nodes[i]);
    }
}

void cluster_world_run(struct cluster_world *world, uint32_t ms)
{
    cluster_world_run_by(world, ms, CLUSTER_WORLD_STEP_MS);
}

uint32_t cluster_world_holders(struct cluster_world *world, const char *name,
                               struct cluster_client **holder)
{
    uint32_t count = 0;

    *holder = NULL;
    for (uint32_t i = 0; i < world->nodes_count; i++)
        for (uint32_t j = 0; j < CLUSTER_WORLD_CLIENTS_MAX; j++) {
            struct cluster_client *client = &world->nodes[i].clients[j];
            if (!client->peer || strcmp(client->name, name) != 0) continue;
            *holder = client;
            count++;
        }
    return count;
}

void cluster_world_print(struct cluster_world *world)
{
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        const struct cluster_node *node = &world->nodes[i];
        if (!node->cluster) continue;
        struct weir_cluster_stats now = cluster_node_stats(node);
        printf("node %u life %u state %d: sent %llu away %llu queue %llu write %llu memory %llu, "
               "received %llu gone %llu repeated %llu malformed %llu gaps %llu nodes %llu\n",
               i, node->life, (int)now.state, (unsigned long long)now.sent,
               (unsigned long long)now.dropped_away, (unsigned long long)now.dropped_queue,
               (unsigned long long)now.dropped_write, (unsigned long long)now.dropped_memory,
               (unsigned long long)now.received, (unsigned long long)now.refused_gone,
               (unsigned long long)now.refused_repeated, (unsigned long long)now.refused_malformed,
               (unsigned long long)now.gaps, (unsigned long long)now.nodes);
    }
}
