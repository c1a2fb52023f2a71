/* SPDX-License-Identifier: MIT */
/* rule_04_whole.c - streams arrive complete: every byte once and in order, for every piece size and
 * with slow readers on either side. */
#include "contract.h"
#include "plain_socket.h"

#define RULE__MB (1000 * 1000)
#define RULE__WINE_PART 5 /* each small piece passes Wine's server process: minutes if it is busy */

/* Returns the total of a stream of small pieces. */
static uint64_t rule__small(uint64_t total)
{
    return plain_is_wine() ? total / RULE__WINE_PART : total;
}

/* One connection that sends back the same buffers that it receives. */
static void rule__echo(uint64_t total, uint32_t piece)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    line->in_seed = 11;
    line->echoes = true;
    line->out_finishes = true;
    peer_reads_pattern(peer, 11);
    peer_sends_pattern(peer, 11, total, piece);
    peer->out_finishes = true;
    line_receive(line, true);
    world_until(world, peer_saw_close(peer));
    require(!peer_saw_reset(peer));
    require_equal(peer->in_position, total);
    require_equal(line->in_position, total);
    world_close(world);
}

static void an_echo_of_single_bytes_is_complete(void **state)
{
    (void)state;
    rule__echo(rule__small(100 * 1000), 1);
}

static void an_echo_in_pieces_of_7_is_complete(void **state)
{
    (void)state;
    rule__echo(rule__small(RULE__MB / 2), 7);
}

static void an_echo_in_pieces_of_1000_is_complete(void **state)
{
    (void)state;
    rule__echo(5 * RULE__MB, 1000);
}

static void an_echo_in_pieces_of_16384_is_complete(void **state)
{
    (void)state;
    rule__echo(5 * RULE__MB, 16384);
}

/* Two independent streams in opposite directions on one connection. */
static void both_directions_flow_at_the_same_time(void **state)
{
    static const uint32_t pieces[] = {1, 7, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(pieces); i++) {
        struct world *world = world_open(NULL);
        struct peer *peer;
        struct line *line = world_connect(world, &peer);
        uint64_t total = pieces[i] < 1000 ? rule__small(20000 * pieces[i]) : 5 * RULE__MB;
        line->in_seed = 21;
        peer_sends_pattern(peer, 21, total, pieces[i]);
        peer->out_finishes = true;
        peer_reads_pattern(peer, 22);
        line_sends_pattern(line, 22, total, 16, pieces[i]);
        line->out_finishes = true;
        line_receive(line, true);
        world_until(world, peer_saw_fin(peer) && line->peer_done_count == 1);
        require_equal(peer->in_position, total);
        require_equal(line->in_position, total);
        world_close(world);
    }
}

static void concurrent_connections_receive_their_own_bytes(void **state)
{
    enum { COUNT = 8 };
    static const uint32_t pieces[] = {50, 977, 4096, 20000};
    struct world *world = world_open(NULL);
    struct line *lines[COUNT];
    struct peer *peers[COUNT];
    uint64_t total = RULE__MB;

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->in_seed = 1000 + i;
        lines[i]->echoes = true;
        lines[i]->out_finishes = true;
        peer_sends_pattern(peers[i], 1000 + i, total, pieces[i % CONTRACT_COUNT_OF(pieces)]);
        peers[i]->out_finishes = true;
        peer_reads_pattern(peers[i], 1000 + i);
        line_receive(lines[i], true);
    }
    for (int i = 0; i < COUNT; i++) {
        world_until(world, peer_saw_close(peers[i]));
        require_equal(peers[i]->in_position, total);
    }
    world_close(world);
}

/* A send waits while the peer does not read. Nothing is lost when the peer reads later. */
static void sends_wait_while_the_peer_does_not_read(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;
    struct line *line;

    (void)state;
    world_options(&options);
    options.stream_buffer_bytes = WORLD_LARGE_BYTES;
    world = world_open(&options);
    line = world_connect(world, &peer);
    line_sends_pattern(line, 31, 64 * RULE__MB, NET_SEND_BUFFERS_MAX, WORLD_LARGE_BYTES);
    world_run_until_idle(world);
    require(line->send_out);
    uint64_t stuck = line->out_position;
    world_run_until_idle(world);
    require_equal(line->out_position, stuck);
    require(stuck < 64 * RULE__MB);
    line->out_total = stuck;
    peer_reads_pattern(peer, 31);
    world_until(world, !line->send_out);
    require_equal(line->sent_code, WEIR_OK);
    world_until(world, peer->in_position == stuck);
    world_close(world);
}

