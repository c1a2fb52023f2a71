/* SPDX-License-Identifier: MIT */
/* test_cluster_swarm.c - fifty virtual nodes of one cluster, with a broker in memory: partitions,
 * cut connections, copies, late messages, a broker that goes away, restarts. Each scenario follows
 * from a seed. 2 seeds, or WEIR_SEEDS=n of them; WEIR_SEED=n is where they begin, and alone replays
 * that one. WEIR_NODES=n: another number of nodes.
 *
 *      start -> all nodes know each other -> faults at random -> healed, without faults -> checks
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_world.h"
#include "require.h"

#define SEEDS 2u
#define NODES 50u
#define NAMES 6u
#define FAULTS_MS 15000u /* that faults go on */
#define MEET_MS 4000u    /* until nodes that can reach each other know it */
#define SETTLE_MS 70000u /* until everything is announced again: BINDS_ROUND_MS and more */
#define SETTLE_STEP_MS 50u
#define FOREGONE_MS 9000u /* until a silent node counts as gone */

static struct memory_hub_options hub_options(uint64_t seed)
{
    return (struct memory_hub_options){.seed = seed, .latency_max_ms = 20};
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static struct cluster_world *open_world(uint64_t seed)
{
    struct memory_hub_options hub = hub_options(seed);
    struct cluster_world *world =
        cluster_world_open(seed, (uint32_t)number_of("WEIR_NODES", NODES), &hub);

    for (uint32_t i = 0; i < world->nodes_count; i++)
        require_equal(cluster_world_start(world, i), WEIR_OK);
    cluster_world_run(world, MEET_MS);
    return world;
}

static struct cluster_node *random_node(struct cluster_world *world)
{
    return &world->nodes[cluster_world_roll(world, world->nodes_count)];
}

static struct cluster_client *random_client(struct cluster_world *world)
{
    return &random_node(world)->clients[cluster_world_roll(world, CLUSTER_WORLD_CLIENTS_MAX)];
}

/* Every node broadcasts once to each group that it uses; then nothing is on its way. */
static void broadcast_from_all(struct cluster_world *world, uint32_t groups_count)
{
    for (uint32_t i = 0; i < world->nodes_count; i++)
        for (uint32_t group = 0; group < groups_count; group++)
            cluster_client_say(&world->nodes[i].clients[0], "b", (char[]){(char)('0' + group), 0});
    cluster_world_run(world, 1000);
}

/* A single seed shows what happened. */
static void show(struct cluster_world *world)
{
    if (getenv("WEIR_SEED") && !getenv("WEIR_SEEDS")) cluster_world_print(world);
}

/* ---- faults ---- */

static void cut_or_connect(struct cluster_world *world)
{
    struct cluster_node *node = random_node(world);

    node->is_cut = !node->is_cut;
    memory_hub_cut(world->hub, node->slot, node->is_cut);
}

static void divide(struct cluster_world *world, bool heal)
{
    for (uint32_t i = 0; i < world->nodes_count; i++)
        memory_hub_set_side(world->hub, i, heal ? 0 : cluster_world_roll(world, 2));
}

static void cut_all(struct cluster_world *world, bool is_cut)
{
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        world->nodes[i].is_cut = is_cut;
        memory_hub_cut(world->hub, i, is_cut);
    }
}

static void change_faults(struct cluster_world *world)
{
    switch (cluster_world_roll(world, 8)) {
    case 0: divide(world, false); break;
    case 1: divide(world, true); break;
    case 2: cut_all(world, cluster_world_roll(world, 3) == 0); break;
    case 3: memory_hub_set_stuck(world->hub, random_node(world)->slot, true); break;
    case 4: memory_hub_set_stuck(world->hub, random_node(world)->slot, false); break;
    case 5:
        memory_hub_set_faults(world->hub, cluster_world_roll(world, 10),
                              cluster_world_roll(world, 10));
        break;
    default: cut_or_connect(world); break;
    }
}

static void heal(struct cluster_world *world)
{
    cut_all(world, false);
    divide(world, true);
    memory_hub_set_faults(world->hub, 0, 0);
    for (uint32_t i = 0; i < world->nodes_count; i++) memory_hub_set_stuck(world->hub, i, false);
}

/* ---- exact accounting ---- */

static uint64_t dropped_of(const struct weir_cluster_stats *stats)
{
    return stats->dropped_away + stats->dropped_queue + stats->dropped_write +
           stats->dropped_too_large + stats->dropped_refused + stats->dropped_memory;
}

static uint64_t refused_of(const struct weir_cluster_stats *stats)
{
    return stats->refused_mailbox + stats->refused_gone + stats->refused_malformed +
           stats->refused_other;
}

