/* SPDX-License-Identifier: MIT */
/* test_cluster_bridge.c - messages between nodes over the broker in memory: each one is counted
 * once, whether it arrives or not, and the number of a node belongs to one node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_fake.h"
#include "memory_faults.h"
#include "node_wire.h"

#define ID_OF(node, rest) ((uint64_t)(node) << 56 | (rest))

static int begin(void **state)
{
    (void)state;
    cluster_fake_begin(1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_fake_end();
    return 0;
}

static void join(uint32_t i, const char *group)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    assert_int_equal(calls->on_group_begin(calls->user, group), WEIR_OK);
}

static void leave(uint32_t i, const char *group)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    calls->on_group_end(calls->user, group);
}

static uint64_t dropped(const struct weir_cluster_stats *stats)
{
    return stats->dropped_away + stats->dropped_queue + stats->dropped_write +
           stats->dropped_too_large + stats->dropped_refused + stats->dropped_memory;
}

/* ---- broadcasts ---- */

static void test_a_broadcast_reaches_members(void **state)
{
    (void)state;
    cluster_fake_start_all(3);
    join(1, "room");
    cluster_fake_pass(20);
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        cluster_fake_broadcast(0, "room", text);
    }
    cluster_fake_pass(50);
    assert_int_equal(cluster_fake_nodes[1].log_count, 50);
    for (uint32_t i = 0; i < 50; i++) {
        const struct cluster_fake_call *call = cluster_fake_call(1, 49 - i);
        char text[16];
        snprintf(text, sizeof text, "%u", i);
        assert_string_equal(call->kind, "broadcast");
        assert_string_equal(call->name, "room");
        assert_string_equal(call->text, text);
        assert_int_equal(call->id, 77);
    }
    assert_int_equal(cluster_fake_nodes[0].log_count, 0);
    assert_int_equal(cluster_fake_nodes[2].log_count, 0);
    struct weir_cluster_stats sender = cluster_fake_stats(0), receiver = cluster_fake_stats(1);
    assert_int_equal(sender.state, WEIR_CLUSTER_CONNECTED);
    assert_int_equal(sender.sent, 50);
    assert_int_equal(sender.sent_bytes, 10 + 2 * 40);
    assert_int_equal(dropped(&sender), 0);
    assert_int_equal(receiver.received, 50);
    assert_int_equal(receiver.received_bytes, 10 + 2 * 40);
    assert_int_equal(receiver.gaps, 0);
    assert_int_equal(receiver.groups, 1);
    assert_int_equal(receiver.nodes, 2);
}

static void test_each_result_of_the_server_is_counted(void **state)
{
    const enum weir_code results[] = {WEIR_OK, WEIR_MAILBOX_FULL, WEIR_GONE, WEIR_TOO_LARGE,
                                      WEIR_NO_MEMORY};
    (void)state;

    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        cluster_fake_nodes[1].result = results[i];
        cluster_fake_broadcast(0, "room", "x");
        cluster_fake_pass(20);
    }
    struct weir_cluster_stats stats = cluster_fake_stats(1);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.refused_mailbox, 1);
    assert_int_equal(stats.refused_gone, 1);
    assert_int_equal(stats.refused_other, 2);
    assert_int_equal(stats.gaps, 0);
}

static void test_a_group_lingers_without_members(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    join(1, "room");
    join(1, "room"); /* a second worker */
    cluster_fake_pass(20);
    leave(1, "room");
    cluster_fake_broadcast(0, "room", "1");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).received, 1);
    leave(1, "room");
    cluster_fake_broadcast(0, "room", "2");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).refused_gone, 1);
    assert_int_equal(cluster_fake_stats(1).groups, 1);
    join(1, "room"); /* within the time */
    cluster_fake_broadcast(0, "room", "3");
    cluster_fake_pass(600);
    assert_int_equal(cluster_fake_stats(1).received, 2);
    leave(1, "room");
    cluster_fake_pass(600);
    assert_int_equal(cluster_fake_stats(1).groups, 0);
    cluster_fake_broadcast(0, "room", "4");
    cluster_fake_pass(20);
    join(1, "room"); /* another subscription: what was sent meanwhile is not missing */
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "room", "5");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).received, 3);
    assert_int_equal(cluster_fake_stats(1).gaps, 0);
}

