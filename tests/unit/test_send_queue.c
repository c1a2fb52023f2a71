/* SPDX-License-Identifier: MIT */
/* test_send_queue.c - the send queue: order, moving together, what it counts, all or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "memory_faults.h"
#include "send_queue.h"
#include "sim.h"

#define CAPACITY 8192u
#define LARGE 5000u /* bytes that no block holds */

struct world {
    struct net_simulation *simulation;
    struct net *net;
    struct send_queue queue;
};

static int open_world(void **state)
{
    static struct world world;
    struct sim_options sim_options;
    struct net_options options;

    memset(&world, 0, sizeof world);
    sim_options_init(&sim_options);
    net_options_init(&options);
    world.simulation = sim_open(&sim_options);
    options.transport = "simulated";
    options.simulation = world.simulation;
    options.stream_buffer_bytes = CAPACITY;
    options.stream_buffers_max = 20;
    *state = &world;
    return net_open(&options, &world.net, NULL) == WEIR_OK ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *world = *state;

    send_queue_drop(&world->queue, world->net);
    net_free(world->net); /* fails when a buffer is missing */
    sim_free(world->simulation);
    return 0;
}

static bool copy(struct world *world, const void *bytes, size_t length)
{
    const struct send_piece piece = {bytes, length};

    return send_queue_copy(&world->queue, world->net, &piece, 1);
}

static struct net_buffer *buffer_of(struct world *world, const char *text)
{
    struct net_buffer *buffer = net_take(world->net, 1);

    assert_non_null(buffer);
    buffer->length = (uint32_t)strlen(text);
    memcpy(buffer->bytes, text, buffer->length);
    return buffer;
}

/* The system releases everything. */
static void release_flight(struct world *world)
{
    send_queue_released(&world->queue, world->queue.flight_bytes, world->queue.flight_pinned_bytes);
    assert_int_equal(world->queue.flight_pinned_bytes, 0);
}

/* Takes a flight and checks its bytes; gives the buffers back as the net would. */
static void expect_flight(struct world *world, const char *text)
{
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    uint32_t count = send_queue_take(&world->queue, world->net, buffers);
    size_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        assert_true(at + buffers[i]->length <= strlen(text));
        assert_memory_equal(buffers[i]->bytes, text + at, buffers[i]->length);
        at += buffers[i]->length;
        net_give_back(world->net, buffers[i]);
    }
    assert_int_equal(at, strlen(text));
    assert_int_equal(world->queue.flight_bytes, strlen(text));
    release_flight(world);
}

static void test_small_pieces_move_together(void **state)
{
    struct world *world = *state;

    send_queue_add(&world->queue, world->net, buffer_of(world, "one "));
    send_queue_add(&world->queue, world->net, buffer_of(world, "two "));
    assert_true(copy(world, "three", 5));
    assert_int_equal(world->queue.pinned_bytes, CAPACITY);
    assert_ptr_equal(world->queue.first, world->queue.last);
    expect_flight(world, "one two three");
    assert_int_equal(world->queue.pinned_bytes, 0);
}

static void test_what_does_not_fit_is_linked(void **state)
{
    struct world *world = *state;
    static uint8_t large[CAPACITY - 2];
    struct net_buffer *first = net_take(world->net, 1);

    memset(large, 'x', sizeof large);
    memcpy(first->bytes, large, sizeof large);
    first->length = sizeof large;
    send_queue_add(&world->queue, world->net, first);
    send_queue_add(&world->queue, world->net, buffer_of(world, "abc"));
    assert_ptr_not_equal(world->queue.first, world->queue.last);
    assert_int_equal(world->queue.pinned_bytes, 2 * CAPACITY);
    assert_int_equal(world->queue.last->length, 3);
}

static void test_copy_larger_than_a_buffer(void **state)
{
    struct world *world = *state;
    static char text[3 * CAPACITY + 2];

    memset(text, 'y', sizeof text - 1);
    text[CAPACITY] = 'z';
    assert_true(copy(world, text, strlen(text)));
    assert_int_equal(world->queue.pinned_bytes, 4 * CAPACITY);
    expect_flight(world, text);
}

static void test_copy_is_all_or_nothing(void **state)
{
    struct world *world = *state;
    static uint8_t too_much[21 * CAPACITY];

    send_queue_add(&world->queue, world->net, buffer_of(world, "kept"));
    assert_false(copy(world, too_much, sizeof too_much));
    assert_int_equal(world->queue.pinned_bytes, CAPACITY);
    expect_flight(world, "kept");
}

