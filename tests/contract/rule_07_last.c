/* SPDX-License-Identifier: MIT */
/* rule_07_last.c - NET_CLOSED is the last event of a handle and arrives once, whatever operation is
 * pending at the close. After each test the world requires that no handle, no buffer and no file is
 * left open. */
#include "contract.h"

static void rule__close(struct line *line)
{
    line_close(line);
    world_until(line->world, !line->is_open);
}

static void closing_before_the_first_wait_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world), *socket = world_bind(world, "127.0.0.1:0");

    (void)state;
    line_close(listener);
    line_close(socket);
    world_until(world, !listener->is_open && !socket->is_open);
    world_close(world);
}

static void closing_right_after_adoption_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    rule__close(line);
    world_until(world, peer_saw_close(peer));
    world_close(world);
}

static void closing_during_a_receive_reaches_the_peer(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    world_run_until_idle(world);
    rule__close(line);
    world_until(world, peer_saw_fin(peer)); /* before the process exits */
    world_close(world);
}

static void closing_right_after_flow_on_reaches_the_peer(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    rule__close(line);
    world_until(world, peer_saw_fin(peer));
    world_close(world);
}

static void closing_during_a_blocked_send_answers_it_first(void **state)
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
    line_receive(line, true);
    line->out_seed = 1;
    line_send(line, NET_SEND_BUFFERS_MAX, WORLD_LARGE_BYTES);
    world_run_until_idle(world);
    require(line->send_out);
    line_close(line);
    world_until(world, !line->is_open);
    require_equal(line->sent_count, 1); /* answered before NET_CLOSED */
    require(line->sent_code != WEIR_OK);
    peer_reads_pattern(peer, 1); /* the bytes that arrive are a prefix */
    world_until(world, peer_saw_close(peer));
    world_close(world);
}

static void closing_right_after_a_send_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct line *line = world_connect(world, &peer);
        line->out_seed = 2;
        peer_reads_pattern(peer, 2);
        line_receive(line, i % 2 == 0);
        line_send(line, 16, 4096);
        line_close(line);
        world_until(world, !line->is_open);
        require_equal(line->sent_count, 1);
        world_until(world, peer_saw_close(peer));
    }
    world_close(world);
}

/* The system has released the bytes: a later close does not discard them. */
static void released_sends_arrive_after_the_close(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->out_seed = 3;
    line_send(line, 16, 1000);
    world_until(world, line->sent_count == 1);
    require_equal(line->sent_code, WEIR_OK);
    world_until(world, line->unreleased_buffers == 0);
    rule__close(line);
    peer_reads_pattern(peer, 3);
    world_until(world, peer_saw_close(peer));
    require(!peer_saw_reset(peer));
    require_equal(peer->in_position, 16000);
    world_close(world);
}

static void closing_with_held_bytes_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 4;
    line_receive(line, true);
    peer_sends_pattern(peer, 4, 100 * 1000, 10000);
    world_until(world, line->in_position > 0);
    line_receive(line, false);
    world_run_until_idle(world);
    rule__close(line);
    world_until(world, peer_saw_close(peer));
    world_close(world);
}

static void closing_after_the_peers_fin_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    peer_finish(peer);
    world_until(world, line->peer_done_count == 1);
    rule__close(line);
    world_until(world, peer_saw_fin(peer));
    world_close(world);
}

static void closing_with_an_undelivered_fin_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    world_run_until_idle(world);
    line_receive(line, false);
    peer_finish(peer);
    world_run_until_idle(world);
    rule__close(line);
    world_until(world, peer_saw_fin(peer));
    world_close(world);
}

static void closing_after_finish_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_finish(line);
    world_until(world, peer_saw_fin(peer));
    rule__close(line);
    world_close(world);
}

static void closing_after_both_fins_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    line_finish(line);
    peer_finish(peer);
    world_until(world, line->peer_done_count == 1 && peer_saw_fin(peer));
    world_run_until_idle(world);
    rule__close(line);
    world_close(world);
}

static void closing_after_a_reset_delivers_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    for (int on = 0; on < 2; on++) {
        for (int detected = 0; detected < 2; detected++) { /* whether the net saw the reset */
            struct line *line = world_connect(world, &peer);
            line_receive(line, on == 1);
            world_run_until_idle(world);
            peer_reset(peer);
            if (detected == 1 && on == 1) world_until(world, line->broken_count == 1);
            if (detected == 1) world_run_until_idle(world);
            rule__close(line);
        }
    }
    world_close(world);
}