static void test_groups_are_limited(void **state)
{
    (void)state;
    cluster_fake_nodes[1].options.groups_max = 2;
    cluster_fake_start_all(2);
    join(1, "a");
    join(1, "b");
    join(1, "c");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).groups, 2);
    assert_int_equal(cluster_fake_stats(1).groups_refused, 1);
    cluster_fake_broadcast(0, "c", "lost");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).received, 0);
    leave(1, "a"); /* the waiting group has its room before the time has passed */
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "c", "arrives");
    cluster_fake_pass(20);
    assert_string_equal(cluster_fake_call(1, 0)->text, "arrives");
    assert_int_equal(cluster_fake_stats(1).groups, 2);
    assert_int_equal(cluster_fake_stats(1).groups_refused, 1);
}

/* ---- sessions and names ---- */

static void test_sessions_of_other_nodes_are_reached(void **state)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[0].calls;
    (void)state;

    cluster_fake_start_all(2);
    assert_int_equal(calls->on_send(calls->user, ID_OF(1, 5), "hi", 2), WEIR_OK);
    assert_int_equal(calls->on_close(calls->user, ID_OF(1, 6), false), WEIR_OK);
    assert_int_equal(calls->on_close(calls->user, ID_OF(1, 7), true), WEIR_OK);
    assert_int_equal(calls->on_send(calls->user, ID_OF(9, 5), "nobody", 6), WEIR_OK);
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_nodes[1].log_count, 3);
    assert_string_equal(cluster_fake_call(1, 2)->kind, "send");
    assert_string_equal(cluster_fake_call(1, 2)->text, "hi");
    assert_true(cluster_fake_call(1, 2)->id == ID_OF(1, 5));
    assert_string_equal(cluster_fake_call(1, 1)->kind, "finish");
    assert_string_equal(cluster_fake_call(1, 0)->kind, "abort");
    assert_true(cluster_fake_call(1, 0)->id == ID_OF(1, 7));
    assert_int_equal(cluster_fake_stats(0).sent, 4);
    assert_int_equal(cluster_fake_stats(1).received, 3);
}

static void test_a_name_is_reached(void **state)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[0].calls,
                             *holder = &cluster_fake_nodes[1].calls;
    (void)state;

    cluster_fake_start_all(2);
    assert_int_equal(holder->on_name_bound(holder->user, "ann", ID_OF(1, 5), WEIR_BIND_IF_FREE),
                     WEIR_OK);
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).names, 1);
    assert_int_equal(calls->on_send_name(calls->user, "ann", "hi", 2), WEIR_OK);
    cluster_fake_pass(20);
    assert_string_equal(cluster_fake_call(1, 0)->kind, "send_name");
    assert_string_equal(cluster_fake_call(1, 0)->name, "ann");
    holder->on_name_unbound(holder->user, "ann", ID_OF(1, 5));
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).names, 0);
    assert_int_equal(calls->on_send_name(calls->user, "ann", "hi", 2), WEIR_OK);
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).sent, 2);
    assert_int_equal(cluster_fake_stats(1).received, 1);
}

/* ---- drops ---- */

