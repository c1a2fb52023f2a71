/* SPDX-License-Identifier: MIT */
/* rule_05_owner.c - a buffer has one owner at a time: it is received, sent on without a copy, and
 * returned to its pool. */
#include "contract.h"

/* Returns the number of buffers that the pool gives before it is empty; returns all of them. */
static uint32_t rule__count(struct world *world, uint32_t bytes_min)
{
    struct net_buffer *list = NULL, *buffer;
    uint32_t count = 0;

    for (; (buffer = net_take(world->net, bytes_min)) != NULL; count++) {
        require(buffer->capacity >= bytes_min);
        require_equal(buffer->length, 0);
        memset(buffer->bytes, 0xa5, buffer->capacity); /* the taker owns the whole capacity */
        buffer->next = list;
        list = buffer;
    }
    while (list) {
        buffer = list;
        list = buffer->next;
        net_give_back(world->net, buffer);
    }
    return count;
}

/* Requires that all buffers are in their pools, except the few that the transport may keep ready to
 * receive. */
static void rule__require_all_returned(struct world *world, const struct net_options *options)
{
    uint32_t count = rule__count(world, 1);

    require(count <= options->stream_buffers_max);
    require(count + options->receive_buffers_ready >= options->stream_buffers_max);
    require_equal(rule__count(world, NET_DATAGRAM_BYTES_MAX), options->datagram_buffers_max);
}

static void the_pools_hold_the_configured_number_of_buffers(void **state)
{
    struct net_options options;
    struct world *world;

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 100;
    options.datagram_buffers_max = 10;
    world = world_open(&options);
    rule__require_all_returned(world, &options);
    world_close(world);
}

static void all_buffers_return_to_their_pools_after_use(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;

    (void)state;
    world_options(&options);
    world = world_open(&options);
    for (uint64_t i = 0; i < 20; i++) {
        struct line *line = world_connect(world, &peer);
        line->in_seed = 1 + i;
        line->echoes = true;
        line_receive(line, true);
        peer_reads_pattern(peer, 1 + i);
        peer_sends_pattern(peer, 1 + i, 50000, 1 + (uint32_t)i * 300);
        if (i % 2 == 0) world_until(world, peer->in_position == 50000);
        if (i % 4 == 1) world_until(world, line->in_position > 0);
        if (i % 3 == 0) peer_reset(peer);
        line_close(line);
        line_give_back_kept(line);
        world_until(world, !line->is_open);
        peer_close(peer);
    }
    rule__require_all_returned(world, &options);
    world_close(world);
}

static void a_received_buffer_is_forwarded_without_a_copy(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 2;
    line->keeps = true;
    line_receive(line, true);
    peer_reads_pattern(peer, 2);
    peer_sends_pattern(peer, 2, 3000, 3000);
    world_until(world, line->in_position == 3000);
    require(line->kept_count <= NET_SEND_BUFFERS_MAX);
    line_send_buffers(line, line->kept, line->kept_count);
    line->kept_count = 0;
    world_until(world, line->sent_count == 1 && peer->in_position == 3000);
    world_close(world);
}

/* The owner may move bytes and length inside the capacity. The next owner gets the whole buffer
 * again. */
static void a_buffer_can_be_sent_from_its_middle(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;
    struct line *line;

    (void)state;
    world_options(&options);
    world = world_open(&options);
    line = world_connect(world, &peer);
    peer_reads_pattern(peer, 3);
    for (uint32_t i = 0; i < 10; i++) {
        struct net_buffer *buffer = net_take(world->net, 1000);
        require(buffer != NULL);
        buffer->bytes += i * 100;
        buffer->length = 1000;
        pattern_fill(3, i * 1000, buffer->bytes, 1000);
        line_send_buffers(line, &buffer, 1);
        world_until(world, line->sent_count == i + 1);
    }
    world_until(world, peer->in_position == 10000);
    line_close(line);
    world_until(world, !line->is_open);
    rule__require_all_returned(world, &options);
    world_close(world);
}

/* ---- memory that is not from a pool ---- */

#define WRAPPED_BYTES 100000u

static struct {
    uint8_t header[3], bytes[WRAPPED_BYTES];
    uint32_t released_count;
} wrapped;

static void rule__on_released(void *context)
{
    require(context == &wrapped);
    wrapped.released_count++;
    memset(wrapped.bytes, 0, sizeof wrapped.bytes); /* the system no longer needs them */
}

/* Returns the first of the buffers; null if the transport sends only from its own memory. */
static struct net_buffer *rule__wrap(struct world *world)
{
    const struct net_bytes ranges[] = {{wrapped.header, sizeof wrapped.header},
                                       {wrapped.bytes, WRAPPED_BYTES}};

    memset(&wrapped, 0, sizeof wrapped);
    pattern_fill(4, 0, wrapped.header, sizeof wrapped.header);
    pattern_fill(4, sizeof wrapped.header, wrapped.bytes, WRAPPED_BYTES);
    return net_wrap(world->net, ranges, 2, rule__on_released, &wrapped);
}

