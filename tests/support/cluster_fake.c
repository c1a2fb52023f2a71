/* SPDX-License-Identifier: MIT */
/* cluster_fake.c - nodes over the broker in memory, each with a fake server. */
#include "cluster_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "surroundings.h"

struct cluster_fake_node cluster_fake_nodes[CLUSTER_FAKE_NODES_MAX];
struct memory_hub *cluster_fake_hub;
uint64_t cluster_fake_now_ms;

static uint64_t random_state;

/* ---- time and random bytes ---- */

static uint64_t now_ms(void)
{
    return cluster_fake_now_ms;
}

static int64_t unix_ms(void)
{
    return INT64_C(1800000000000) + (int64_t)cluster_fake_now_ms;
}

static bool fill_random(void *bytes, size_t length)
{
    uint8_t *at = bytes;

    for (size_t i = 0; i < length; i++) {
        random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
        at[i] = (uint8_t)(random_state >> 56);
    }
    return true;
}

static const struct surroundings surroundings = {
    .now_ms = now_ms, .unix_ms = unix_ms, .random = fill_random};

/* ---- the fake server ---- */

static struct cluster_fake_node *node_of(const struct weir_server *server)
{
    return (struct cluster_fake_node *)(uintptr_t)server;
}

static enum weir_code record(struct weir_server *server, const char *kind, const char *name,
                             uint64_t id, const void *bytes, size_t length)
{
    struct cluster_fake_node *node = node_of(server);
    struct cluster_fake_call *call = &node->log[node->log_count++ % weir_count_of(node->log)];

    memset(call, 0, sizeof *call);
    snprintf(call->kind, sizeof call->kind, "%s", kind);
    snprintf(call->name, sizeof call->name, "%s", name);
    call->id = id;
    if (length > sizeof call->text - 1) length = sizeof call->text - 1;
    if (length > 0) memcpy(call->text, bytes, length);
    return node->result;
}

static enum weir_code fake_broadcast(struct weir_server *server, const char *group,
                                     const void *bytes, size_t length, uint64_t except_id)
{
    return record(server, "broadcast", group, except_id, bytes, length);
}

static enum weir_code fake_send(struct weir_server *server, uint64_t id, const void *bytes,
                                size_t length)
{
    return record(server, "send", "", id, bytes, length);
}

static enum weir_code fake_finish(struct weir_server *server, uint64_t id)
{
    return record(server, "finish", "", id, NULL, 0);
}

static enum weir_code fake_abort(struct weir_server *server, uint64_t id)
{
    return record(server, "abort", "", id, NULL, 0);
}

static enum weir_code fake_send_name(struct weir_server *server, const char *name,
                                     const void *bytes, size_t length)
{
    return record(server, "send_name", name, 0, bytes, length);
}

static enum weir_code fake_evict(struct weir_server *server, const char *name, uint64_t id)
{
    struct cluster_fake_node *node = node_of(server);
    enum weir_code code = record(server, "evict", name, id, NULL, 0);

    if (code == WEIR_OK && node->unbinds) node->calls.on_name_unbound(node->calls.user, name, id);
    return code;
}

static enum weir_code fake_group_count(struct weir_server *server, const char *group,
                                       uint32_t deadline_ms, weir_group_count_fn *on_count,
                                       void *argument)
{
    const struct cluster_fake_node *node = node_of(server);
    const struct weir_group_members count = {
        .server = server, .group = group, .members = node->members, .offered = 10, .dropped = 1};

    if (deadline_ms == 0 || !node->answers_counts) return WEIR_MAILBOX_FULL;
    on_count(&count, argument);
    return WEIR_OK;
}

static void fake_counted(struct weir_bridge_count *count, uint64_t members, uint64_t offered,
                         uint64_t dropped, bool incomplete)
{
    struct cluster_fake_count *result = (struct cluster_fake_count *)(void *)count;

    weir_check(!result->is_answered); /* exactly once */
    *result = (struct cluster_fake_count){true, incomplete, members, offered, dropped};
}

static uint64_t fake_sessions(const struct weir_server *server)
{
    return 100 + node_of(server)->number;
}

static bool fake_draining(const struct weir_server *server)
{
    return node_of(server)->number == 1;
}

static void fake_log(struct weir_server *server, enum weir_log_level level, const char *line)
{
    (void)level;
    snprintf(node_of(server)->last_line, sizeof node_of(server)->last_line, "%s", line);
}

static const struct local_server_ops fake_ops = {
    .broadcast = fake_broadcast,
    .send = fake_send,
    .finish = fake_finish,
    .abort = fake_abort,
    .send_name = fake_send_name,
    .evict = fake_evict,
    .group_count = fake_group_count,
    .counted = fake_counted,
    .sessions = fake_sessions,
    .draining = fake_draining,
    .log = fake_log,
};

/* ---- a broker that can fail, in front of the one in memory ---- */

static struct cluster_fake_node *node_of_broker(struct broker *broker)
{
    return weir_container_of(broker, struct cluster_fake_node, broker);
}

static enum weir_code fake_publish(struct broker *broker, const char *subject, const uint8_t *bytes,
                                   size_t length)
{
    struct cluster_fake_node *node = node_of_broker(broker);

    if (node->publish_result == WEIR_OK)
        return node->in_hub->ops->publish(node->in_hub, subject, bytes, length);
    node->publishes_failed++;
    return node->publish_result;
}

static enum weir_code fake_flush(struct broker *broker)
{
    struct broker *in_hub = node_of_broker(broker)->in_hub;