static void test_messages_are_dropped_while_the_broker_is_away(void **state)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[0].calls;
    (void)state;

    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "room", "1");
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "room", "waits"); /* not yet published */
    memory_hub_cut(cluster_fake_hub, 0, true);
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).state, WEIR_CLUSTER_CONNECTING);
    cluster_fake_broadcast(0, "room", "2");
    assert_int_equal(calls->on_send(calls->user, ID_OF(1, 5), "hi", 2), WEIR_UNREACHABLE);
    assert_int_equal(calls->on_close(calls->user, ID_OF(1, 5), true), WEIR_UNREACHABLE);
    assert_int_equal(calls->on_send_name(calls->user, "ann", "hi", 2), WEIR_UNREACHABLE);
    memory_hub_cut(cluster_fake_hub, 0, false);
    cluster_fake_pass(50);
    cluster_fake_broadcast(0, "room", "3");
    cluster_fake_pass(20);
    struct weir_cluster_stats stats = cluster_fake_stats(0);
    assert_int_equal(stats.connects, 2);
    assert_int_equal(stats.disconnects, 1);
    assert_int_equal(stats.dropped_away, 5);
    assert_int_equal(stats.sent, 2);
    assert_int_equal(cluster_fake_stats(1).received, 2);
    assert_int_equal(cluster_fake_stats(1).gaps, 0); /* what the sender counted is not missing */
}

static void test_a_receiver_counts_what_it_misses(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "room", "1");
    cluster_fake_pass(20);
    memory_hub_cut(cluster_fake_hub, 1, true);
    cluster_fake_pass(20);
    for (int i = 0; i < 7; i++) cluster_fake_broadcast(0, "room", "lost");
    cluster_fake_pass(20);
    memory_hub_cut(cluster_fake_hub, 1, false);
    cluster_fake_pass(50);
    cluster_fake_broadcast(0, "room", "2");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).sent, 9);
    assert_int_equal(cluster_fake_stats(1).received, 2);
    assert_int_equal(cluster_fake_stats(1).gaps, 7);
}

static void test_messages_are_kept(void **state)
{
    (void)state;
    cluster_fake_nodes[0].options.stale =
        WEIR_CLUSTER_STALE_KEEP; /* tidy: allow identifier - a public name */
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    memory_hub_cut(cluster_fake_hub, 0, true);
    cluster_fake_pass(20);
    for (int i = 0; i < 50; i++) cluster_fake_broadcast(0, "room", "kept"); /* too many bytes */
    cluster_fake_pass(20);
    uint64_t kept = cluster_fake_stats(0).queue_messages;
    assert_true(kept > 5 && kept < 50);
    assert_int_equal(cluster_fake_stats(0).dropped_away, 50 - kept);
    assert_true(cluster_fake_stats(0).queue_bytes <= 1000);
    memory_hub_cut(cluster_fake_hub, 0, false);
    cluster_fake_pass(50);
    assert_int_equal(cluster_fake_stats(0).sent, kept);
    assert_int_equal(cluster_fake_stats(1).received, kept);
    assert_int_equal(cluster_fake_stats(1).gaps, 0);
}

static void test_the_queue_is_limited(void **state)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[0].calls;
    (void)state;

    cluster_fake_start_all(2);
    for (int i = 0; i < 110; i++) cluster_fake_broadcast(0, "room", "x");
    assert_int_equal(calls->on_send(calls->user, ID_OF(1, 5), "hi", 2), WEIR_MAILBOX_FULL);
    assert_int_equal(cluster_fake_stats(0).dropped_queue, 11);
    assert_int_equal(cluster_fake_stats(0).queue_messages, 100);
    cluster_fake_pass(5);
    assert_int_equal(cluster_fake_stats(0).sent, 100);
    assert_int_equal(cluster_fake_stats(0).queue_messages, 0);
}

static void test_large_messages_and_memory(void **state)
{
    char text[1200] = "";
    (void)state;

    memset(text, 'x', sizeof text - 1);
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    cluster_fake_broadcast(0, "room", text);
    memory_fail_nth(1, 0);
    cluster_fake_broadcast(0, "room", "y");
    memory_fail_nth(0, 0);
    cluster_fake_broadcast(0, "room", "z");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).dropped_too_large, 1);
    assert_int_equal(cluster_fake_stats(0).dropped_memory, 1);
    assert_int_equal(cluster_fake_stats(0).sent, 1);
    assert_int_equal(cluster_fake_stats(1).received, 1);
    assert_int_equal(cluster_fake_stats(1).gaps, 0);
}

