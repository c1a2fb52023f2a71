/* SPDX-License-Identifier: MIT */
/* test_cluster_thread.c - a bridge with its thread, while several threads send and a broker reports
 * from another one: every message is counted once, those of one thread stay in order, and a sender
 * never waits for a broker that blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_bridge.h"
#include "cluster_thread.h"
#include "node_wire.h"
#include "thread.h"

enum { SENDERS = 3, EACH = 4000 };

/* A broker that checks the order. Its publish() can block. */
static struct {
    struct broker broker;
    struct broker_events events;
    struct lock *lock;
    struct condition *changed;
    bool blocks, is_blocked;
    uint32_t next[SENDERS + 1]; /* and of the test itself */
    uint64_t published;         /* messages of handlers */
    uint64_t last_sequence;
} wire_link;

static enum weir_code link_publish(struct broker *broker, const char *subject, const uint8_t *bytes,
                                   size_t length)
{
    struct node_wire_message message;
    (void)broker;
    (void)subject;

    assert_true(node_wire_read(bytes, length, &message));
    if (!node_wire_is_counted(message.kind)) return WEIR_OK;
    lock_take(wire_link.lock);
    wire_link.is_blocked = wire_link.blocks;
    condition_wake_all(wire_link.changed);
    while (wire_link.blocks)
        condition_wait(wire_link.changed, wire_link.lock, CONDITION_NO_DEADLINE);
    wire_link.is_blocked = false;
    uint32_t sender = message.bytes[0], value;
    memcpy(&value, message.bytes + 1, sizeof value);
    assert_true(value >= wire_link.next[sender]); /* dropped ones are missing */
    wire_link.next[sender] = value + 1;
    assert_true(message.sequence == ++wire_link.last_sequence);
    wire_link.published++;
    lock_give_back(wire_link.lock);
    return WEIR_OK;
}

static enum weir_code link_flush(struct broker *broker)
{
    (void)broker;
    return WEIR_OK;
}

static enum weir_code link_subscribe(struct broker *broker, const char *subject, uint64_t *id)
{
    (void)broker;
    (void)subject;
    *id = 1;
    return WEIR_OK;
}

static void link_unsubscribe(struct broker *broker, uint64_t id)
{
    (void)broker;
    (void)id;
}

static void link_close(struct broker *broker)
{
    (void)broker;
}

static const struct broker_ops link_ops = {
    .publish = link_publish,
    .flush = link_flush,
    .subscribe = link_subscribe,
    .unsubscribe = link_unsubscribe,
    .close = link_close,
};

static uint64_t no_sessions(const struct weir_server *server)
{
    (void)server;
    return 0;
}

static bool not_draining(const struct weir_server *server)
{
    (void)server;
    return false;
}

static void no_log(struct weir_server *server, enum weir_log_level level, const char *line)
{
    (void)server;
    (void)level;
    (void)line;
}

static const struct local_server_ops local = {
    .sessions = no_sessions, .draining = not_draining, .log = no_log};

static struct cluster_bridge *bridge;
static struct cluster_thread *thread;
static struct weir_bridge calls;

static bool is_owned(const struct cluster_bridge *owned)
{
    return cluster_bridge_claim(owned) == CLAIM_OWNED;
}

static int begin(void **state)
{
    static const struct weir_cluster_options options = {.name = "t",
                                                        .servers = "x",
                                                        .queue_messages_max = 1000,
                                                        .queue_bytes_max = 1000000,
                                                        .groups_max = 100,
                                                        .hello_interval_ms = 60000,
                                                        .count_deadline_max_ms = 100};
    struct weir_error error;
    (void)state;

    memset(&wire_link, 0, sizeof wire_link);
    wire_link.lock = lock_open();
    wire_link.changed = condition_open();
    wire_link.broker.ops = &link_ops;
    thread = cluster_thread_open();
    const struct cluster_bridge_setup setup = {
        .options = &options, .local = &local, .wake = cluster_thread_wake, .wake_argument = thread};
    assert_int_equal(cluster_bridge_open(&setup, &bridge, &error), WEIR_OK);
    cluster_bridge_attach(bridge, &wire_link.broker);
    calls = cluster_bridge_callbacks(bridge);
    wire_link.events = cluster_bridge_events(bridge);
    assert_int_equal(cluster_thread_start(thread, bridge, &error), WEIR_OK);
    wire_link.events.on_connected(wire_link.events.user);
    assert_true(cluster_thread_wait(thread, is_owned, 100000));
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_thread_free(thread);
    if (bridge) {
        cluster_bridge_close(bridge);
        cluster_bridge_free(bridge);
    }
    condition_free(wire_link.changed);
    lock_free(wire_link.lock);
    return 0;
}

