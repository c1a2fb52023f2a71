/* SPDX-License-Identifier: MIT */
/* connecting.c - net_connect: one answer for each attempt, and afterwards a connection as any
 * other. The world requires that nothing but the answer comes before it. */
#include "address.h"
#include "contract.h"

#define CONNECTING__MANY 40u
#define CONNECTING__BYTES 300000u

/* Returns an address of this machine on which no listener is left. */
static struct net_address connecting__nowhere(struct world *world)
{
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address address = peer_listens(listener);

    peer_unlisten(listener);
    return address;
}

static bool connecting__is_answered(const struct line *line)
{
    return line->connected_count + line->broken_count > 0;
}

static void an_established_connection_knows_its_addresses(void **state)
{
    struct world *world = world_open(NULL);
    struct net_address to, from, here;
    struct line *listener = world_listen(world);

    (void)state;
    to = line_address(listener);
    struct line *line = world_start(world, &to);
    world_until(world, line->connected_count == 1);
    struct line *far = world_adopt(world, line_take_socket(listener, &from));
    here = line_address(line);
    require(address_equals(&line->local, &from));
    require(address_equals(&here, &from));
    here = line_address(far);
    require(address_equals(&here, &to));
    world_close(world);
}

static void bytes_flow_in_both_directions_to_the_end(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect_out(world, &peer);

    (void)state;
    line->in_seed = 1;
    line->out_finishes = true;
    line_sends_pattern(line, 2, CONNECTING__BYTES, 4, 4096);
    line_receive(line, true);
    peer_reads_pattern(peer, 2);
    peer_sends_pattern(peer, 1, CONNECTING__BYTES, 10000);
    peer->out_finishes = true;
    world_until(world, line->peer_done_count == 1 && peer_saw_fin(peer));
    require_equal(line->in_position, CONNECTING__BYTES);
    require_equal(peer->in_position, CONNECTING__BYTES);
    world_close(world);
}

static void bytes_wait_until_receiving_is_on(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect_out(world, &peer);

    (void)state;
    line->in_seed = 3;
    peer_sends_pattern(peer, 3, 5000, 1000);
    peer->out_finishes = true;
    world_run_until_idle(world);
    require_equal(line->in_position, 0);
    require_equal(line->peer_done_count, 0);
    line_receive(line, true);
    world_until(world, line->peer_done_count == 1);
    require_equal(line->in_position, 5000);
    world_close(world);
}

/* The listener speaks first, possibly before NET_CONNECTED is handed out. */
static void a_greeting_arrives_after_the_answer(void **state)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener);
    struct peer *peer;

    (void)state;
    world->events_max = 1;
    for (uint64_t i = 0; i < 20; i++) {
        struct line *line = world_start(world, &to);
        line->in_seed = 10 + i;
        world_until(world, (peer = peer_accept(listener)) != NULL);
        peer_sends_pattern(peer, 10 + i, 100, 100);
        peer->out_finishes = true;
        peer_step(peer);
        world_until(world, line->connected_count == 1);
        line_receive(line, true);
        world_until(world, line->peer_done_count == 1);
        require_equal(line->in_position, 100);
        line_close(line);
        world_until(world, !line->is_open);
        peer_close(peer);
    }
    world_close(world);
}

static void a_refused_attempt_is_answered_by_broken(void **state)
{
    struct world *world = world_open(NULL);
    struct net_address to = connecting__nowhere(world);
    struct line *line = world_start(world, &to);

    (void)state;
    world_until(world, connecting__is_answered(line));
    require_equal(line->connected_count, 0);
    require_equal(line->broken_code, WEIR_REFUSED);
    world_run_until_idle(world); /* once */
    line_close(line);
    world_until(world, !line->is_open);
    world_close(world);
}

static void closing_before_the_first_wait_delivers_closed_alone(void **state)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener);
    struct line *line = world_start(world, &to);

    (void)state;
    line_close(line);
    world_until(world, !line->is_open);
    require(!connecting__is_answered(line));
    world_close(world);
}

/* At every point of an attempt that succeeds, and of one that is refused. */
static void closing_cancels_an_attempt_at_any_time(void **state)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address nowhere = connecting__nowhere(world), to = peer_listens(listener);
    struct peer *peer;

    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct line *line = world_start(world, i % 3 == 0 ? &nowhere : &to);
        for (uint32_t iterations = i % 6; iterations > 0; iterations--)
            world_iterate_until(world, 0);
        line_close(line);
        world_until(world, !line->is_open);
        require(line->connected_count + line->broken_count <= 1);
        while ((peer = peer_accept(listener)) != NULL) {
            world_until(world, peer_saw_close(peer));
            peer_close(peer);
        }
    }
    world_close(world);
}