static void test_flight_is_bounded_and_counted(void **state)
{
    struct world *world = *state;
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];

    for (int i = 0; i < NET_SEND_BUFFERS_MAX + 2; i++) {
        struct net_buffer *full = net_take(world->net, 1);
        memset(full->bytes, 'a' + i, CAPACITY);
        full->length = CAPACITY;
        send_queue_add(&world->queue, world->net, full);
    }
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), NET_SEND_BUFFERS_MAX);
    assert_int_equal(world->queue.flight_bytes, NET_SEND_BUFFERS_MAX * CAPACITY);
    assert_int_equal(world->queue.pinned_bytes, (NET_SEND_BUFFERS_MAX + 2) * CAPACITY);
    for (int i = 0; i < NET_SEND_BUFFERS_MAX; i++) {
        assert_int_equal(buffers[i]->bytes[0], 'a' + i);
        net_give_back(world->net, buffers[i]);
    }
    release_flight(world);
    assert_int_equal(world->queue.pinned_bytes, 2 * CAPACITY);
    assert_int_equal(world->queue.first->bytes[0], 'a' + NET_SEND_BUFFERS_MAX);
}

static void test_nothing_joins_a_flight(void **state)
{
    struct world *world = *state;
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];

    send_queue_add(&world->queue, world->net, buffer_of(world, "first"));
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), 1);
    send_queue_add(&world->queue, world->net, buffer_of(world, "second"));
    assert_int_equal(buffers[0]->length, 5); /* the system may be reading it */
    net_give_back(world->net, buffers[0]);
    release_flight(world);
    expect_flight(world, "second");
}

/* Several sends are in flight; parts of them are released. */
static void test_flights_are_released_in_parts(void **state)
{
    struct world *world = *state;
    struct send_queue *queue = &world->queue;
    struct net_buffer *buffers[2][NET_SEND_BUFFERS_MAX];

    send_queue_add(queue, world->net, buffer_of(world, "first"));
    assert_int_equal(send_queue_take(queue, world->net, buffers[0]), 1);
    send_queue_add(queue, world->net, buffer_of(world, "second"));
    assert_int_equal(send_queue_take(queue, world->net, buffers[1]), 1);
    assert_int_equal(queue->flight_bytes, 11);
    queue->later_bytes = 6;
    assert_int_equal(queue->pinned_bytes, 2 * CAPACITY);
    send_queue_released(queue, 3, 0); /* of a request that was cut short */
    assert_int_equal(send_queue_timed_bytes(queue), 2);
    assert_int_equal(queue->pinned_bytes, 2 * CAPACITY);
    send_queue_released(queue, 4, CAPACITY);
    assert_int_equal(send_queue_timed_bytes(queue), 0);
    assert_int_equal(queue->flight_bytes, 4);
    assert_int_equal(queue->flight_pinned_bytes, CAPACITY);
    send_queue_released(queue, 4, CAPACITY);
    assert_int_equal(queue->pinned_bytes, 0);
    for (int i = 0; i < 2; i++) net_give_back(world->net, buffers[i][0]);
}

/* ---- shares ---- */

/* Queues a share of these bytes. */
static void share(struct world *world, const char *text, bool may_drop)
{
    enum weir_code code;
    struct payload *payload = payload_open(NULL, text, strlen(text), &code);

    assert_non_null(payload);
    assert_true(send_queue_share(&world->queue, payload, may_drop));
    payload_unref(payload);
}

static void test_shares_are_coalesced(void **state)
{
    struct world *world = *state;

    static char large[LARGE + 1], text[LARGE + 20];

    memset(large, 'l', LARGE);
    share(world, "one ", true);
    share(world, "two ", true);
    send_queue_add(&world->queue, world->net, buffer_of(world, large));
    share(world, "four", true);
    snprintf(text, sizeof text, "one two %s", large);
    expect_flight(world, text); /* the fourth waits: it wants a buffer of its own */
    expect_flight(world, "four");
    assert_int_equal(world->queue.pinned_bytes, 0);
}

/* ---- blocks ---- */