/* For a moment after the broker did not read, a message is dropped by the one who sends it. */
static void expect_drops_without_the_thread(void)
{
    uint64_t before = cluster_fake_stats(0).dropped_write;

    cluster_fake_broadcast(0, "room", "dropped");
    assert_int_equal(cluster_fake_stats(0).dropped_write, before + 1);
    assert_int_equal(cluster_fake_stats(0).queue_messages, 0);
    cluster_fake_pass(60);
}

static void test_a_broker_that_does_not_read(void **state)
{
    const enum weir_code codes[] = {WEIR_TIMED_OUT, WEIR_SYSTEM, WEIR_NO_MEMORY, WEIR_TOO_LARGE,
                                    WEIR_GONE};
    (void)state;

    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cluster_fake_broadcast(0, "room", "arrives");
        cluster_fake_pass(20);
        cluster_fake_nodes[0].publish_result = codes[i];
        for (int j = 0; j < 10; j++) cluster_fake_broadcast(0, "room", "dropped");
        cluster_fake_pass(20);
        cluster_fake_nodes[0].publish_result = WEIR_OK;
        if (codes[i] == WEIR_TIMED_OUT) expect_drops_without_the_thread();
    }
    cluster_fake_broadcast(0, "room", "arrives");
    cluster_fake_pass(20);
    struct weir_cluster_stats stats = cluster_fake_stats(0);
    assert_int_equal(stats.sent, 6);
    assert_int_equal(stats.dropped_write, 21);
    assert_int_equal(stats.dropped_memory, 10);
    assert_int_equal(stats.dropped_too_large, 10);
    assert_int_equal(stats.dropped_away, 10);
    assert_int_equal(stats.queue_messages, 0);
    assert_int_equal(cluster_fake_stats(1).received, 6);
    assert_int_equal(cluster_fake_stats(1).gaps, 0);
}

static void test_a_broker_that_does_not_read_at_the_end(void **state)
{
    (void)state;
    cluster_fake_start_all(1);
    for (int i = 0; i < 30; i++) cluster_fake_broadcast(0, "room", "x");
    cluster_fake_nodes[0].publish_result = WEIR_TIMED_OUT;
    cluster_fake_stop(0);
    assert_non_null(strstr(cluster_fake_nodes[0].last_line, "left; sent 0, dropped 30,"));
    cluster_fake_nodes[0].publish_result = WEIR_OK;
    cluster_fake_start_all(1);
    for (int i = 0; i < 30; i++) cluster_fake_broadcast(0, "room", "x");
    memory_hub_cut(cluster_fake_hub, 0, true);
    memory_hub_step(cluster_fake_hub, cluster_fake_now_ms + 5);
    cluster_fake_stop(0);
    assert_non_null(strstr(cluster_fake_nodes[0].last_line, "left; sent 0, dropped 30,"));
}

static void test_kept_messages_wait_for_the_connection(void **state)
{
    (void)state;
    cluster_fake_nodes[0].options.stale =
        WEIR_CLUSTER_STALE_KEEP; /* tidy: allow identifier - a public name */
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    cluster_fake_nodes[0].publish_result = WEIR_GONE; /* before it reports that it is away */
    for (int i = 0; i < 5; i++) cluster_fake_broadcast(0, "room", i == 0 ? "first" : "later");
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).queue_messages, 5);
    cluster_fake_nodes[0].publish_result = WEIR_OK;
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(1).received, 5);
    assert_string_equal(cluster_fake_call(1, 4)->text, "first");
    memory_hub_cut(cluster_fake_hub, 0, true);
    cluster_fake_pass(20);
    for (int i = 0; i < 5; i++) cluster_fake_broadcast(0, "room", "x");
    cluster_fake_stop(0); /* away: they are counted */
    assert_non_null(strstr(cluster_fake_nodes[0].last_line, "left; sent 5, dropped 5,"));
}