/* Every message that handlers sent is in exactly one counter. */
static void check_sender(const struct cluster_node *node)
{
    struct weir_cluster_stats stats = cluster_node_stats(node);

    require_equal(stats.queue_messages, 0);
    require_equal(stats.sent + dropped_of(&stats), node->accepted);
    require_equal(stats.sent, memory_hub_counts(node->world->hub, node->slot).published);
}

/* What the others sent was delivered, was refused under a cause, or is missing in the sequence. */
static void check_receiver(const struct cluster_node *node, uint64_t published)
{
    struct weir_cluster_stats stats = cluster_node_stats(node);
    struct memory_hub_counts counts = memory_hub_counts(node->world->hub, node->slot);

    require_equal(stats.received + refused_of(&stats) + stats.refused_repeated, counts.delivered);
    require_equal(stats.received, node->clients[0].news);
    require_equal(stats.received + refused_of(&stats) + stats.gaps, published - counts.published);
    /* A copy of a message, or a late one, is never counted as another message. */
    for (uint32_t i = 0; i < CLUSTER_WORLD_CLIENTS_MAX; i++) {
        require_equal(node->clients[i].local_news, node->accepted);
        require_equal(node->clients[i].news, node->clients[0].news);
    }
}

static void check_accounts(struct cluster_world *world)
{
    uint64_t published = 0;

    for (uint32_t i = 0; i < world->nodes_count; i++)
        published += memory_hub_counts(world->hub, i).published;
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        check_sender(&world->nodes[i]);
        check_receiver(&world->nodes[i], published);
    }
}

/* One group with members on every node, and all faults except restarts. */
static uint64_t run_accounting(uint64_t seed)
{
    struct cluster_world *world = open_world(seed);

    broadcast_from_all(world, 1);
    check_accounts(world);
    for (uint32_t i = 0; i < world->nodes_count; i++)
        require_equal(cluster_node_stats(&world->nodes[i]).gaps, 0);
    for (uint32_t passed = 0; passed < FAULTS_MS; passed += CLUSTER_WORLD_STEP_MS) {
        if (cluster_world_roll(world, 50) == 0) change_faults(world);
        if (cluster_world_roll(world, 2) == 0) cluster_client_say(random_client(world), "b", "0");
        cluster_world_run(world, CLUSTER_WORLD_STEP_MS);
    }
    heal(world);
    cluster_world_run_by(world, SETTLE_MS, SETTLE_STEP_MS);
    broadcast_from_all(world, 1); /* so that each receiver learns of its last gaps */
    show(world);
    check_accounts(world);
    uint64_t hash = memory_hub_hash(world->hub);
    cluster_world_free(world);
    return hash;
}

/* ---- everything together ---- */

static void act(struct cluster_world *world)
{
    struct cluster_client *client = random_client(world);
    const char group[] = {(char)('0' + cluster_world_roll(world, CLUSTER_WORLD_GROUPS)), 0};
    const char name[] = {'n', (char)('0' + cluster_world_roll(world, NAMES)), 0};

    if (!client->node->server) return;
    if (!client->peer) {
        cluster_client_connect(client);
        return;
    }
    switch (cluster_world_roll(world, 10)) {
    case 0: cluster_client_say(client, "j", group); break;
    case 1: cluster_client_say(client, "l", group); break;
    case 2: cluster_client_say(client, "r", name); break;
    case 3: cluster_client_say(client, "f", name); break;
    case 4: cluster_client_say(client, "u", ""); break;
    case 5:
    case 6: cluster_client_say(client, "s", name); break;
    default: cluster_client_say(client, "b", group); break;
    }
}

static void restart(struct cluster_world *world, uint32_t index)
{
    cluster_world_stop(world, index, cluster_world_roll(world, 2) == 0);
    require_equal(cluster_world_start(world, index), WEIR_OK);
}

struct count_result {
    bool is_done, incomplete;
    uint64_t members;
};

static void on_count(const struct weir_group_members *count, void *argument)
{
    *(struct count_result *)argument =
        (struct count_result){true, count->incomplete, count->members};
}

static struct count_result count_group(struct cluster_node *node, const char *group)
{
    struct count_result result = {false};

    require_equal(weir_group_count(node->server, group, 0, on_count, &result), WEIR_OK);
    for (uint32_t passed = 0; !result.is_done; passed += CLUSTER_WORLD_STEP_MS) {
        require(passed < 5000); /* count_deadline_max_ms is 1000 */
        cluster_world_run(node->world, CLUSTER_WORLD_STEP_MS);
    }
    return result;
}

