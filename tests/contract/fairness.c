/* SPDX-License-Identifier: MIT */
/* fairness.c - busy handles leave room for the others: each kind of event arrives within a bounded
 * number of iterations, however few events an iteration can deliver.
 *
 * Each busy handle has an event in every iteration, and there are more busy handles than an
 * iteration can deliver events. The tests count iterations instead of time: without fairness the
 * event would never arrive.
 */
#include "contract.h"

#define FAIRNESS__ROOM 2u /* events per iteration ... */
#define FAIRNESS__BUSY 6u /* ... and the number of handles that always have one */
/* Far more than fairness needs on a slow network: the simulated one needs a thousand. */
#define FAIRNESS__ITERATIONS_MAX 8000u
#define FAIRNESS__FLOOD 16u /* datagrams per iteration and busy socket */
#define FAIRNESS__READY 4u  /* buffers that the system has for receives ... */
#define FAIRNESS__CROWD 9u  /* ... and the number of streams that can each take all of them */
#define FAIRNESS__BYTES 5u  /* that a stream receives, one by one, among them */
#define FAIRNESS__BULK 48u  /* streams that fill every buffer, many times what an iteration reads */
#define FAIRNESS__ROUNDS 5u /* each compares two streams */
#define FAIRNESS__ENDLESS UINT64_C(0x10000000000)

static void fairness__begin(struct world *world)
{
    world_begin(world);
    world->iterations_deadline = world->iterations_count + FAIRNESS__ITERATIONS_MAX;
}

/* As world_until, within FAIRNESS__ITERATIONS_MAX iterations. */
#define fairness__until(world, condition)                         \
    for (fairness__begin(world); !(condition);                    \
         world_iterate_on(world, #condition, __FILE__, __LINE__)) \
    continue

/* Opens streams that receive in every iteration. */
static void fairness__busy_streams(struct world *world)
{
    struct line *lines[FAIRNESS__BUSY];
    struct peer *peers[FAIRNESS__BUSY];

    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) lines[i] = world_connect(world, &peers[i]);
    world->events_max = FAIRNESS__ROOM;
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) {
        lines[i]->in_seed = 1 + i;
        peer_sends_pattern(peers[i], 1 + i, FAIRNESS__ENDLESS, 16384);
        line_receive(lines[i], true);
    }
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++)
        fairness__until(world, lines[i]->received_count >= 20);
}

/* Opens streams that send again as soon as a send is answered. */
static void fairness__busy_senders(struct world *world)
{
    struct line *lines[FAIRNESS__BUSY];
    struct peer *peers[FAIRNESS__BUSY];

    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) {
        lines[i] = world_connect(world, &peers[i]);
        peer_reads_pattern(peers[i], 1 + i);
    }
    world->events_max = FAIRNESS__ROOM;
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++)
        line_sends_pattern(lines[i], 1 + i, FAIRNESS__ENDLESS, 1, 100);
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++)
        fairness__until(world, lines[i]->sent_count >= 20);
}

/* ---- streams and datagrams ---- */

static void busy_streams_leave_room_for_datagrams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *idle = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(idle);

    (void)state;
    line_receive(idle, true);
    fairness__busy_streams(world);
    for (uint32_t i = 1; i <= 20; i++) {
        peer_send_to(sender, &to, "weir", 4);
        fairness__until(world, idle->got_count == i);
    }
    world_close(world);
}

static void fairness__flood(struct line *line, struct peer_datagrams *sender)
{
    struct net_address to = line_address(line);

    line_forget_datagrams(line);
    for (uint32_t i = 0; i < FAIRNESS__FLOOD; i++) peer_send_to(sender, &to, "flood", 5);
}

static void busy_datagrams_leave_room_for_streams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *busy = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct peer *peer;
    struct line *idle = world_connect(world, &peer);

    (void)state;
    world->events_max = FAIRNESS__ROOM;
    line_receive(busy, true);
    line_receive(idle, true);
    for (uint32_t i = 1; i <= 20; i++) {
        require_equal(peer_send(peer, "w", 1), 1);
        fairness__begin(world);
        while (idle->in_position < i) {
            fairness__flood(busy, sender);
            world_iterate_on(world, "a byte came among the datagrams", __FILE__, __LINE__);
        }
    }
    world_close(world);
}