static void test_repeated_messages_are_refused(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    memory_hub_set_faults(cluster_fake_hub, 100, 0); /* each message comes twice */
    for (int i = 0; i < 20; i++) cluster_fake_broadcast(0, "room", "x");
    cluster_fake_pass(500);
    assert_int_equal(cluster_fake_stats(1).received, 20);
    assert_int_equal(cluster_fake_stats(1).refused_repeated, 20);
    assert_int_equal(cluster_fake_stats(1).gaps, 0);
}

/* ---- messages that are not trusted ---- */

static void ignore(void *user)
{
    (void)user;
}

static void ignore_message(void *user, const char *subject, const uint8_t *bytes, size_t length)
{
    (void)user;
    (void)subject;
    (void)bytes;
    (void)length;
}

static void test_malformed_messages_are_counted(void **state)
{
    const struct broker_events events = {.on_message = ignore_message, .on_connected = ignore};
    struct node_wire_message message = {.kind = NODE_WIRE_BROADCAST,
                                        .origin = 9,
                                        .incarnation = 5,
                                        .stream = 1,
                                        .sequence = 1,
                                        .name = "room"};
    uint8_t bytes[200];
    (void)state;

    cluster_fake_start_all(2);
    join(1, "room");
    struct broker *stranger = memory_broker_open(cluster_fake_hub, 7, &events);
    cluster_fake_pass(20);
    size_t size = node_wire_size(&message);
    node_wire_write(&message, bytes);
    const char *own = "weir.test.n.1", *room = "weir.test.g.726f6f6d";
    assert_int_equal(stranger->ops->publish(stranger, room, bytes, 3), WEIR_OK);
    assert_int_equal(stranger->ops->publish(stranger, own, bytes, size),
                     WEIR_OK); /* wrong subject */
    assert_int_equal(stranger->ops->publish(stranger, room, bytes, size), WEIR_OK);
    message.kind = NODE_WIRE_SEND; /* for a session of another node */
    message.name[0] = '\0';
    message.numbers[0] = ID_OF(2, 1);
    size = node_wire_size(&message);
    node_wire_write(&message, bytes);
    assert_int_equal(stranger->ops->publish(stranger, own, bytes, size), WEIR_OK);
    message.origin = 1; /* of the receiver itself, but another start */
    message.numbers[0] = ID_OF(1, 1);
    node_wire_write(&message, bytes);
    assert_int_equal(stranger->ops->publish(stranger, own, bytes, size), WEIR_OK);
    cluster_fake_pass(50);
    struct weir_cluster_stats stats = cluster_fake_stats(1);
    assert_int_equal(stats.refused_malformed, 2);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.refused_gone, 1);
    assert_int_equal(stats.refused_other, 1);
    assert_int_equal(cluster_fake_nodes[1].log_count, 1);
    stranger->ops->close(stranger);
}

/* ---- counts ---- */

static void test_a_count_spans_nodes(void **state)
{
    struct cluster_fake_count count;
    (void)state;

    cluster_fake_start_all(3);
    join(1, "room");
    join(2, "room");
    cluster_fake_pass(300); /* then it knows the others */
    cluster_fake_count(0, "room", 0, &count);
    assert_false(count.is_answered);
    cluster_fake_pass(20);
    assert_true(count.is_answered);
    assert_false(count.incomplete);
    assert_int_equal(count.members, 11 + 12);
    assert_int_equal(count.offered, 20);
    assert_int_equal(count.dropped, 2);
    leave(2, "room"); /* then it knows without its workers */
    cluster_fake_nodes[2].answers_counts = false;
    cluster_fake_count(0, "room", 0, &count);
    cluster_fake_pass(20);
    assert_false(count.incomplete);
    assert_int_equal(count.members, 11);
}