static void a_connection_reset_before_adoption_breaks_and_closes(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    struct peer *peer = peer_connect(world, &to);

    (void)state;
    struct net_socket socket = line_take_socket(listener, NULL);
    peer_reset(peer);
    world_run_until_idle(world);
    struct line *line = world_adopt(world, socket);
    line_receive(line, true);
    world_until(world, line_was_cut(line));
    rule__close(line);
    world_close(world);
}

static void connections_reset_before_acceptance_leak_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world), *line;
    struct net_address to = line_address(listener);

    (void)state;
    line_accept(listener, false);
    world_run_until_idle(world);
    for (int i = 0; i < 5; i++) {
        struct peer *peer = peer_connect(world, &to);
        if (i != 2) peer_reset(peer);
    }
    line_accept(listener, true);
    world_until(world, listener->sockets_count >= 1);
    world_run_until_idle(world); /* reset connections may be accepted or dropped */
    while (listener->sockets_count > 0) {
        line = world_adopt(world, line_take_socket(listener, NULL));
        line_receive(line, true);
    }
    world_close(world);
}

static void closing_a_listener_closes_its_backlog(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    struct peer *peers[10];

    (void)state;
    line_accept(listener, false);
    for (int i = 0; i < 10; i++) peers[i] = peer_connect(world, &to);
    world_run_until_idle(world);
    rule__close(listener);
    for (int i = 0; i < 10; i++) world_until(world, peer_saw_close(peers[i]));
    world_close(world);
}

static void closing_a_listener_closes_held_connections(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    struct peer *peers[10];

    (void)state;
    world_run_until_idle(world); /* transports that post accepts have posted them now */
    line_accept(listener, false);
    for (int i = 0; i < 10; i++) peers[i] = peer_connect(world, &to);
    world_run_until_idle(world);
    rule__close(listener);
    for (int i = 0; i < 10; i++) world_until(world, peer_saw_close(peers[i]));
    world_close(world);
}

static void an_accepted_socket_can_be_refused_after_the_listener_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    struct peer *peer = peer_connect(world, &to);

    (void)state;
    world_until(world, listener->sockets_count == 1);
    struct net_socket socket = line_take_socket(listener, NULL);
    rule__close(listener);
    net_refuse(world->net, socket);
    world_until(world, peer_saw_close(peer));
    world_close(world);
}

static void connecting_after_the_close_is_refused(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    rule__close(listener);
    struct peer *peer = peer_start(world, &to);
    world_until(world, peer_state(peer) == PEER_REFUSED);
    world_close(world);
}

static void closing_a_socket_answers_its_queued_datagrams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);

    (void)state;
    for (int i = 0; i < 10; i++)
        require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_OK);
    line_close(line);
    world_until(world, !line->is_open);
    require_equal(line->datagrams_sent + line->datagrams_failed, 10);
    world_close(world);
}

static void closing_a_socket_with_unread_datagrams_leaks_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);

    (void)state;
    line_receive(line, true);
    world_run_until_idle(world);
    line_receive(line, false);
    for (int i = 0; i < 10; i++) peer_send_to(peer, &to, "weir", 4);
    world_run_until_idle(world);
    rule__close(line);
    world_close(world);
}

static void many_handles_close_at_the_same_time(void **state)
{
    enum { COUNT = 60 };
    struct world *world = world_open(NULL);
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->in_seed = i + 1;
        lines[i]->out_seed = i + 1;
        peer_sends_pattern(peers[i], i + 1, 20000, 3000);
        line_receive(lines[i], true);
        if (i % 3 == 0) line_send(lines[i], 2, 1000);
    }
    world_iterate(world);
    for (int i = 0; i < COUNT; i++) line_close(lines[i]);
    world->events_max = 3;
    for (int i = 0; i < COUNT; i++) world_until(world, !lines[i]->is_open);
    world_close(world);
}

static void each_close_releases_its_file(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    struct line *first = world_connect(world, &peer);
    rule__close(first);
    peer_close(peer);
    uint32_t files = world_files_count(world);
    for (int i = 0; i < 100; i++) {
        struct line *line = world_connect(world, &peer);
        line_receive(line, i % 2 == 0);
        if (i % 3 == 0) peer_reset(peer);
        rule__close(line);
        peer_close(peer);
        require_equal(world_files_count(world), files);
    }
    world_close(world);
}