/* The idle socket can be the first or the last of them. */
static void busy_datagrams_leave_room_for_other_sockets(void **state)
{
    enum { COUNT = 3 };
    struct world *world = world_open(NULL);
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct line *lines[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        lines[i] = world_bind(world, "127.0.0.1:0");
        line_receive(lines[i], true);
    }
    world->events_max = FAIRNESS__ROOM;
    for (int idle = 0; idle < COUNT; idle++) {
        struct net_address to = line_address(lines[idle]);
        world_run_until_idle(world); /* drains the rest of the flood */
        line_forget_datagrams(lines[idle]);
        peer_send_to(sender, &to, "weir", 4);
        fairness__begin(world);
        while (lines[idle]->got_count == 0) {
            for (int i = 0; i < COUNT; i++)
                if (i != idle) fairness__flood(lines[i], sender);
            world_iterate_on(world, "a datagram came beside the flood", __FILE__, __LINE__);
        }
    }
    world_close(world);
}

/* ---- answers ---- */

static void busy_senders_leave_room_for_incoming_events(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *idle = world_connect(world, &peer), *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(socket), listener_address = line_address(world->listener);

    (void)state;
    line_receive(idle, true);
    line_receive(socket, true);
    fairness__busy_senders(world);
    for (uint32_t i = 1; i <= 20; i++) {
        require_equal(peer_send(peer, "w", 1), 1);
        fairness__until(world, idle->in_position == i);
        peer_send_to(sender, &to, "weir", 4);
        fairness__until(world, socket->got_count == i);
        peer_start(world, &listener_address);
        fairness__until(world, world->listener->sockets_count == i);
        net_wake(world->net);
        fairness__until(world, world->woken_count == i);
    }
    world_close(world);
}

static void busy_streams_leave_room_for_answers(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *idle = world_connect(world, &peer), *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *receiver = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(receiver);

    (void)state;
    peer_reads_pattern(peer, 50);
    idle->out_seed = 50;
    fairness__busy_streams(world);
    for (uint32_t i = 1; i <= 20; i++) {
        line_send(idle, 1, 100);
        fairness__until(world, idle->sent_count == i);
        require_equal(line_send_to(socket, &to, NULL, "weir", 4, 0), WEIR_OK);
        fairness__until(world, socket->datagrams_sent == i);
        net_wake(world->net);
        fairness__until(world, world->woken_count == i);
    }
    line_close(idle);
    fairness__until(world, !idle->is_open);
    world_close(world);
}

/* ---- pauses ---- */

static bool fairness__all_received(struct line *const *lines, uint32_t count)
{
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++)
        if (lines[i]->received_count < count) return false;
    return true;
}

/* Switches the flow off and on within one iteration, as a full send queue does that empties
 * immediately. */
static void fairness__pause(struct line *line, uint32_t *seen_count)
{
    if (line->received_count == *seen_count) return;
    *seen_count = line->received_count;
    line_receive(line, false);
    line_receive(line, true);
}

/* A stream that has just received does not overtake streams that found no buffer. */
static void streams_that_pause_leave_buffers_for_others(void **state)
{
    struct world *world = world_open(NULL);
    struct line *lines[FAIRNESS__BUSY];
    struct peer *peers[FAIRNESS__BUSY];
    uint32_t seen_counts[FAIRNESS__BUSY] = {0};

    (void)state;
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->in_seed = 1 + i;
        peer_sends_pattern(peers[i], 1 + i, FAIRNESS__ENDLESS, 16384);
    }
    world_run_until_idle(world); /* each stream has more data waiting than all buffers hold */
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) line_receive(lines[i], true);
    fairness__begin(world);
    while (!fairness__all_received(lines, 20)) {
        world_iterate_on(world, "all of them received", __FILE__, __LINE__);
        for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) fairness__pause(lines[i], &seen_counts[i]);
    }
    world_close(world);
}

