/* SPDX-License-Identifier: MIT */
/* races.c - concurrent opens, pauses, resumes, finishes, resets and closes while bytes flow, in an
 * order drawn from a seed. When the steps are over, each remaining connection must end properly.
 */
#include "contract.h"

#define RACES__LINES 12
#define RACES__STEPS 200
#define RACES__BYTES 60000u

struct race {
    struct line *line; /* null: this entry is unused */
    struct peer *peer;
    bool spoiled; /* one side closed or reset: some bytes will be missing */
};

static void races__open(struct world *world, struct race *race, uint64_t seed)
{
    race->spoiled = false;
    race->line = world_connect(world, &race->peer);
    race->line->in_seed = seed;
    race->line->echoes = true;
    race->line->out_finishes = true;
    peer_reads_pattern(race->peer, seed);
    peer_sends_pattern(race->peer, seed, RACES__BYTES, 1 + (uint32_t)(seed % 5000));
    race->peer->out_finishes = true;
}

static void races__leave(struct world *world, struct race *race)
{
    struct line *line = race->line;

    if (!line->closing) line_close(line);
    line_give_back_kept(line);
    world_until(world, !line->is_open);
    peer_close(race->peer);
    race->line = NULL;
}

static void races__step(struct world *world, struct race *race, uint64_t *draw)
{
    struct line *line = race->line;

    switch (pattern_draw(draw, 12)) {
    case 0:
    case 1: line_receive(line, false); break;
    case 2:
    case 3:
    case 4: line_receive(line, true); break;
    case 5:
        race->spoiled = true;
        peer_reset(race->peer);
        break;
    case 6:
        race->spoiled = true;
        races__leave(world, race);
        break;
    case 7: world_iterate_until(world, 0); break;
    case 8: race->peer->reads = !race->peer->reads && !race->spoiled; break;
    case 9:
        line_receive(line, true);
        line_receive(line, false);
        line_receive(line, true);
        break;
    case 10: net_wake(world->net); break;
    default: world_iterate(world); break;
    }
}

static void races__run(uint64_t seed)
{
    struct net_options options;
    struct race races[RACES__LINES] = {{NULL, NULL, false}};
    uint64_t draw = seed * 1000, names = seed * 100;

    world_options(&options);
    options.stream_buffers_max = seed % 3 == 0 ? 16 : 256;
    options.receive_buffers_ready = seed % 2 == 0 ? 2 : 16;
    options.queue_entries = seed % 4 == 0 ? 2 : 64;
    struct world *world = world_open(&options);
    world->events_max = seed % 5 == 0 ? 1 : 16;
    for (int step = 0; step < RACES__STEPS; step++) {
        struct race *race = &races[pattern_draw(&draw, RACES__LINES)];
        if (!race->line)
            races__open(world, race, ++names);
        else
            races__step(world, race, &draw);
        if (pattern_draw(&draw, 3) == 0) world_iterate(world);
    }
    for (int i = 0; i < RACES__LINES; i++) { /* no further resets: all connections must drain */
        if (!races[i].line) continue;
        races[i].peer->reads = !races[i].spoiled;
        line_receive(races[i].line, true);
    }
    for (int i = 0; i < RACES__LINES; i++) {
        if (!races[i].line) continue;
        struct peer *peer = races[i].peer;
        if (!races[i].spoiled) {
            world_until(world, peer_saw_close(peer));
            require_equal(peer->in_position, RACES__BYTES);
        }
        races__leave(world, &races[i]);
    }
    world_close(world);
}

static void every_random_sequence_ends_properly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) races__run(world_seed * 100 + seed);
}

/* A close and an action of the peer in the same moment. Both orders of the two will occur. */
static void a_close_can_race_with_the_peer(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    for (uint64_t i = 0; i < 120; i++) {
        struct line *line = world_connect(world, &peer);
        line->in_seed = 1 + i;
        line_receive(line, true);
        for (uint64_t iterations = i % 5; iterations > 0; iterations--)
            world_iterate_until(world, 0);
        peer_sends_pattern(peer, 1 + i, 100000, 10000);
        peer_step(peer);
        for (uint64_t iterations = i % 7; iterations > 0; iterations--)
            world_iterate_until(world, 0);
        if (i % 4 == 0) peer_finish(peer);
        if (i % 4 == 1) peer_reset(peer);
        if (i % 8 < 4) line_receive(line, false);
        peer->out_total = peer->out_position;
        line_close(line);
        world_until(world, !line->is_open);
        peer_close(peer);
    }
    world_close(world);
}

static const struct CMUnitTest races__tests[] = {
    cmocka_unit_test(every_random_sequence_ends_properly),
    cmocka_unit_test(a_close_can_race_with_the_peer),
};

CONTRACT_GROUP(races, races__tests);