/* A small message that follows a share costs a small block, and no buffer. */
static void test_small_messages_between_shares_cost_their_bytes(void **state)
{
    struct world *world = *state;
    static char text[8000];
    size_t length = 0;

    for (int i = 0; i < 100; i++) {
        share(world, "shared ", true);
        assert_true(copy(world, "copied ", 7));
        if (i % 2 == 0) send_queue_add(&world->queue, world->net, buffer_of(world, "returned "));
        length += (size_t)snprintf(text + length, sizeof text - length, "shared copied %s",
                                   i % 2 == 0 ? "returned " : "");
    }
    assert_true(world->queue.pinned_bytes < 100 * (256 + 7 + 2 * 96));
    assert_int_equal(world->queue.shares_count, 200);
    assert_int_equal(send_queue_drop_oldest(&world->queue, 0), 100);
    assert_int_equal(world->queue.shares_count, 100); /* accepted messages stay */
    for (int i = 0; i < 100; i++) share(world, "x", true);
    assert_int_equal(send_queue_drop(&world->queue, world->net), 100);
    assert_int_equal(world->queue.pinned_bytes, 0);
    for (int i = 0; i < 100; i++) {
        share(world, "shared ", true);
        assert_true(copy(world, "copied ", 7));
        if (i % 2 == 0) send_queue_add(&world->queue, world->net, buffer_of(world, "returned "));
    }
    expect_flight(world, text);
    assert_int_equal(world->queue.pinned_bytes, 0);
}

/* Blocks of 256, 512, 1024, 2048 and 4096 bytes, then buffers. */
static void test_blocks_grow_to_buffers(void **state)
{
    struct world *world = *state;
    static char piece[201], text[2 * CAPACITY];
    size_t length = 0;

    memset(piece, 'p', sizeof piece - 1);
    share(world, "shared", true);
    length += (size_t)snprintf(text, sizeof text, "shared");
    while (world->queue.last->capacity == 0) {
        assert_true(copy(world, piece, sizeof piece - 1));
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", piece);
        assert_true(world->queue.pinned_bytes < 4 * length + CAPACITY);
    }
    assert_int_equal(world->queue.last->capacity, CAPACITY);
    assert_int_equal(world->queue.shares_count, 6);
    assert_true(copy(world, piece, sizeof piece - 1)); /* into the buffer */
    length += (size_t)snprintf(text + length, sizeof text - length, "%s", piece);
    assert_true(length < sizeof text);
    expect_flight(world, text);
}

static void test_a_block_takes_a_message_whole_or_not(void **state)
{
    struct world *world = *state;
    static char piece[LARGE + 1], text[3 * LARGE];

    memset(piece, 'p', LARGE);
    share(world, "a", true);
    assert_true(copy(world, piece, LARGE)); /* too large for a block */
    assert_int_equal(world->queue.last->capacity, CAPACITY);
    share(world, "b", true);
    assert_true(copy(world, piece, 1000)); /* more than the smallest block */
    assert_int_equal(world->queue.last->capacity, 0);
    snprintf(text, sizeof text, "a%s", piece);
    expect_flight(world, text);
    snprintf(text, sizeof text, "b%.1000s", piece);
    expect_flight(world, text);
}

/* What was sent of a block leaves its room as it is. */
static void test_a_partly_sent_block_takes_more(void **state)
{
    struct world *world = *state;
    static char large[CAPACITY];
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    const struct send_piece pieces[] = {
        {(const uint8_t *)"he", 2}, {NULL, 0}, {(const uint8_t *)"ad", 2}};

    memset(large, 'l', CAPACITY - 2);
    share(world, large, true);
    assert_true(send_queue_copy(&world->queue, world->net, pieces, 3));
    /* The pool has one buffer: it takes the share and two bytes of the block. */
    struct net_buffer *taken[21];
    uint32_t count = 0;
    while ((taken[count] = net_take(world->net, 1)) != NULL) count++;
    net_give_back(world->net, taken[--count]);
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), 1);
    assert_int_equal(buffers[0]->length, CAPACITY);
    struct net_buffer *first = buffers[0];
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), 0);
    assert_true(copy(world, "more", 4));
    net_give_back(world->net, first);
    release_flight(world);
    while (count > 0) net_give_back(world->net, taken[--count]);
    expect_flight(world, "admore");
}

static void test_without_memory_for_a_block_there_are_buffers(void **state)
{
    struct world *world = *state;

    share(world, "shared ", true);
    memory_fail_nth(1, 1);
    assert_true(copy(world, "copied", 6));
    memory_fail_nth(0, 0);
    assert_int_equal(world->queue.last->capacity, CAPACITY);
    expect_flight(world, "shared copied");
}