static void test_a_count_can_be_incomplete(void **state)
{
    struct cluster_fake_count count;
    (void)state;

    cluster_fake_start_all(3);
    join(1, "room");
    join(2, "room");
    cluster_fake_pass(20);
    cluster_fake_nodes[2].answers_counts = false; /* its mailboxes are full */
    cluster_fake_count(0, "room", 0, &count);
    cluster_fake_pass(20);
    assert_true(count.is_answered && count.incomplete);
    assert_int_equal(count.members, 11);
    memory_hub_cut(cluster_fake_hub, 2, true); /* it does not answer */
    cluster_fake_count(0, "room", 50, &count);
    cluster_fake_pass(40);
    assert_false(count.is_answered);
    cluster_fake_pass(20);
    assert_true(count.is_answered && count.incomplete);
    assert_int_equal(count.members, 11);
    cluster_fake_pass(1000); /* it is no longer live */
    assert_int_equal(cluster_fake_stats(0).nodes, 1);
    cluster_fake_count(0, "room", 50, &count);
    cluster_fake_pass(20);
    assert_true(count.is_answered && !count.incomplete);
    memory_hub_cut(cluster_fake_hub, 0, true);
    cluster_fake_pass(20);
    cluster_fake_count(0, "room", 50, &count);
    assert_true(count.is_answered && count.incomplete);
}

static void test_a_count_without_other_nodes(void **state)
{
    struct cluster_fake_count count;
    (void)state;

    cluster_fake_start_all(1);
    cluster_fake_count(0, "room", 0, &count);
    assert_true(count.is_answered && count.incomplete); /* others may answer its hello */
    cluster_fake_pass(300);
    cluster_fake_count(0, "room", 0, &count);
    assert_true(count.is_answered && !count.incomplete);
    cluster_fake_start(1);
    cluster_fake_pass(CLAIM_WAIT_MS + 100);
    cluster_fake_count(0, "room", 0, &count);
    cluster_fake_stop(0); /* with a pending question */
    assert_true(count.is_answered && count.incomplete);
}

/* ---- nodes ---- */

static void test_nodes_are_listed(void **state)
{
    struct weir_cluster_node nodes[4];
    (void)state;

    cluster_fake_start_all(3);
    assert_int_equal(cluster_bridge_nodes(cluster_fake_nodes[0].bridge, nodes, sizeof nodes[0], 4),
                     2);
    assert_int_equal(nodes[0].node, 1);
    assert_true(nodes[0].draining);
    assert_int_equal(nodes[0].sessions, 101);
    assert_string_equal(nodes[0].address, "here");
    assert_true(nodes[0].silent_ms < 250);
    assert_int_equal(nodes[1].node, 2);
    assert_int_equal(cluster_bridge_nodes(cluster_fake_nodes[0].bridge, nodes, sizeof nodes[0], 1),
                     2);
    cluster_fake_stop(2); /* it says bye */
    cluster_fake_pass(20);
    assert_int_equal(cluster_fake_stats(0).nodes, 1);
    cluster_fake_kill(1);
    cluster_fake_pass(400);
    assert_int_equal(cluster_fake_stats(0).nodes, 1);
    cluster_fake_pass(300);
    assert_int_equal(cluster_fake_stats(0).nodes, 0);
}

static void test_a_taken_number_is_refused(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    cluster_fake_nodes[2].number = 1;
    cluster_fake_start(2);
    cluster_fake_pass(50);
    assert_int_equal(cluster_bridge_claim(cluster_fake_nodes[2].bridge), CLAIM_REFUSED);
    assert_int_equal(cluster_fake_stats(2).state, WEIR_CLUSTER_REFUSED);
    assert_non_null(strstr(cluster_fake_nodes[2].last_line, "restart one of the two"));
    cluster_fake_broadcast(2, "room", "x");
    assert_int_equal(cluster_fake_stats(2).dropped_refused, 1);
    assert_int_equal(cluster_fake_stats(1).state, WEIR_CLUSTER_CONNECTED);
    cluster_fake_stop(1); /* then the number is free */
    cluster_fake_pass(CLAIM_WAIT_MS + 100);
    assert_int_equal(cluster_fake_stats(2).state, WEIR_CLUSTER_CONNECTED);
}