static void other_memory_is_sent_where_it_is_and_released_once(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX], *next = rule__wrap(world);

    (void)state;
    if (!next) world_skip(world, "the transport sends only from its own memory");
    peer_reads_pattern(peer, 4);
    while (next) {
        uint32_t count = 0;
        while (next && count < NET_SEND_BUFFERS_MAX) {
            buffers[count] = next;
            next = next->next;
            require(net_room(buffers[count++]) == 0);
        }
        require_equal(wrapped.released_count, 0);
        line_send_buffers(line, buffers, count);
        world_until(world, !line->send_out);
        require_equal(line->sent_code, WEIR_OK);
    }
    world_until(world, peer->in_position == sizeof wrapped.header + WRAPPED_BYTES);
    world_until(world, wrapped.released_count == 1);
    world_close(world);
    require_equal(wrapped.released_count, 1);
}

static void other_memory_that_is_not_sent_is_released(void **state)
{
    struct world *world = world_open(NULL);
    struct net_buffer *first = rule__wrap(world), *next;

    (void)state;
    if (!first) world_skip(world, "the transport sends only from its own memory");
    for (; first; first = next) {
        require_equal(wrapped.released_count, 0);
        next = first->next;
        net_give_back(world->net, first);
    }
    require_equal(wrapped.released_count, 1);
    world_close(world);
}

static void closing_releases_other_memory(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    struct net_buffer *first = rule__wrap(world), *second;

    (void)state;
    if (!first) world_skip(world, "the transport sends only from its own memory");
    second = first->next;
    line_send_buffers(line, &first, 1);
    while (second) {
        struct net_buffer *next = second->next;
        net_give_back(world->net, second);
        second = next;
    }
    line_close(line);
    world_until(world, !line->is_open);
    require_equal(wrapped.released_count, 1);
    world_close(world);
}

/* ---- calls that fail a check ---- */

static void rule__give_back_twice(void *argument)
{
    struct world *world = world_open(NULL);
    struct net_buffer *buffer = net_take(world->net, 1);

    (void)argument;
    net_give_back(world->net, buffer);
    net_give_back(world->net, buffer);
}

static void giving_back_twice_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__give_back_twice, NULL, "rule 5");
}

static void rule__send_and_give_back(void *argument)
{
    struct peer *peer;
    struct line *line = world_connect(world_open(NULL), &peer);
    struct net_buffer *buffer = net_take(line->world->net, 1);

    (void)argument;
    buffer->length = 1;
    buffer->bytes[0] = 1;
    net_send(line->world->net, line->handle, &buffer, 1);
    net_give_back(line->world->net, buffer);
}

static void giving_back_a_sent_buffer_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_and_give_back, NULL, "rule 5");
}

static void rule__send_one_twice(void *argument)
{
    struct peer *peer;
    struct line *line = world_connect(world_open(NULL), &peer);
    struct net_buffer *buffer = net_take(line->world->net, 1), *both[] = {buffer, buffer};

    (void)argument;
    buffer->length = 1;
    net_send(line->world->net, line->handle, both, 2);
}

static void one_buffer_twice_in_a_send_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_one_twice, NULL, "rule 5");
}

static void rule__send_beyond(void *argument)
{
    struct peer *peer;
    struct line *line = world_connect(world_open(NULL), &peer);
    struct net_buffer *buffer = net_take(line->world->net, 1);

    (void)argument;
    buffer->length = buffer->capacity;
    buffer->bytes += 1;
    net_send(line->world->net, line->handle, &buffer, 1);
}

static void sending_beyond_a_buffer_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__send_beyond, NULL, "pool_is_whole");
}

static void rule__free_with_buffer(void *argument)
{
    struct world *world = world_open(NULL);

    (void)argument;
    net_take(world->net, 1);
    net_free(world->net);
}

static void freeing_a_net_with_a_taken_buffer_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__free_with_buffer, NULL, "rule 5");
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(the_pools_hold_the_configured_number_of_buffers),
    cmocka_unit_test(all_buffers_return_to_their_pools_after_use),
    cmocka_unit_test(a_received_buffer_is_forwarded_without_a_copy),
    cmocka_unit_test(a_buffer_can_be_sent_from_its_middle),
    cmocka_unit_test(other_memory_is_sent_where_it_is_and_released_once),
    cmocka_unit_test(other_memory_that_is_not_sent_is_released),
    cmocka_unit_test(closing_releases_other_memory),
    cmocka_unit_test(giving_back_twice_fails_a_check),
    cmocka_unit_test(giving_back_a_sent_buffer_fails_a_check),
    cmocka_unit_test(one_buffer_twice_in_a_send_fails_a_check),
    cmocka_unit_test(sending_beyond_a_buffer_fails_a_check),
    cmocka_unit_test(freeing_a_net_with_a_taken_buffer_fails_a_check),
};

CONTRACT_GROUP(rule_05_owner, rule__tests);