    return in_hub->ops->flush(in_hub);
}

static enum weir_code fake_subscribe(struct broker *broker, const char *subject, uint64_t *id)
{
    struct broker *in_hub = node_of_broker(broker)->in_hub;

    return in_hub->ops->subscribe(in_hub, subject, id);
}

static void fake_unsubscribe(struct broker *broker, uint64_t id)
{
    struct broker *in_hub = node_of_broker(broker)->in_hub;

    in_hub->ops->unsubscribe(in_hub, id);
}

static void fake_close(struct broker *broker)
{
    struct broker *in_hub = node_of_broker(broker)->in_hub;

    in_hub->ops->close(in_hub);
}

static const struct broker_ops fake_broker_ops = {.name = "fake",
                                                  .publish = fake_publish,
                                                  .flush = fake_flush,
                                                  .subscribe = fake_subscribe,
                                                  .unsubscribe = fake_unsubscribe,
                                                  .close = fake_close};

/* ---- nodes ---- */

void cluster_fake_begin(uint64_t seed)
{
    const struct memory_hub_options options = {
        .seed = seed, .latency_max_ms = 3, .message_bytes_max = 1000};

    random_state = seed;
    cluster_fake_now_ms = 0;
    surroundings_set(&surroundings);
    memset(cluster_fake_nodes, 0, sizeof cluster_fake_nodes);
    cluster_fake_hub = memory_hub_open(&options);
    for (uint32_t i = 0; i < CLUSTER_FAKE_NODES_MAX; i++) {
        struct cluster_fake_node *node = &cluster_fake_nodes[i];
        node->number = i;
        node->answers_counts = node->unbinds = true;
        node->members = 10 + i;
        node->options = (struct weir_cluster_options){.size = sizeof node->options,
                                                      .servers = "none",
                                                      .name = "test",
                                                      .keep_bytes_max = 1000,
                                                      .queue_messages_max = 100,
                                                      .queue_bytes_max = 10000,
                                                      .groups_max = 1000,
                                                      .group_linger_ms = 500,
                                                      .hello_interval_ms = 200,
                                                      .count_deadline_max_ms = 100,
                                                      .address = "here"};
    }
}

void cluster_fake_end(void)
{
    for (uint32_t i = 0; i < CLUSTER_FAKE_NODES_MAX; i++)
        if (cluster_fake_nodes[i].bridge) cluster_fake_stop(i);
    memory_hub_free(cluster_fake_hub);
    surroundings_set(NULL);
}

struct cluster_fake_node *cluster_fake_start(uint32_t i)
{
    struct cluster_fake_node *node = &cluster_fake_nodes[i];
    const struct cluster_bridge_setup setup = {.options = &node->options,
                                               .node = (uint8_t)node->number,
                                               .local = &fake_ops,
                                               .server = (struct weir_server *)(void *)node};
    struct weir_error error;

    weir_check(!node->bridge);
    if (cluster_bridge_open(&setup, &node->bridge, &error) != WEIR_OK) abort();
    const struct broker_events events = cluster_bridge_events(node->bridge);
    node->broker.ops = &fake_broker_ops;
    node->in_hub = memory_broker_open(cluster_fake_hub, i, &events);
    cluster_bridge_attach(node->bridge, &node->broker);
    node->calls = cluster_bridge_callbacks(node->bridge);
    return node;
}

void cluster_fake_stop(uint32_t i)
{
    cluster_bridge_close(cluster_fake_nodes[i].bridge);
    cluster_bridge_free(cluster_fake_nodes[i].bridge);
    cluster_fake_nodes[i].bridge = NULL;
}

void cluster_fake_kill(uint32_t i)
{
    memory_hub_kill(cluster_fake_hub, i);
    cluster_fake_stop(i);
}

void cluster_fake_pass(uint64_t ms)
{
    for (uint64_t end_ms = cluster_fake_now_ms + ms; cluster_fake_now_ms < end_ms;) {
        cluster_fake_now_ms++;
        memory_hub_step(cluster_fake_hub, cluster_fake_now_ms);
        for (uint32_t i = 0; i < CLUSTER_FAKE_NODES_MAX; i++)
            if (cluster_fake_nodes[i].bridge)
                cluster_bridge_step(cluster_fake_nodes[i].bridge, cluster_fake_now_ms);
    }
}

void cluster_fake_start_all(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) cluster_fake_start(i);
    cluster_fake_pass(CLAIM_WAIT_MS + 200);
}

struct weir_cluster_stats cluster_fake_stats(uint32_t i)
{
    struct weir_cluster_stats stats;

    cluster_bridge_stats(cluster_fake_nodes[i].bridge, &stats);
    return stats;
}

void cluster_fake_broadcast(uint32_t i, const char *group, const char *text)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    calls->on_broadcast(calls->user, group, text, strlen(text), 77);
}

void cluster_fake_count(uint32_t i, const char *group, uint32_t deadline_ms,
                        struct cluster_fake_count *count)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    memset(count, 0, sizeof *count);
    calls->on_count(calls->user, group, deadline_ms, (struct weir_bridge_count *)(void *)count);
}

const struct cluster_fake_call *cluster_fake_call(uint32_t i, uint32_t back)
{
    const struct cluster_fake_node *node = &cluster_fake_nodes[i];

    weir_check(back < node->log_count);
    return &node->log[(node->log_count - 1 - back) % weir_count_of(node->log)];
}