/* Streams that can always take all buffers. Each is off for `pause` iterations after it received,
 * as a session is that has not read all yet. */
struct fairness__crowd {
    struct line *lines[FAIRNESS__CROWD];
    uint32_t count, pause;
    uint32_t seen_counts[FAIRNESS__CROWD], off_counts[FAIRNESS__CROWD];
};

static void fairness__connect_crowd(struct world *world, struct fairness__crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct peer *peer;
        crowd->lines[i] = world_connect(world, &peer);
        crowd->lines[i]->in_seed = 1 + i;
        peer_sends_pattern(peer, 1 + i, FAIRNESS__ENDLESS, 16384);
    }
    world_run_until_idle(world);
    for (uint32_t i = 0; i < crowd->count; i++) line_receive(crowd->lines[i], true);
}

static void fairness__pause_crowd(struct fairness__crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct line *line = crowd->lines[i];
        if (crowd->off_counts[i] > 0 && --crowd->off_counts[i] == 0) line_receive(line, true);
        if (line->received_count == crowd->seen_counts[i]) continue;
        crowd->seen_counts[i] = line->received_count;
        if (crowd->pause > 0) line_receive(line, false);
        crowd->off_counts[i] = crowd->pause;
    }
}

/* The byte comes at different times of the shortage, and finds different queues before it. */
static void fairness__one_byte_among(struct fairness__crowd *crowd)
{
    struct net_options options;
    struct peer *peer;

    world_options(&options);
    options.receive_buffers_ready = FAIRNESS__READY;
    options.stream_buffers_max = 4 * FAIRNESS__READY;
    struct world *world = world_open(&options);
    struct line *line = world_connect(world, &peer);
    line_receive(line, true);
    fairness__connect_crowd(world, crowd);
    for (uint32_t i = 1; i <= FAIRNESS__BYTES; i++) {
        require_equal(peer_send(peer, "w", 1), 1);
        fairness__begin(world);
        while (line->in_position < i) {
            world_iterate_on(world, "the byte came", __FILE__, __LINE__);
            fairness__pause_crowd(crowd);
        }
    }
    world_close(world);
}

/* Fewer streams than the system has buffers, as many, and about twice as many. */
static void a_byte_is_received_among_streams_that_take_all_buffers(void **state)
{
    static const uint32_t counts[] = {FAIRNESS__READY - 1, FAIRNESS__READY, FAIRNESS__CROWD};

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(counts); i++)
        for (uint32_t pause = 0; pause <= 1; pause++) {
            struct fairness__crowd crowd = {.count = counts[i], .pause = pause};
            fairness__one_byte_among(&crowd);
        }
}

/* ---- bulk ---- */

/* Opens a world with many streams that fill every buffer, and lets each of them receive. */
static struct world *fairness__open_bulk(struct line **lines, uint32_t count)
{
    struct world *world = world_open(NULL);

    for (uint32_t i = 0; i < count; i++) {
        struct peer *peer;
        lines[i] = world_connect(world, &peer);
        lines[i]->in_seed = 1 + i;
        peer_sends_pattern(peer, 1 + i, FAIRNESS__ENDLESS, 16384);
    }
    world_run_until_idle(world);
    for (uint32_t i = 0; i < count; i++) line_receive(lines[i], true);
    for (uint32_t i = 0; i < count; i++) fairness__until(world, lines[i]->received_count >= 4);
    return world;
}

/* Sends bytes of the line's pattern, which were `sent` so far. Returns how many. */
static uint32_t fairness__say(struct peer *peer, const struct line *line, uint64_t sent,
                              uint32_t count)
{
    static uint8_t bytes[1 << 14];

    require(count <= sizeof bytes);
    for (uint32_t i = 0; i < count; i++) bytes[i] = pattern_byte(line->in_seed, sent + i);
    return peer_send(peer, bytes, count);
}