static void test_what_fills_a_buffer_leaves_the_next_to_another(void **state)
{
    struct world *world = *state;
    static char large[CAPACITY + 1], larger[CAPACITY * 2], text[CAPACITY * 4];

    memset(large, 'l', CAPACITY);
    memset(larger, 'm', CAPACITY + 100);
    share(world, large, true); /* exactly one buffer */
    share(world, larger, true);
    share(world, "end", true);
    snprintf(text, sizeof text, "%s%send", large, larger);
    expect_flight(world, text);
    share(world, larger, true);
    memset(large, 'n', LARGE);
    large[LARGE] = '\0';
    send_queue_add(&world->queue, world->net, buffer_of(world, large));
    share(world, "late", true); /* wants a buffer of its own, and waits for the next flight */
    snprintf(text, sizeof text, "%s%s", larger, large);
    expect_flight(world, text);
    expect_flight(world, "late");
}

static void test_the_oldest_go_first_and_promises_stay(void **state)
{
    struct world *world = *state;

    send_queue_add(&world->queue, world->net, buffer_of(world, "mine "));
    share(world, "old ", true);
    share(world, "promise ", false);
    share(world, "young ", true);
    uint32_t all_bytes = world->queue.pinned_bytes;
    assert_int_equal(send_queue_drop_oldest(&world->queue, all_bytes), 0);
    assert_int_equal(send_queue_drop_oldest(&world->queue, all_bytes - 1), 1);
    assert_int_equal(send_queue_drop_oldest(&world->queue, 0), 1);
    assert_int_equal(send_queue_drop_oldest(&world->queue, 0), 0);
    assert_int_equal(world->queue.shares_count, 1);
    expect_flight(world, "mine promise ");
    assert_int_equal(send_queue_drop_oldest(&world->queue, 0), 0);
}

static void test_a_partly_sent_share_is_not_dropped(void **state)
{
    struct world *world = *state;
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    static char large[CAPACITY * (NET_SEND_BUFFERS_MAX + 1) + 1];

    memset(large, 'b', sizeof large - 1);
    share(world, large, true);
    share(world, "next", true);
    uint32_t count = send_queue_take(&world->queue, world->net, buffers);
    assert_int_equal(count, NET_SEND_BUFFERS_MAX);
    assert_int_equal(send_queue_drop_oldest(&world->queue, 0), 1);
    for (uint32_t i = 0; i < count; i++) net_give_back(world->net, buffers[i]);
    release_flight(world);
    large[CAPACITY] = '\0';
    expect_flight(world, large);
}

static void test_without_memory_nothing_is_shared(void **state)
{
    struct world *world = *state;
    enum weir_code code;
    struct payload *payload = payload_open(NULL, "x", 1, &code);

    memory_fail_nth(1, 0);
    assert_false(send_queue_share(&world->queue, payload, true));
    memory_fail_nth(0, 0);
    assert_int_equal(world->queue.pinned_bytes, 0);
    payload_unref(payload);
}

static void test_an_empty_pool_ends_a_flight_early(void **state)
{
    struct world *world = *state;
    struct net_buffer *taken[20], *buffers[NET_SEND_BUFFERS_MAX];
    uint32_t count = 0;

    send_queue_add(&world->queue, world->net, buffer_of(world, "mine "));
    share(world, "shared", true);
    while ((taken[count] = net_take(world->net, 1)) != NULL) count++;
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), 1);
    net_give_back(world->net, buffers[0]);
    taken[count++] = net_take(world->net, 1);
    release_flight(world);
    assert_int_equal(send_queue_take(&world->queue, world->net, buffers), 0);
    while (count > 0) net_give_back(world->net, taken[--count]);
    expect_flight(world, "shared");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_small_pieces_move_together, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_linked, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_copy_larger_than_a_buffer, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_copy_is_all_or_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_flight_is_bounded_and_counted, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_flights_are_released_in_parts, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_nothing_joins_a_flight, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_shares_are_coalesced, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_small_messages_between_shares_cost_their_bytes,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_blocks_grow_to_buffers, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_a_block_takes_a_message_whole_or_not, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_a_partly_sent_block_takes_more, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_without_memory_for_a_block_there_are_buffers,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_what_fills_a_buffer_leaves_the_next_to_another,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_the_oldest_go_first_and_promises_stay, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_a_partly_sent_share_is_not_dropped, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_shared, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_an_empty_pool_ends_a_flight_early, open_world,
                                        close_world),
    };

    return cmocka_run_group_tests_name("send_queue", tests, NULL, NULL);
}