static uint64_t members_of(const struct cluster_world *world, uint32_t group)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < world->nodes_count; i++)
        for (uint32_t j = 0; j < CLUSTER_WORLD_CLIENTS_MAX; j++)
            count += world->nodes[i].clients[j].peer && world->nodes[i].clients[j].in_group[group];
    return count;
}

/* After healing each node sees all others, and every group and name is whole. */
static void check_whole(struct cluster_world *world)
{
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        struct weir_cluster_stats stats = cluster_node_stats(&world->nodes[i]);
        require_equal(stats.state, WEIR_CLUSTER_CONNECTED);
        require_equal(stats.nodes, world->nodes_count - 1);
        require_equal(stats.refused_malformed, 0);
        require_equal(stats.sent + dropped_of(&stats),
                      world->nodes[i].accepted + world->nodes[i].remote_sends);
    }
    for (uint32_t group = 0; group < CLUSTER_WORLD_GROUPS; group++) {
        struct count_result result =
            count_group(random_node(world), (char[]){(char)('0' + group), 0});
        require(!result.incomplete);
        require_equal(result.members, members_of(world, group));
    }
}

/* A name that had a holder has one, and every node reaches it. */
static void check_name(struct cluster_world *world, const char *name, bool had_holder)
{
    struct cluster_client *holder;

    require_equal(cluster_world_holders(world, name, &holder), had_holder ? 1 : 0);
    if (!had_holder) return;
    uint32_t before = holder->name_news;
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        struct cluster_client *client = &world->nodes[i].clients[0];
        if (!client->peer) cluster_client_connect(client);
        cluster_client_say(client, "s", name);
    }
    cluster_world_run(world, 1000);
    require_equal(holder->name_news - before, world->nodes_count);
}

static uint64_t run_everything(uint64_t seed)
{
    struct cluster_world *world = open_world(seed);
    bool had_holder[NAMES];

    for (uint32_t passed = 0; passed < FAULTS_MS; passed += CLUSTER_WORLD_STEP_MS) {
        if (cluster_world_roll(world, 50) == 0) change_faults(world);
        if (cluster_world_roll(world, 300) == 0)
            restart(world, cluster_world_roll(world, world->nodes_count));
        if (cluster_world_roll(world, 2) == 0) act(world);
        cluster_world_run(world, CLUSTER_WORLD_STEP_MS);
    }
    heal(world);
    cluster_world_run(world, 500); /* answers that are on their way */
    for (uint32_t i = 0; i < NAMES; i++) {
        struct cluster_client *holder;
        had_holder[i] =
            cluster_world_holders(world, (char[]){'n', (char)('0' + i), 0}, &holder) > 0;
    }
    cluster_world_run_by(world, SETTLE_MS, SETTLE_STEP_MS);
    show(world);
    for (uint32_t i = 0; i < NAMES; i++)
        check_name(world, (char[]){'n', (char)('0' + i), 0}, had_holder[i]);
    check_whole(world);
    uint64_t hash = memory_hub_hash(world->hub);
    cluster_world_free(world);
    return hash;
}

/* ---- seeds ---- */

static void run_seeds(const char *what, uint64_t (*run)(uint64_t seed))
{
    uint64_t first = number_of("WEIR_SEED", 1);
    uint64_t count = number_of("WEIR_SEEDS", getenv("WEIR_SEED") ? 1 : SEEDS);

    for (uint64_t seed = first; seed < first + count; seed++) {
        printf("%s: WEIR_SEED=%llu\n", what, (unsigned long long)seed);
        fflush(stdout);
        uint64_t hash = run(seed);
        if (seed == first) require_equal(run(seed), hash);
    }
}

static void every_message_is_accounted_for(void **state)
{
    (void)state;
    run_seeds("accounting", run_accounting);
}

static void the_cluster_heals(void **state)
{
    (void)state;
    run_seeds("everything", run_everything);
}

/* ---- single stories ---- */

static void a_count_is_complete_or_flagged(void **state)
{
    struct cluster_world *world = open_world(1);
    uint32_t half = world->nodes_count / 2;
    struct count_result result = count_group(&world->nodes[0], "0");

    (void)state;
    require(!result.incomplete);
    require_equal(result.members, world->nodes_count * CLUSTER_WORLD_CLIENTS_MAX);
    for (uint32_t i = half; i < world->nodes_count; i++) memory_hub_set_side(world->hub, i, 1);
    result = count_group(&world->nodes[0], "0");
    require(result.incomplete);
    require_equal(result.members, half * CLUSTER_WORLD_CLIENTS_MAX);
    cluster_world_run(world, FOREGONE_MS);
    result = count_group(&world->nodes[0], "0");
    require(!result.incomplete);
    require_equal(result.members, half * CLUSTER_WORLD_CLIENTS_MAX);
    memory_hub_cut(world->hub, 0, true);
    result = count_group(&world->nodes[0], "0");
    require(result.incomplete);
    require_equal(result.members, CLUSTER_WORLD_CLIENTS_MAX);
    cluster_world_free(world);
}