static void a_slow_peer_receives_every_byte(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t total = RULE__MB / 2;

    (void)state;
    peer_reads_pattern(peer, 32);
    peer->in_piece = 3000;
    line_sends_pattern(line, 32, total, 16, 1000);
    line->out_finishes = true;
    world_until(world, peer_saw_close(peer));
    require(!peer_saw_reset(peer));
    require_equal(peer->in_position, total);
    world_close(world);
}

static void a_slow_owner_receives_every_byte(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t total = RULE__MB / 2;

    (void)state;
    line->in_seed = 33;
    line->keeps = true;
    peer_sends_pattern(peer, 33, total, 8000);
    peer->out_finishes = true;
    world_begin(world);
    while (line->peer_done_count == 0) {
        line_receive(line, line->kept_count < 10);
        world_iterate_on(world, "all arrived", __FILE__, __LINE__);
        if (line->kept_count >= 10 && world->iterations_count % 3 == 0) line_give_back_kept(line);
    }
    require_equal(line->in_position, total);
    world_close(world);
}

static void the_peer_sees_fin_after_the_last_byte(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    peer_reads_pattern(peer, 34);
    line_sends_pattern(line, 34, 300 * 1000, 16, 4000);
    line->out_finishes = true;
    world_until(world, peer_saw_fin(peer));
    require_equal(peer->in_position, 300 * 1000);
    line->in_seed = 35; /* the receiving direction stays open */
    peer_sends_pattern(peer, 35, 300 * 1000, 4000);
    peer->out_finishes = true;
    world_until(world, line->peer_done_count == 1);
    require_equal(line->in_position, 300 * 1000);
    world_close(world);
}

static void a_send_after_a_reset_fails(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    peer_reset(peer);
    world_until(world, line_was_cut(line));
    line->out_seed = 1;
    line_send(line, 3, 1000);
    world_until(world, line->sent_count == 1);
    /* Wine shows the reset as the end of the stream. The send is then the first to meet it, and can
     * fail after it was accepted. */
    require(line->sent_code != WEIR_OK || !world_shows_resets());
    world_until(world, line->sent_code != WEIR_OK || line->broken_count == 1);
    require_equal(line->released_bytes, 0);
    world_close(world);
}

static void bytes_before_a_reset_are_a_prefix_of_the_stream(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    for (uint64_t i = 0; i < 30; i++) {
        struct line *line = world_connect(world, &peer);
        line->in_seed = 40 + i;
        line->echoes = i % 2 == 0;
        line_receive(line, true);
        peer_reads_pattern(peer, 40 + i);
        peer_sends_pattern(peer, 40 + i, RULE__MB, 5000);
        world_until(world, line->in_position >= i * 1000);
        peer_reset(peer);
        world_until(world,
                    line_was_cut(line) || (line->sent_count > 0 && line->sent_code != WEIR_OK));
        line_receive(line, false);
        line->echoes = false;
        line_close(line);
        world_until(world, !line->is_open);
        line_give_back_kept(line);
        peer_close(peer);
    }
    world_close(world);
}

/* ---- ends of streams that are not complete ---- */

/* Returns a connection with a send that cannot complete, because its peer does not read. */
static struct line *rule__blocked(struct peer **peer)
{
    struct net_options options;

    world_options(&options);
    options.stream_buffer_bytes = WORLD_LARGE_BYTES;
    struct line *line = world_connect(world_open(&options), peer);
    line->out_seed = 36;
    line_send(line, NET_SEND_BUFFERS_MAX, WORLD_LARGE_BYTES);
    world_run_until_idle(line->world);
    require(line->send_out);
    return line;
}

static void rule__peer_sees_a_reset(struct world *world, struct peer *peer)
{
    peer_reads_pattern(peer, 36); /* the bytes that arrive are a prefix */
    world_until(world, peer_saw_close(peer));
    if (!world_shows_resets()) return;
    require(peer_saw_reset(peer));
    require(!peer_saw_fin(peer));
}

static void an_abort_resets_the_connection(void **state)
{
    (void)state;
    if (!world_shows_resets()) world_skip(NULL, "Wine shows an RST as the end of the stream");
    for (int on = 0; on < 2; on++) {
        struct world *world = world_open(NULL);
        struct peer *peer;
        struct line *line = world_connect(world, &peer);
        line_receive(line, on == 1);
        line->out_seed = 36;
        line_send(line, 3, 1000); /* and it discards nothing that has arrived */
        peer_reads_pattern(peer, 36);
        world_until(world, line->sent_count == 1 && peer->in_position == 3000);
        line_abort(line);
        world_until(world, !line->is_open);
        rule__peer_sees_a_reset(world, peer);
        world_close(world);
    }
}