static void send_messages(void *argument)
{
    uint8_t message[1 + sizeof(uint32_t)] = {*(const uint8_t *)argument};

    for (uint32_t i = 0; i < EACH; i++) {
        memcpy(message + 1, &i, sizeof i);
        calls.on_broadcast(calls.user, "room", message, sizeof message, 0);
        if (i % 100 == 0) {
            calls.on_group_begin(calls.user, "room");
            calls.on_group_end(calls.user, "room");
        }
    }
}

static void flap(void *argument)
{
    (void)argument;
    for (int i = 0; i < 200; i++) {
        wire_link.events.on_disconnected(wire_link.events.user, "test");
        thread_yield();
        wire_link.events.on_connected(wire_link.events.user);
        thread_yield();
    }
}

static void run_threads(bool flaps)
{
    static uint8_t numbers[SENDERS] = {0, 1, 2};
    struct thread *threads[SENDERS], *flapping = NULL;
    int os_error;

    for (int i = 0; i < SENDERS; i++)
        threads[i] = thread_start("sender", send_messages, &numbers[i], &os_error);
    if (flaps) flapping = thread_start("flap", flap, NULL, &os_error);
    for (int i = 0; i < SENDERS; i++) thread_join(threads[i]);
    if (flapping) thread_join(flapping);
}

static bool is_empty(const struct cluster_bridge *asked)
{
    struct weir_cluster_stats stats;

    cluster_bridge_stats(asked, &stats);
    return stats.queue_messages == 0;
}

static void check_all_counted(struct weir_cluster_stats *stats)
{
    assert_true(cluster_thread_wait(thread, is_empty, 100000));
    cluster_bridge_stats(bridge, stats);
    lock_take(wire_link.lock);
    assert_true(stats->sent == wire_link.published);
    lock_give_back(wire_link.lock);
    assert_int_equal(stats->sent + stats->dropped_queue + stats->dropped_away, SENDERS * EACH);
}

static void test_messages_of_several_threads(void **state)
{
    struct weir_cluster_stats stats;
    (void)state;

    run_threads(false);
    check_all_counted(&stats);
    assert_int_equal(stats.dropped_away, 0);
    assert_true(stats.sent > 0);
}

static void test_a_connection_that_comes_and_goes(void **state)
{
    struct weir_cluster_stats stats;
    (void)state;

    run_threads(true);
    check_all_counted(&stats);
    assert_int_equal(stats.connects, 201);
    assert_int_equal(stats.disconnects, 200);
}

static void test_senders_do_not_wait_for_the_broker(void **state)
{
    struct weir_cluster_stats stats;
    (void)state;

    lock_take(wire_link.lock);
    wire_link.blocks = true;
    lock_give_back(wire_link.lock);
    calls.on_broadcast(calls.user, "room", "\3\0\0\0", 5, 0);
    lock_take(wire_link.lock);
    while (!wire_link.is_blocked)
        condition_wait(wire_link.changed, wire_link.lock, CONDITION_NO_DEADLINE);
    lock_give_back(wire_link.lock);
    run_threads(false); /* it returns, although nothing is published */
    cluster_bridge_stats(bridge, &stats);
    assert_int_equal(stats.sent, 0);
    assert_int_equal(stats.queue_messages, 1000);
    assert_int_equal(stats.dropped_queue, SENDERS * EACH + 1 - 1000);
    lock_take(wire_link.lock);
    wire_link.blocks = false;
    condition_wake_all(wire_link.changed);
    lock_give_back(wire_link.lock);
    assert_true(cluster_thread_wait(thread, is_empty, 100000));
    cluster_bridge_stats(bridge, &stats);
    assert_int_equal(stats.sent, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_of_several_threads, begin, end),
        cmocka_unit_test_setup_teardown(test_a_connection_that_comes_and_goes, begin, end),
        cmocka_unit_test_setup_teardown(test_senders_do_not_wait_for_the_broker, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