/* Two sessions bind a name in two halves of the cluster: the newer bind wins when they meet. */
static void the_newer_bind_wins(void **state)
{
    struct cluster_world *world = open_world(2);
    struct cluster_client *holder;

    (void)state;
    for (uint32_t newer = 0; newer < 2; newer++) {
        memory_hub_set_side(world->hub, 1, 1);
        cluster_client_say(&world->nodes[!newer].clients[0], "r", "ada");
        cluster_world_run(world, 1000);
        cluster_client_say(&world->nodes[newer].clients[0], "r", "ada");
        cluster_world_run(world, FOREGONE_MS);
        require_equal(cluster_world_holders(world, "ada", &holder), 2);
        memory_hub_set_side(world->hub, 1, 0);
        cluster_world_run_by(world, SETTLE_MS, SETTLE_STEP_MS);
        check_name(world, "ada", true);
        cluster_world_holders(world, "ada", &holder);
        require(holder == &world->nodes[newer].clients[0]);
        require_equal(cluster_node_stats(&world->nodes[!newer]).evicted, 1);
        cluster_client_connect(&world->nodes[0].clients[0]);
        cluster_client_connect(&world->nodes[1].clients[0]);
        cluster_world_run(world, 1000);
        require_equal(cluster_world_holders(world, "ada", &holder), 0);
        if (newer == 0) {
            cluster_world_stop(world, 0, false);
            cluster_world_stop(world, 1, false);
            require_equal(cluster_world_start(world, 0), WEIR_OK);
            require_equal(cluster_world_start(world, 1), WEIR_OK);
            cluster_world_run(world, MEET_MS);
        }
    }
    cluster_world_free(world);
}

/* IF_FREE: the older holder keeps the name, on whichever node it is. */
static void a_name_in_use_is_not_free(void **state)
{
    struct cluster_world *world = open_world(3);
    struct cluster_client *holder;

    (void)state;
    cluster_client_say(&world->nodes[0].clients[0], "f", "ada");
    cluster_world_run(world, 1000);
    cluster_client_say(&world->nodes[1].clients[0], "f", "ada");
    cluster_world_run(world, 1000);
    require_equal(cluster_world_holders(world, "ada", &holder), 1);
    require(holder == &world->nodes[0].clients[0]);
    cluster_client_say(&world->nodes[1].clients[1], "r", "ada");
    cluster_world_run(world, 1000);
    require_equal(cluster_world_holders(world, "ada", &holder), 1);
    require(holder == &world->nodes[1].clients[1]);
    cluster_world_free(world);
}

/* After kill -9 a node starts again immediately; a second node with a number in use is refused. */
static void a_number_belongs_to_one_node(void **state)
{
    struct cluster_world *world = open_world(4);
    struct cluster_node *copy = &world->nodes[world->nodes_count - 1];

    (void)state;
    cluster_world_stop(world, 0, true);
    require_equal(cluster_world_start(world, 0), WEIR_OK);
    cluster_world_run(world, 5000);
    require_equal(cluster_node_stats(&world->nodes[0]).state, WEIR_CLUSTER_CONNECTED);
    cluster_world_stop(world, copy->slot, false);
    copy->number = world->nodes[0].number;
    require_equal(cluster_world_start(world, copy->slot), WEIR_OK);
    cluster_world_run(world, 5000);
    require_equal(cluster_node_stats(copy).state, WEIR_CLUSTER_REFUSED);
    require_equal(cluster_node_stats(&world->nodes[0]).state, WEIR_CLUSTER_CONNECTED);
    require(cluster_node_stats(&world->nodes[0]).conflicts > 0);
    cluster_client_say(&copy->clients[0], "b", "0");
    cluster_world_run(world, 1000);
    require_equal(copy->clients[1].local_news, 1);
    require_equal(cluster_node_stats(copy).dropped_refused, 1);
    cluster_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_accounted_for),
        cmocka_unit_test(the_cluster_heals),
        cmocka_unit_test(a_count_is_complete_or_flagged),
        cmocka_unit_test(the_newer_bind_wins),
        cmocka_unit_test(a_name_in_use_is_not_free),
        cmocka_unit_test(a_number_belongs_to_one_node),
    };

    return cmocka_run_group_tests_name("cluster_swarm", tests, NULL, NULL);
}