static void a_handle_value_is_never_reused(void **state)
{
    struct world *world = world_open(NULL);
    struct net_handle seen[50];
    struct peer *peer;

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct line *line = world_connect(world, &peer);
        seen[i] = line->handle;
        require(seen[i].generation != 0);
        for (int j = 0; j < i; j++)
            require(seen[j].index != seen[i].index || seen[j].generation != seen[i].generation);
        rule__close(line);
        peer_close(peer);
    }
    world_close(world);
}

/* ---- calls that fail a check ---- */

static void rule__close_twice(void *argument)
{
    struct line *listener = world_listen(world_open(NULL));

    (void)argument;
    line_close(listener);
    line_close(listener);
}

static void a_second_close_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__close_twice, NULL, "after its net_close");
}

static void rule__use_after_close(void *argument)
{
    struct peer *peer;
    struct line *line = world_connect(world_open(NULL), &peer);

    (void)argument;
    line_close(line);
    line_receive(line, true);
}

static void use_after_net_close_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__use_after_close, NULL, "after its net_close");
}

static void rule__use_after_closed(void *argument)
{
    struct peer *peer;
    struct line *line = world_connect(world_open(NULL), &peer);

    (void)argument;
    rule__close(line);
    world_connect(line->world, &peer); /* reuses the table entry */
    line_receive(line, true);
}

static void use_after_the_last_event_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__use_after_closed, NULL, "after its NET_CLOSED");
}

static void rule__use_of_nothing(void *argument)
{
    struct world *world = world_open(NULL);

    (void)argument;
    world_listen(world);
    net_close(world->net, NET_NONE);
}

static void use_of_no_handle_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__use_of_nothing, NULL, "after its NET_CLOSED");
}

static void rule__free_with_handle(void *argument)
{
    struct world *world = world_open(NULL);

    (void)argument;
    world_listen(world);
    net_free(world->net);
}

static void freeing_a_net_with_an_open_handle_fails_a_check(void **state)
{
    (void)state;
    require_death(rule__free_with_handle, NULL, "rule 7");
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(closing_before_the_first_wait_delivers_closed),
    cmocka_unit_test(closing_right_after_adoption_delivers_closed),
    cmocka_unit_test(closing_during_a_receive_reaches_the_peer),
    cmocka_unit_test(closing_right_after_flow_on_reaches_the_peer),
    cmocka_unit_test(closing_during_a_blocked_send_answers_it_first),
    cmocka_unit_test(closing_right_after_a_send_delivers_closed),
    cmocka_unit_test(released_sends_arrive_after_the_close),
    cmocka_unit_test(closing_with_held_bytes_delivers_closed),
    cmocka_unit_test(closing_after_the_peers_fin_delivers_closed),
    cmocka_unit_test(closing_with_an_undelivered_fin_delivers_closed),
    cmocka_unit_test(closing_after_finish_delivers_closed),
    cmocka_unit_test(closing_after_both_fins_delivers_closed),
    cmocka_unit_test(closing_after_a_reset_delivers_closed),
    cmocka_unit_test(a_connection_reset_before_adoption_breaks_and_closes),
    cmocka_unit_test(connections_reset_before_acceptance_leak_nothing),
    cmocka_unit_test(closing_a_listener_closes_its_backlog),
    cmocka_unit_test(closing_a_listener_closes_held_connections),
    cmocka_unit_test(an_accepted_socket_can_be_refused_after_the_listener_closed),
    cmocka_unit_test(connecting_after_the_close_is_refused),
    cmocka_unit_test(closing_a_socket_answers_its_queued_datagrams),
    cmocka_unit_test(closing_a_socket_with_unread_datagrams_leaks_nothing),
    cmocka_unit_test(many_handles_close_at_the_same_time),
    cmocka_unit_test(each_close_releases_its_file),
    cmocka_unit_test(a_handle_value_is_never_reused),
    cmocka_unit_test(a_second_close_fails_a_check),
    cmocka_unit_test(use_after_net_close_fails_a_check),
    cmocka_unit_test(use_after_the_last_event_fails_a_check),
    cmocka_unit_test(use_of_no_handle_fails_a_check),
    cmocka_unit_test(freeing_a_net_with_an_open_handle_fails_a_check),
};

CONTRACT_GROUP(rule_07_last, rule__tests);