static void test_a_killed_node_can_start_again(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    join(0, "room");
    cluster_fake_pass(20);
    cluster_fake_broadcast(1, "room", "old");
    cluster_fake_pass(20);
    cluster_fake_kill(1);
    cluster_fake_pass(1);
    cluster_fake_start(1);
    cluster_fake_pass(CLAIM_WAIT_MS + 100);
    assert_int_equal(cluster_fake_stats(1).state, WEIR_CLUSTER_CONNECTED);
    cluster_fake_broadcast(1, "room", "new");
    cluster_fake_pass(20);
    assert_string_equal(cluster_fake_call(0, 0)->text, "new");
    assert_int_equal(cluster_fake_stats(0).received, 2);
    assert_int_equal(cluster_fake_stats(0).gaps, 0);
}

static void test_two_nodes_with_one_number_meet(void **state)
{
    (void)state;
    cluster_fake_nodes[1].number = 0;
    memory_hub_set_side(cluster_fake_hub, 1, 1);
    cluster_fake_start(0);
    cluster_fake_pass(10);
    cluster_fake_start(1);
    cluster_fake_pass(CLAIM_WAIT_MS + 100);
    assert_int_equal(cluster_fake_stats(0).state, WEIR_CLUSTER_CONNECTED);
    assert_int_equal(cluster_fake_stats(1).state, WEIR_CLUSTER_CONNECTED);
    memory_hub_set_side(cluster_fake_hub, 1, 0);
    cluster_fake_pass(500);
    assert_int_equal(cluster_fake_stats(0).state, WEIR_CLUSTER_CONNECTED);
    assert_int_equal(cluster_fake_stats(1).state, WEIR_CLUSTER_REFUSED);
    assert_true(cluster_fake_stats(0).conflicts > 0);
}

static void test_what_waits_at_the_end_is_published(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    join(1, "room");
    cluster_fake_pass(20);
    for (int i = 0; i < 30; i++) cluster_fake_broadcast(0, "room", "x");
    cluster_fake_stop(0);
    cluster_fake_pass(20);
    assert_non_null(strstr(cluster_fake_nodes[0].last_line, "left; sent 30, dropped 0"));
    assert_int_equal(cluster_fake_stats(1).received, 30);
    assert_int_equal(cluster_fake_stats(1).nodes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_broadcast_reaches_members, begin, end),
        cmocka_unit_test_setup_teardown(test_each_result_of_the_server_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_a_group_lingers_without_members, begin, end),
        cmocka_unit_test_setup_teardown(test_groups_are_limited, begin, end),
        cmocka_unit_test_setup_teardown(test_sessions_of_other_nodes_are_reached, begin, end),
        cmocka_unit_test_setup_teardown(test_a_name_is_reached, begin, end),
        cmocka_unit_test_setup_teardown(test_messages_are_dropped_while_the_broker_is_away, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_receiver_counts_what_it_misses, begin, end),
        cmocka_unit_test_setup_teardown(test_messages_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_the_queue_is_limited, begin, end),
        cmocka_unit_test_setup_teardown(test_large_messages_and_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_a_broker_that_does_not_read, begin, end),
        cmocka_unit_test_setup_teardown(test_a_broker_that_does_not_read_at_the_end, begin, end),
        cmocka_unit_test_setup_teardown(test_kept_messages_wait_for_the_connection, begin, end),
        cmocka_unit_test_setup_teardown(test_repeated_messages_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_malformed_messages_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_a_count_spans_nodes, begin, end),
        cmocka_unit_test_setup_teardown(test_a_count_can_be_incomplete, begin, end),
        cmocka_unit_test_setup_teardown(test_a_count_without_other_nodes, begin, end),
        cmocka_unit_test_setup_teardown(test_nodes_are_listed, begin, end),
        cmocka_unit_test_setup_teardown(test_a_taken_number_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_a_killed_node_can_start_again, begin, end),
        cmocka_unit_test_setup_teardown(test_two_nodes_with_one_number_meet, begin, end),
        cmocka_unit_test_setup_teardown(test_what_waits_at_the_end_is_published, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
