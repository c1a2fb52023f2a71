/* SPDX-License-Identifier: MIT */
/* rule_03_order.c - one send at a time per connection, of 1 to 16 buffers, in order. A violation
 * fails a check. */
#include <string.h>

#include "contract.h"

static void sends_of_1_to_16_buffers_arrive_in_order(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->out_seed = 1;
    peer_reads_pattern(peer, 1);
    for (uint32_t count = 1; count <= NET_SEND_BUFFERS_MAX; count++) {
        line_send(line, count, 1 + count * 250);
        world_until(world, line->sent_count == count);
        require_equal(line->sent_code, WEIR_OK);
    }
    world_until(world, peer->in_position == line->out_position);
    world_close(world);
}

/* A send that is answered immediately has no NET_SENT: world.c fails for a second answer. */
static void sends_answered_immediately_arrive_in_order(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->out_seed = 1;
    line->sends_now = true;
    peer_reads_pattern(peer, 1);
    for (uint32_t count = 1; count <= NET_SEND_BUFFERS_MAX; count++) {
        line_send(line, count, 1 + count * 25);
        world_until(world, line->sent_count == count);
        require_equal(line->sent_code, WEIR_OK);
    }
    world_until(world, peer->in_position == line->out_position);
    if (strcmp(net_info(world->net).transport, "epoll") == 0) /* it tries each send immediately */
        require_equal(line->sent_now_count, NET_SEND_BUFFERS_MAX);
    world_close(world);
}

/* A send that the system accepts in parts is answered later, and only once. */
static void a_send_that_waits_is_answered_once(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint32_t sends = 0;

    (void)state;
    line->out_seed = 1;
    line->sends_now = true;
    do { /* until the peer, which does not read yet, is full */
        line_send(line, NET_SEND_BUFFERS_MAX, 16384);
        sends++;
        world_iterate(world);
    } while (line->sent_count == sends);
    peer_reads_pattern(peer, 1);
    world_until(world, line->sent_count == sends && line->released_bytes == line->posted_bytes);
    world_until(world, peer->in_position == line->out_position);
    require(line->sent_now_count < sends);
    world_close(world);
}

/* ---- calls that fail a check; each runs in a child process ---- */

static struct line *rule__connection(void)
{
    struct peer *peer;

    return world_connect(world_open(NULL), &peer);
}

static void rule__send_twice(void *argument)
{
    struct line *line = rule__connection();

    (void)argument;
    line_send(line, 1, 100);
    line_send(line, 1, 100);
}

static void a_second_send_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_twice, NULL, "rule 3");
}

static void rule__send_17(void *argument)
{
    struct line *line = rule__connection();
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX + 1];

    (void)argument;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(buffers); i++) {
        buffers[i] = net_take(line->world->net, 1);
        buffers[i]->length = 1;
    }
    net_send(line->world->net, line->handle, buffers, CONTRACT_COUNT_OF(buffers));
}

static void more_than_16_buffers_fail_a_check(void **state)
{
    (void)state;
    require_death(rule__send_17, NULL, "count <= NET_SEND_BUFFERS_MAX");
}

static void rule__send_nothing(void *argument)
{
    struct line *line = rule__connection();
    struct net_buffer *buffer = net_take(line->world->net, 1);

    (void)argument;
    net_send(line->world->net, line->handle, &buffer, 1);
}

static void an_empty_buffer_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_nothing, NULL, "length > 0");
}

static void rule__send_after_finish(void *argument)
{
    struct line *line = rule__connection();

    (void)argument;
    line_finish(line);
    line_send(line, 1, 1);
}

static void a_send_after_finish_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_after_finish, NULL, "nothing is sent after net_finish");
}

static void rule__finish_under_send(void *argument)
{
    struct line *line = rule__connection();

    (void)argument;
    line_send(line, 1, 1);
    line_finish(line);
}

static void a_finish_during_a_send_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__finish_under_send, NULL, "after its last send was answered");
}

static void rule__finish_twice(void *argument)
{
    struct line *line = rule__connection();

    (void)argument;
    line_finish(line);
    line_finish(line);
}

static void a_second_finish_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__finish_twice, NULL, "!handle->finished");
}

static void rule__send_on_listener(void *argument)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);

    (void)argument;
    line_send(listener, 1, 1);
}

static void a_send_on_a_listener_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_on_listener, NULL, "handle->kind == kind");
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(sends_of_1_to_16_buffers_arrive_in_order),
    cmocka_unit_test(a_second_send_fails_a_check),
    cmocka_unit_test(more_than_16_buffers_fail_a_check),
    cmocka_unit_test(an_empty_buffer_fails_a_check),
    cmocka_unit_test(a_send_after_finish_fails_a_check),
    cmocka_unit_test(a_finish_during_a_send_fails_a_check),
    cmocka_unit_test(a_second_finish_fails_a_check),
    cmocka_unit_test(a_send_on_a_listener_fails_a_check),
    cmocka_unit_test(sends_answered_immediately_arrive_in_order),
    cmocka_unit_test(a_send_that_waits_is_answered_once),
};

CONTRACT_GROUP(rule_03_order, rule__tests);