/* A stream receives once per iteration, and not again when it has filled its first buffer: its
 * owner could not switch it off before (rule 1). */
static void a_stream_that_fills_a_buffer_waits_for_the_next_iteration(void **state)
{
    struct line *lines[3];
    struct world *world = fairness__open_bulk(lines, 3);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t each_bytes = net_info(world->net).held_bytes_max;
    struct net_options options;

    (void)state;
    world_options(&options);
    if (each_bytes < options.stream_buffer_bytes) each_bytes = options.stream_buffer_bytes;
    line->in_seed = 50;
    line_receive(line, true);
    for (uint64_t sent = 0; sent < 60 * (uint64_t)options.stream_buffer_bytes;) {
        sent += fairness__say(peer, line, sent, options.stream_buffer_bytes * 3 / 2);
        fairness__begin(world);
        while (line->in_position < sent) {
            uint64_t before = line->in_position;
            world_iterate_on(world, "all came", __FILE__, __LINE__);
            require(line->in_position - before <= each_bytes);
        }
    }
    world_close(world);
}

/* Returns after how many iterations a byte came on the line. */
static uint32_t fairness__wait_for_byte(struct world *world, struct line *line, struct peer *peer)
{
    uint64_t before = line->in_position;
    uint32_t count = 0;

    require_equal(fairness__say(peer, line, before, 1), 1);
    fairness__begin(world);
    for (; line->in_position == before; count++)
        world_iterate_on(world, "the byte came", __FILE__, __LINE__);
    return count;
}

/* A stream that filled one buffer, and was read to its end, is no bulk stream any longer. Compares
 * numbers of iterations, which mean something where bytes arrive immediately. */
static void a_stream_is_bulk_only_while_it_has_more(void **state)
{
    struct line *lines[FAIRNESS__BULK];
    if (strcmp(world_transport, "epoll") != 0 && strcmp(world_transport, "uring") != 0)
        world_skip(NULL, "bytes take a different time each");
    struct world *world = fairness__open_bulk(lines, FAIRNESS__BULK);
    struct peer *filling_peer, *other_peer;
    struct line *filling = world_connect(world, &filling_peer),
                *other = world_connect(world, &other_peer);
    struct net_options options;
    uint32_t filling_count = 0, other_count = 0;

    (void)state;
    world_options(&options);
    filling->in_seed = 101;
    other->in_seed = 102;
    line_receive(filling, true);
    line_receive(other, true);
    for (uint32_t i = 0; i < FAIRNESS__ROUNDS; i++) {
        uint64_t before = filling->in_position;
        before += fairness__say(filling_peer, filling, before, options.stream_buffer_bytes);
        fairness__until(world, filling->in_position == before);
        for (uint32_t k = 0; k < FAIRNESS__BULK; k++)
            world_iterate_on(world, "its end is found", __FILE__, __LINE__);
        filling_count += fairness__wait_for_byte(world, filling, filling_peer);
        other_count += fairness__wait_for_byte(world, other, other_peer);
    }
    require(filling_count <= 2 * other_count + FAIRNESS__ROUNDS);
    world_close(world);
}

static const struct CMUnitTest fairness__tests[] = {
    cmocka_unit_test(busy_streams_leave_room_for_datagrams),
    cmocka_unit_test(busy_datagrams_leave_room_for_streams),
    cmocka_unit_test(busy_datagrams_leave_room_for_other_sockets),
    cmocka_unit_test(busy_senders_leave_room_for_incoming_events),
    cmocka_unit_test(busy_streams_leave_room_for_answers),
    cmocka_unit_test(streams_that_pause_leave_buffers_for_others),
    cmocka_unit_test(a_byte_is_received_among_streams_that_take_all_buffers),
    cmocka_unit_test(a_stream_that_fills_a_buffer_waits_for_the_next_iteration),
    cmocka_unit_test(a_stream_is_bulk_only_while_it_has_more),
};

CONTRACT_GROUP(fairness, fairness__tests);