static void an_abort_before_the_first_wait_resets_the_connection(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    line->out_seed = 36;
    line_send(line, 2, 1000);
    line_abort(line);
    world_until(world, !line->is_open);
    require_equal(line->sent_count, 1);
    rule__peer_sees_a_reset(world, peer);
    world_close(world);
}

static void a_blocked_send_is_never_followed_by_a_fin(void **state)
{
    (void)state;
    for (int aborts = 0; aborts < 2; aborts++) {
        struct peer *peer;
        struct line *line = rule__blocked(&peer);
        struct world *world = line->world;
        if (aborts)
            line_abort(line);
        else
            line_close(line);
        world_until(world, !line->is_open);
        require(line->sent_code != WEIR_OK);
        require(line->sent_bytes < (uint64_t)NET_SEND_BUFFERS_MAX * WORLD_LARGE_BYTES);
        rule__peer_sees_a_reset(world, peer);
        world_close(world);
    }
}

/* The system has accepted every byte that arrives, except that Windows counts whole requests. */
static void a_failed_send_counts_the_bytes_that_the_system_accepted(void **state)
{
    struct peer *peer;
    struct line *line = rule__blocked(&peer);
    struct world *world = line->world;
    uint64_t before = line_progress(line).acknowledged_bytes;

    (void)state;
    line_receive(line, true);
    peer_reads_pattern(peer, 36);
    world_until(world, peer->in_position > 0 && line_progress(line).acknowledged_bytes > before);
    peer->reads = false; /* it blocks again: a system can accept bytes while the RST travels */
    world_run_until_idle(world);
    require(line->send_out);
    peer_reset(peer);
    world_until(world, line->sent_count == 1);
    require(line->sent_code != WEIR_OK);
    require(line->sent_bytes < (uint64_t)NET_SEND_BUFFERS_MAX * WORLD_LARGE_BYTES);
    require(line->sent_bytes > 0);
    if (!world_counts_requests()) require(line->sent_bytes >= peer->in_position);
    world_close(world);
}

static void a_complete_send_counts_all_of_its_bytes(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    peer_reads_pattern(peer, 37);
    line_sends_pattern(line, 37, RULE__MB, 16, 4000);
    world_until(world, peer->in_position == RULE__MB && !line->send_out);
    require_equal(line->sent_bytes, RULE__MB);
    world_close(world);
}

/* ---- accepted, released ---- */

static void every_byte_is_released_once(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    peer_reads_pattern(peer, 39);
    line_sends_pattern(line, 39, RULE__MB, 16, 4000);
    world_until(world, line->sent_bytes == RULE__MB);
    world_until(world, line->unreleased_buffers == 0);
    require_equal(line->released_bytes, RULE__MB);
    world_close(world);
}

/* The bound is on bytes that the system has accepted and not released. */
static void unreleased_bytes_are_bounded(void **state)
{
    struct net_options options;
    struct peer *peer;

    (void)state;
    world_options(&options);
    options.stream_unreleased_max_bytes = 20000;
    struct world *world = world_open(&options);
    struct line *line = world_connect(world, &peer);
    peer_reads_pattern(peer, 40);
    line_sends_pattern(line, 40, 2 * RULE__MB, 3, 4000);
    world_begin(world);
    while (line->out_position < line->out_total) {
        world_iterate_on(world, "all is sent", __FILE__, __LINE__);
        require(line->sent_bytes <= line->released_bytes + 20000 + 4096);
        require(line->unreleased_buffers <= 20000 / 4000 + 1 + 3); /* and one unanswered send */
    }
    world_until(world, peer->in_position == line->out_total);
    world_close(world);
}

static void fin_follows_bytes_that_are_not_released(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    peer_reads_pattern(peer, 41);
    line->out_seed = 41;
    line_send(line, 16, 4000);
    world_until(world, line->sent_count == 1);
    require_equal(line->sent_code, WEIR_OK);
    line_finish(line);
    world_until(world, peer_saw_fin(peer));
    require_equal(peer->in_position, 64000);
    world_until(world, line->unreleased_buffers == 0);
    require_equal(line->released_bytes, 64000);
    peer_finish(peer); /* the receiving direction stayed open */
    world_until(world, line->peer_done_count == 1);
    world_close(world);
}