/* Where a full backlog ignores further attempts, as the peer of a real network can. */
static void an_attempt_without_an_answer_is_cancelled(void **state)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen_few(world, "127.0.0.1:0", 1);
    struct net_address to = peer_listens(listener);
    struct line *lines[8];
    uint32_t waiting_count = 0;

    (void)state;
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(lines); i++) {
        lines[i] = world_start(world, &to);
        world_run_until_idle(world);
        if (!connecting__is_answered(lines[i])) waiting_count++;
    }
    if (waiting_count == 0) world_skip(world, "a full backlog refuses attempts here");
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(lines); i++) line_close(lines[i]);
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(lines); i++) world_until(world, !lines[i]->is_open);
    world_close(world);
}

static void many_attempts_are_answered_once_each(void **state)
{
    struct net_options options;
    struct line *lines[CONNECTING__MANY];

    (void)state;
    world_options(&options);
    options.queue_entries = 2;
    struct world *world = world_open(&options);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address nowhere = connecting__nowhere(world), to = peer_listens(listener);
    world->events_max = 3;
    for (uint32_t i = 0; i < CONNECTING__MANY; i++)
        lines[i] = world_start(world, i % 4 == 0 ? &nowhere : &to);
    for (uint32_t i = 0; i < CONNECTING__MANY; i++) {
        world_until(world, connecting__is_answered(lines[i]));
        require_equal(lines[i]->connected_count, i % 4 == 0 ? 0 : 1);
    }
    world_close(world);
}

/* The other side disappears just when the attempt succeeds: one answer, and then the end. */
static void a_listener_that_closes_resets_what_it_accepted(void **state)
{
    struct world *world = world_open(NULL);

    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address to = peer_listens(listener);
        struct line *line = world_start(world, &to);
        for (uint32_t iterations = i % 5; iterations > 0; iterations--)
            world_iterate_until(world, 0);
        peer_unlisten(listener);
        world_until(world, connecting__is_answered(line));
        if (line->connected_count == 1) line_receive(line, true);
        world_until(world, line->broken_count == 1 || line->peer_done_count == 1);
        require(line->broken_count == 0 || line->broken_code == WEIR_RESET ||
                line->broken_code == WEIR_REFUSED);
        line_close(line);
        world_until(world, !line->is_open);
    }
    world_close(world);
}

static void a_connection_can_be_reset_before_it_is_used(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect_out(world, &peer);

    (void)state;
    peer_reset(peer);
    line_receive(line, true);
    world_until(world, line_was_cut(line));
    world_close(world);
}

static void a_connection_can_be_finished_and_aborted(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect_out(world, &peer);

    (void)state;
    line_finish(line);
    world_until(world, peer_saw_fin(peer));
    line = world_connect_out(world, &peer);
    line_abort(line);
    world_until(world, !line->is_open && peer_saw_close(peer));
    require(peer_saw_reset(peer) || !world_shows_resets());
    world_close(world);
}

static void both_families_are_reached(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("[::]:0"), .backlog = 8};
    struct line *listener = world_listen_on(world, &listen_options);
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};

    (void)state;
    line_accept(listener, true);
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(addresses); i++) {
        struct net_address to = world_address(addresses[i]), from;
        to.port = line_address(listener).port;
        struct line *line = world_start(world, &to);
        world_until(world, line->connected_count == 1);
        world_adopt(world, line_take_socket(listener, &from));
        require(address_equals(&line->local, &from));
        require(address_same_ip(&from, &to)); /* loopback, in the family that was asked for */
    }
    world_close(world);
}

static void without_files_the_call_fails(void **state)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_connect_options options = {.address = peer_listens(listener)};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_needs_file_limits(world);
    world_limit_files(world, 0);
    enum weir_code code = net_connect(world->net, &options, NULL, &handle, &error);
    world_limit_files(world, WORLD_FILES_FREE);
    require_equal(code, WEIR_NO_FILES);
    require_equal(error.code, WEIR_NO_FILES);
    require(strstr(error.subject, "127.0.0.1:") != NULL);
    struct line *line = world_start(world, &options.address);
    world_until(world, line->connected_count == 1);
    world_close(world);
}

