/* SPDX-License-Identifier: MIT */
/* fairness.c - whoever is busy without end leaves room for the others: each kind of event comes
 * within a bounded number of turns, however little room a turn has.
 *
 * The busy ones have something to tell in every turn, and there are more of them than a turn has
 * room for events. Counted are turns, not time: without fairness it takes no longer, it takes for
 * ever.
 */
#include "contract.h"

#define FAIRNESS__ROOM 2u /* events of one turn ... */
#define FAIRNESS__BUSY 6u /* ... and how many always have one */
/* Many more than fairness takes, wherever the wire is slow: a simulated one takes a thousand. */
#define FAIRNESS__ITERATIONS_MAX 8000u
#define FAIRNESS__FLOOD 16u /* datagrams a turn, for each busy socket */
#define FAIRNESS__ENDLESS UINT64_C(0x10000000000)

static void fairness__begin(struct world *world)
{
    world_begin(world);
    world->iterations_deadline = world->iterations_count + FAIRNESS__ITERATIONS_MAX;
}

/* As world_until, in so few turns. */
#define fairness__until(world, condition)                         \
    for (fairness__begin(world); !(condition);                    \
         world_iterate_on(world, #condition, __FILE__, __LINE__)) \
    continue

/* Streams that receive in every turn. */
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

/* Streams that send again as soon as they are answered. */
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
    struct line *quiet = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct weir_address to = line_address(quiet);

    (void)state;
    line_receive(quiet, true);
    fairness__busy_streams(world);
    for (uint32_t i = 1; i <= 20; i++) {
        peer_send_to(sender, &to, "weir", 4);
        fairness__until(world, quiet->got_count == i);
    }
    world_close(world);
}

static void fairness__flood(struct line *line, struct peer_datagrams *sender)
{
    struct weir_address to = line_address(line);

    line_forget_datagrams(line);
    for (uint32_t i = 0; i < FAIRNESS__FLOOD; i++) peer_send_to(sender, &to, "flood", 5);
}

static void busy_datagrams_leave_room_for_streams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *busy = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct peer *peer;
    struct line *quiet = world_connect(world, &peer);

    (void)state;
    world->events_max = FAIRNESS__ROOM;
    line_receive(busy, true);
    line_receive(quiet, true);
    for (uint32_t i = 1; i <= 20; i++) {
        require_equal(peer_send(peer, "w", 1), 1);
        fairness__begin(world);
        while (quiet->in_position < i) {
            fairness__flood(busy, sender);
            world_iterate_on(world, "a byte came among the datagrams", __FILE__, __LINE__);
        }
    }
    world_close(world);
}

/* Whichever of them is the quiet one, first or last. */
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
    for (int quiet = 0; quiet < COUNT; quiet++) {
        struct weir_address to = line_address(lines[quiet]);
        world_settle(world); /* what is left of the flood */
        line_forget_datagrams(lines[quiet]);
        peer_send_to(sender, &to, "weir", 4);
        fairness__begin(world);
        while (lines[quiet]->got_count == 0) {
            for (int i = 0; i < COUNT; i++)
                if (i != quiet) fairness__flood(lines[i], sender);
            world_iterate_on(world, "a datagram came beside the flood", __FILE__, __LINE__);
        }
    }
    world_close(world);
}

/* ---- answers ---- */

static void busy_senders_leave_room_for_all_that_comes(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *quiet = world_connect(world, &peer), *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct weir_address to = line_address(socket), place = line_address(world->listener);

    (void)state;
    line_receive(quiet, true);
    line_receive(socket, true);
    fairness__busy_senders(world);
    for (uint32_t i = 1; i <= 20; i++) {
        require_equal(peer_send(peer, "w", 1), 1);
        fairness__until(world, quiet->in_position == i);
        peer_send_to(sender, &to, "weir", 4);
        fairness__until(world, socket->got_count == i);
        peer_start(world, &place);
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
    struct line *quiet = world_connect(world, &peer), *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *receiver = peer_bind(world, "127.0.0.1:0");
    struct weir_address to = peer_bound(receiver);

    (void)state;
    peer_reads_pattern(peer, 50);
    quiet->out_seed = 50;
    fairness__busy_streams(world);
    for (uint32_t i = 1; i <= 20; i++) {
        line_send(quiet, 1, 100);
        fairness__until(world, quiet->sent_count == i);
        require_equal(line_send_to(socket, &to, NULL, "weir", 4, 0), WEIR_OK);
        fairness__until(world, socket->datagrams_sent == i);
        net_wake(world->net);
        fairness__until(world, world->woken_count == i);
    }
    line_close(quiet);
    fairness__until(world, !quiet->is_open);
    world_close(world);
}

/* ---- pauses ---- */

static bool fairness__all_received(struct line *const *lines, uint32_t count)
{
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++)
        if (lines[i]->received_count < count) return false;
    return true;
}

/* What a full send queue does that empties at once: off and on again, within a turn. */
static void fairness__pause(struct line *line, uint32_t *seen_count)
{
    if (line->received_count == *seen_count) return;
    *seen_count = line->received_count;
    line_receive(line, false);
    line_receive(line, true);
}

/* Whoever has just received does not overtake those that found no buffer. */
static void streams_that_pause_leave_room_for_others(void **state)
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
    world_settle(world); /* more lies there for each than there are buffers */
    for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) line_receive(lines[i], true);
    fairness__begin(world);
    while (!fairness__all_received(lines, 20)) {
        world_iterate_on(world, "all of them received", __FILE__, __LINE__);
        for (uint32_t i = 0; i < FAIRNESS__BUSY; i++) fairness__pause(lines[i], &seen_counts[i]);
    }
    world_close(world);
}

static const struct CMUnitTest fairness__tests[] = {
    cmocka_unit_test(busy_streams_leave_room_for_datagrams),
    cmocka_unit_test(busy_datagrams_leave_room_for_streams),
    cmocka_unit_test(busy_datagrams_leave_room_for_other_sockets),
    cmocka_unit_test(busy_senders_leave_room_for_all_that_comes),
    cmocka_unit_test(busy_streams_leave_room_for_answers),
    cmocka_unit_test(streams_that_pause_leave_room_for_others),
};

CONTRACT_GROUP(fairness, fairness__tests);