/* Everything has arrived, or the peer sees an RST: never a FIN after a part. */
static void a_close_after_an_accepted_send_is_truthful(void **state)
{
    (void)state;
    for (int iterations = 0; iterations < 20; iterations++) {
        struct world *world = world_open(NULL);
        struct peer *peer;
        struct line *line = world_connect(world, &peer);
        line_receive(line, true);
        peer_reads_pattern(peer, 42);
        line->out_seed = 42;
        line_send(line, 16, 4000);
        world_until(world, line->sent_count == 1);
        for (int i = 0; i < iterations; i++) world_iterate(world);
        bool is_released = line->unreleased_buffers == 0;
        line_close(line);
        world_until(world, !line->is_open && peer_saw_close(peer));
        if (is_released)
            require(peer_saw_fin(peer) && peer->in_position == 64000);
        else if (world_shows_resets())
            require(peer_saw_reset(peer));
        world_close(world);
    }
}

/* The system has accepted the bytes, and the connection is lost before it releases them. */
static void a_failure_of_accepted_bytes_breaks_the_connection(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->out_seed = 43;
    line_send(line, 16, 4000);
    world_until(world, line->sent_count == 1);
    peer_reset(peer);
    world_until(world, line->unreleased_buffers == 0);
    /* Without a loss, only receiving shows the reset. */
    if (line->released_bytes == 64000) line_receive(line, true);
    world_until(world, line_was_cut(line));
    world_close(world);
}

/* ---- progress ---- */

static void progress_counts_what_the_peer_has_acknowledged(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t before = line_progress(line).acknowledged_bytes;

    (void)state;
    line_receive(line, true);
    peer_reads_pattern(peer, 38);
    line->out_seed = 38;
    line_send(line, 16, 1000);
    world_until(world, line->sent_count == 1 && peer->in_position == 16000);
    world_until(world, line_progress(line).undelivered_bytes == 0);
    require_equal(line_progress(line).acknowledged_bytes - before, 16000);
    line_finish(line); /* a FIN is no byte */
    world_until(world, peer_saw_fin(peer));
    world_until(world, line_progress(line).undelivered_bytes == 0);
    require_equal(line_progress(line).acknowledged_bytes - before, 16000);
    world_close(world);
}

static void progress_stops_while_the_peer_does_not_read(void **state)
{
    struct peer *peer;
    struct line *line = rule__blocked(&peer);
    struct world *world = line->world;
    uint64_t before;

    (void)state;
    do { /* a busy system acknowledges some bytes later */
        before = line_progress(line).acknowledged_bytes;
        world_run_until_idle(world);
    } while (line_progress(line).acknowledged_bytes != before);
    require(line->send_out);
    peer_reads_pattern(peer, 36);
    world_until(world, line_progress(line).acknowledged_bytes > before);
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(an_echo_of_single_bytes_is_complete),
    cmocka_unit_test(an_echo_in_pieces_of_7_is_complete),
    cmocka_unit_test(an_echo_in_pieces_of_1000_is_complete),
    cmocka_unit_test(an_echo_in_pieces_of_16384_is_complete),
    cmocka_unit_test(both_directions_flow_at_the_same_time),
    cmocka_unit_test(concurrent_connections_receive_their_own_bytes),
    cmocka_unit_test(sends_wait_while_the_peer_does_not_read),
    cmocka_unit_test(a_slow_peer_receives_every_byte),
    cmocka_unit_test(a_slow_owner_receives_every_byte),
    cmocka_unit_test(the_peer_sees_fin_after_the_last_byte),
    cmocka_unit_test(a_send_after_a_reset_fails),
    cmocka_unit_test(bytes_before_a_reset_are_a_prefix_of_the_stream),
    cmocka_unit_test(an_abort_resets_the_connection),
    cmocka_unit_test(an_abort_before_the_first_wait_resets_the_connection),
    cmocka_unit_test(a_blocked_send_is_never_followed_by_a_fin),
    cmocka_unit_test(a_failed_send_counts_the_bytes_that_the_system_accepted),
    cmocka_unit_test(a_complete_send_counts_all_of_its_bytes),
    cmocka_unit_test(every_byte_is_released_once),
    cmocka_unit_test(unreleased_bytes_are_bounded),
    cmocka_unit_test(fin_follows_bytes_that_are_not_released),
    cmocka_unit_test(a_close_after_an_accepted_send_is_truthful),
    cmocka_unit_test(a_failure_of_accepted_bytes_breaks_the_connection),
    cmocka_unit_test(progress_counts_what_the_peer_has_acknowledged),
    cmocka_unit_test(progress_stops_while_the_peer_does_not_read),
};

CONTRACT_GROUP(rule_04_whole, rule__tests);