static void without_handles_the_call_fails(void **state)
{
    struct net_options options;
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_options(&options);
    options.handles_max = 1;
    struct world *world = world_open(&options);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_connect_options to = {.address = peer_listens(listener)};
    struct line *line = world_start(world, &to.address);
    require_equal(net_connect(world->net, &to, NULL, &handle, &error), WEIR_NO_ROOM);
    world_until(world, line->connected_count == 1);
    world_close(world);
}

/* ---- misuse ---- */

static void connecting__misuse(void *argument)
{
    void (*use)(struct net * net, struct net_handle handle) =
        *(void (**)(struct net * net, struct net_handle handle)) argument;
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener);

    use(world->net, world_start(world, &to)->handle);
}

static void connecting__receive(struct net *net, struct net_handle handle)
{
    net_receive(net, handle, true);
}

static void connecting__send(struct net *net, struct net_handle handle)
{
    struct net_buffer *buffer = net_take(net, 1);

    buffer->length = 1;
    net_send(net, handle, &buffer, 1);
}

static void connecting__ask(struct net *net, struct net_handle handle)
{
    net_local_address(net, handle);
}

static void only_close_is_allowed_before_the_answer(void **state)
{
    static void (*const uses[])(struct net * net, struct net_handle handle) = {
        connecting__receive, connecting__send, net_finish, net_abort, connecting__ask};

    (void)state;
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(uses); i++) {
        void (*use)(struct net * net, struct net_handle handle) = uses[i];
        require_death(connecting__misuse, &use, "rule 2");
    }
}

/* ---- random sequences ---- */

/* One step of a random sequence over a few attempts. */
static void connecting__step(struct world *world, struct line **line, uint64_t *draw,
                             const struct net_address *to, struct peer_listener *listener)
{
    struct peer *peer;

    if (!*line) {
        *line = world_start(world, to);
        return;
    }
    switch (pattern_draw(draw, 6)) {
    case 0:
        if (!(*line)->closing) line_close(*line);
        world_until(world, !(*line)->is_open);
        *line = NULL;
        break;
    case 1:
        peer = peer_accept(listener);
        if (peer) peer_reset(peer);
        break;
    case 2:
        peer = peer_accept(listener);
        if (peer) peer_sends_pattern(peer, 1, 3000, 1000);
        break;
    case 3:
        if ((*line)->connected_count == 1 && (*line)->broken_count == 0)
            line_receive(*line, !(*line)->on);
        break;
    default: world_iterate_until(world, 0);
    }
}

static void every_random_sequence_ends_properly(void **state)
{
    enum { LINES = 6, STEPS = 250 };

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world *world = world_open(NULL);
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address nowhere = connecting__nowhere(world), to = peer_listens(listener);
        struct line *lines[LINES] = {NULL};
        uint64_t draw = world_seed * 1000 + seed;
        world->events_max = seed % 2 == 0 ? 1 : 16;
        for (uint32_t step = 0; step < STEPS; step++)
            connecting__step(world, &lines[pattern_draw(&draw, LINES)], &draw,
                             pattern_draw(&draw, 5) == 0 ? &nowhere : &to, listener);
        for (uint32_t i = 0; i < LINES; i++)
            if (lines[i]) world_until(world, connecting__is_answered(lines[i]));
        world_close(world);
    }
}

static const struct CMUnitTest connecting__tests[] = {
    cmocka_unit_test(an_established_connection_knows_its_addresses),
    cmocka_unit_test(bytes_flow_in_both_directions_to_the_end),
    cmocka_unit_test(bytes_wait_until_receiving_is_on),
    cmocka_unit_test(a_greeting_arrives_after_the_answer),
    cmocka_unit_test(a_refused_attempt_is_answered_by_broken),
    cmocka_unit_test(closing_before_the_first_wait_delivers_closed_alone),
    cmocka_unit_test(closing_cancels_an_attempt_at_any_time),
    cmocka_unit_test(an_attempt_without_an_answer_is_cancelled),
    cmocka_unit_test(many_attempts_are_answered_once_each),
    cmocka_unit_test(a_listener_that_closes_resets_what_it_accepted),
    cmocka_unit_test(a_connection_can_be_reset_before_it_is_used),
    cmocka_unit_test(a_connection_can_be_finished_and_aborted),
    cmocka_unit_test(both_families_are_reached),
    cmocka_unit_test(without_files_the_call_fails),
    cmocka_unit_test(without_handles_the_call_fails),
    cmocka_unit_test(only_close_is_allowed_before_the_answer),
    cmocka_unit_test(every_random_sequence_ends_properly),
};

CONTRACT_GROUP(connecting, connecting__tests);
