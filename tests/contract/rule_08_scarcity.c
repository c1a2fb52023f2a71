/* SPDX-License-Identifier: MIT */
/* rule_08_scarcity.c - resource exhaustion is an error code or a pause that ends by itself. It
 * never stops the net, loses data or causes a busy loop. */
#include "contract.h"
#include "memory_faults.h"

#define RULE__MS UINT64_C(1000000)

/* Returns how often net_wait returns during this span while nothing can happen. */
static uint32_t rule__returns_within(struct world *world, uint64_t span_ns)
{
    uint64_t until_ns = net_now_ns(world->net) + span_ns;
    uint32_t count = 0;

    for (; net_now_ns(world->net) < until_ns && count < 100000; count++)
        world_iterate_until(world, until_ns);
    return count;
}

static uint32_t rule__got_bytes(const struct line *line)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < line->got_count; i++) bytes += line->got[i].length;
    return bytes;
}

/* ---- buffers ---- */

static uint32_t rule__kept(struct line *const *lines, int count)
{
    uint32_t kept = 0;

    for (int i = 0; i < count; i++) kept += lines[i]->kept_count;
    return kept;
}

static void few_buffers_serve_many_connections(void **state)
{
    enum { COUNT = 12 };
    struct net_options options;
    struct world *world;
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 4;
    options.receive_buffers_ready = 2;
    world = world_open(&options);
    for (uint64_t i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->in_seed = 1 + i;
        lines[i]->keeps = true;
        line_receive(lines[i], true);
        peer_sends_pattern(peers[i], 1 + i, 20000, 4000);
        peers[i]->out_finishes = true;
    }
    world_until(world, world->paused_count > 0); /* the test keeps every received buffer */
    world_until(world, rule__kept(lines, COUNT) > 0);
    world_run_until_idle(world);
    require(rule__kept(lines, COUNT) <= 4);
    require(net_take(world->net, 1) == NULL);
    require(rule__returns_within(world, 200 * RULE__MS) <= 20);
    for (int i = 0; i < COUNT; i++) {
        lines[i]->keeps = false;
        line_give_back_kept(lines[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        world_until(world, lines[i]->peer_done_count == 1);
        require_equal(lines[i]->in_position, 20000);
    }
    world_close(world);
}

static void an_empty_pool_does_not_stop_fins_and_answers(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer, *other;
    struct line *line, *ending;
    struct net_buffer *taken[4], *extra;
    uint32_t count = 0;

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 4;
    options.receive_buffers_ready = 1;
    world = world_open(&options);
    line = world_connect(world, &peer);
    ending = world_connect(world, &other);
    line->out_seed = 1;
    peer_reads_pattern(peer, 1);
    line_send(line, 1, 100);
    while ((extra = net_take(world->net, 1)) != NULL) taken[count++] = extra;
    world_until(world, line->sent_count == 1 && peer->in_position == 100);
    line_receive(ending, true);
    peer_finish(other);
    line_close(line);
    world_until(world, !line->is_open);
    while (count > 0) net_give_back(world->net, taken[--count]);
    world_until(world, ending->peer_done_count == 1); /* detecting the FIN may need a buffer */
    world_close(world);
}

static void an_echo_completes_with_a_single_buffer(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;
    struct line *line;

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 1;
    options.receive_buffers_ready = 1;
    world = world_open(&options);
    line = world_connect(world, &peer);
    line->in_seed = 5;
    line->echoes = true;
    line->out_finishes = true;
    line_receive(line, true);
    peer_reads_pattern(peer, 5);
    peer_sends_pattern(peer, 5, 100 * 1000, 5000);
    peer->out_finishes = true;
    world_until(world, peer_saw_close(peer));
    require_equal(peer->in_position, 100 * 1000);
    world_close(world);
}

static void a_small_buffer_ring_and_queue_serve_many_streams(void **state)
{
    enum { COUNT = 20 };
    struct net_options options;
    struct world *world;
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    world_options(&options);
    options.queue_entries = 2;
    options.receive_buffers_ready = 2;
    options.stream_buffers_max = 64;
    world = world_open(&options);
    for (uint64_t i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->in_seed = 60 + i;
        lines[i]->echoes = true;
        lines[i]->out_finishes = true;
        line_receive(lines[i], true);
        peer_reads_pattern(peers[i], 60 + i);
        peer_sends_pattern(peers[i], 60 + i, 60 * 1000, 1500);
        peers[i]->out_finishes = true;
    }
    for (int i = 0; i < COUNT; i++) {
        world_until(world, peer_saw_close(peers[i]));
        require_equal(peers[i]->in_position, 60 * 1000);
    }
    world_close(world);
}

static void few_buffers_serve_ten_times_as_many_datagrams(void **state)
{
    struct net_options options;
    struct world *world;
    struct line *line;
    struct peer_datagrams *peer;
    uint32_t bytes = 0;

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = 4;
    world = world_open(&options);
    line = world_bind(world, "127.0.0.1:0");
    peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    line->keeps = true;
    line_receive(line, true);
    for (uint8_t i = 0; i < 40; i++) peer_send_to(peer, &to, &i, 1);
    world_until(world, line->kept_count > 0);
    world_run_until_idle(world);
    require(line->kept_count <= 4);
    require(rule__returns_within(world, 200 * RULE__MS) <= 20);
    line->keeps = false;
    line_give_back_kept(line);
    world_begin(world);
    while (bytes < 40) {
        world_iterate_on(world, "all 40 datagrams came", __FILE__, __LINE__);
        bytes = 0;
        for (uint32_t i = 0; i < line->got_count; i++)
            for (uint32_t at = 0; at < line->got[i].length; at++)
                require_equal(line->got[i].bytes[at], bytes++);
    }
    world_close(world);
}

/* ---- waiting for buffers ---- */

/* Sends more than the network accepts while the peer does not read. */
static void rule__send_until_stuck(struct world *world, struct line *line)
{
    line->out_seed = 1;
    line_send(line, NET_SEND_BUFFERS_MAX, WORLD_LARGE_BYTES);
    require_equal(line->out_position, NET_SEND_BUFFERS_MAX * WORLD_LARGE_BYTES);
    world_run_until_idle(world);
    require(line->send_out);
}

static uint32_t rule__take_all(struct world *world, uint32_t bytes_min, struct net_buffer **taken)
{
    uint32_t count = 0;

    while ((taken[count] = net_take(world->net, bytes_min)) != NULL) count++;
    return count;
}

/* A connection with its flow on that waits for buffers, while a pending send holds most of the
 * buffers. The test holds all other buffers, including the received ones. */
struct rule__stuck {
    struct world *world;
    struct peer *peer;
    struct line *line;
    struct net_buffer *taken[64];
    uint32_t taken_count;
};

#define RULE__STUCK_IN_BYTES (4 * WORLD_LARGE_BYTES) /* more than one buffer holds */

static void rule__get_stuck(struct rule__stuck *stuck)
{
    struct net_options options;

    world_options(&options);
    options.stream_buffer_bytes = WORLD_LARGE_BYTES;
    options.stream_buffers_max = 40;
    options.receive_buffers_ready = 1;
    stuck->world = world_open(&options);
    stuck->line = world_connect(stuck->world, &stuck->peer);
    stuck->line->in_seed = 2;
    stuck->line->keeps = true;
    rule__send_until_stuck(stuck->world, stuck->line);
    stuck->taken_count = rule__take_all(stuck->world, 1, stuck->taken);
    line_receive(stuck->line, true);
    peer_sends_pattern(stuck->peer, 2, RULE__STUCK_IN_BYTES, 4096);
    world_until(stuck->world, stuck->world->paused_count > 0);
    world_run_until_idle(stuck->world);
    require(stuck->line->send_out);
}

static void rule__give_back_taken(struct rule__stuck *stuck)
{
    while (stuck->taken_count > 0)
        net_give_back(stuck->world->net, stuck->taken[--stuck->taken_count]);
}

/* Only the buffers of the send could end the shortage. */
static void a_send_continues_while_its_connection_waits_for_buffers(void **state)
{
    struct rule__stuck stuck;

    (void)state;
    rule__get_stuck(&stuck);
    peer_reads_pattern(stuck.peer, 1);
    world_until(stuck.world, stuck.line->sent_count == 1);
    require_equal(stuck.line->sent_code, WEIR_OK);
    stuck.line->keeps = false;
    line_give_back_kept(stuck.line);
    world_until(stuck.world, stuck.line->in_position == RULE__STUCK_IN_BYTES);
    world_until(stuck.world, stuck.peer->in_position == stuck.line->out_position);
    rule__give_back_taken(&stuck);
    world_close(stuck.world);
}

static void a_reset_ends_the_send_of_a_connection_that_waits_for_buffers(void **state)
{
    struct rule__stuck stuck;

    (void)state;
    rule__get_stuck(&stuck);
    peer_reset(stuck.peer);
    world_until(stuck.world, !stuck.line->send_out);
    require_equal(stuck.line->sent_count, 1);
    world_until(stuck.world, stuck.line->sent_code == WEIR_RESET || stuck.line->broken_count == 1);
    rule__give_back_taken(&stuck);
    world_close(stuck.world);
}

/* One NET_PAUSED per shortage of stream buffers, whatever the datagrams do in the meantime. */
static void a_shortage_of_stream_buffers_is_reported_once(void **state)
{
    enum { COUNT = 20 };
    struct net_options options;
    struct world *world;
    struct line *lines[COUNT], *socket;
    struct peer *peers[COUNT];

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 4;
    options.receive_buffers_ready = 1;
    world = world_open(&options);
    socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(socket);
    line_receive(socket, true);
    for (int i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->keeps = true;
        line_receive(lines[i], true);
    }
    peer_sends_pattern(peers[0], 0, 50 * 1000, 4096);
    world_until(world, world->paused_count > 0);
    world_run_until_idle(world);
    for (uint32_t i = 1; i < COUNT; i++) {
        peer_send_to(sender, &to, "weir", 4);
        world_until(world, socket->got_count == i);
        peer_send(peers[i], "w", 1);
        world_run_until_idle(world);
        require_equal(world->paused_count, 1);
    }
    world_close(world);
}

static void a_shortage_of_datagram_buffers_is_reported_once(void **state)
{
    struct net_options options;
    struct world *world;
    struct line *line, *socket;
    struct peer *peer;

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = 4;
    world = world_open(&options);
    line = world_connect(world, &peer);
    socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(socket);
    socket->keeps = true;
    line_receive(socket, true);
    line_receive(line, true);
    for (uint32_t i = 0; i < 40; i++) peer_send_to(sender, &to, &i, i % 3);
    world_until(world, world->paused_count > 0);
    for (uint32_t i = 1; i <= 20; i++) {
        peer_send(peer, "w", 1);
        world_until(world, line->in_position == i);
        world_run_until_idle(world);
        require_equal(world->paused_count, 1);
    }
    world_close(world);
}

/* Takes datagram buffers until at most `left` are free for receives that are not posted yet. */
static uint32_t rule__take_all_but(struct world *world, uint32_t left, uint32_t all,
                                   struct net_buffer **taken)
{
    uint32_t count = rule__take_all(world, NET_DATAGRAM_BYTES_MAX, taken);

    while (count > 0 && count + left > all) net_give_back(world->net, taken[--count]);
    return count;
}

/* The datagram that completes the last posted receive of a socket also starts a shortage. Reporting
 * that takes no room from another arrival of the same iteration. */
static void a_shortage_leaves_room_for_other_arrivals(void **state)
{
    enum { BUFFERS = 4, ROUNDS = 8 };
    struct net_options options;
    struct world *world, *beside;
    struct net_buffer *taken[BUFFERS + 1];
    struct line *first, *second;

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = BUFFERS;
    world = world_open(&options);
    beside = world_open_beside(world, NULL);
    world->events_max = 2;
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to_first = line_address(first = world_bind(world, "127.0.0.1:0"));
    struct net_address to_second = line_address(second = world_bind(world, "127.0.0.1:0"));
    line_receive(first, true);
    line_receive(second, true);
    world_run_until_idle(world);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        peer_send_to(sender, &to_first, "end", 3); /* of the last shortage */
        world_until(world, first->received_count == 3 * round - 2);
        world_run_until_idle(world);
        uint32_t count = rule__take_all_but(world, 2, BUFFERS, taken);
        first->keeps = second->keeps = true;
        peer_send_to(sender, &to_first, "one", 3);
        world_until(world, first->kept_count == 1);
        world_iterate(world); /* finds no buffer to receive into */
        peer_send_to(sender, round % 2 ? &to_first : &to_second, "two", 3);
        peer_send_to(sender, round % 2 ? &to_second : &to_first, "two", 3);
        world_run_until_idle(beside); /* so that both arrive before the next iteration */
        world_until(world, world->paused_count == round);
        first->keeps = second->keeps = false;
        while (count > 0) net_give_back(world->net, taken[--count]);
        line_give_back_kept(first);
        line_give_back_kept(second);
        world_until(world, first->received_count == 3 * round && second->received_count == round);
    }
    world_close(beside);
    world_close(world);
}

/* There are more sockets than buffers, and the last one opened takes no more than the others. */
static void a_socket_beyond_the_buffers_does_not_take_all(void **state)
{
    enum { COUNT = 6 };
    struct net_options options;
    struct world *world;
    struct line *lines[COUNT];

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = 2;
    world = world_open(&options);
    for (int i = 0; i < COUNT; i++) lines[i] = world_bind(world, "127.0.0.1:0");
    line_receive(lines[COUNT - 1], true);
    world_run_until_idle(world);
    struct net_buffer *buffer = net_take(world->net, NET_DATAGRAM_BYTES_MAX);
    require(buffer != NULL);
    net_give_back(world->net, buffer);
    world_close(world);
}

/* ---- file descriptors ---- */

static void accepting_without_files_pauses_and_resumes(void **state)
{
    enum { COUNT = 10 };
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world), *lines[COUNT];
    struct net_address to = line_address(listener);
    uint32_t adopted = 0;

    (void)state;
    world_needs_file_exhaustion(world);
    line_accept(listener, false);
    world_run_until_idle(world);
    for (int i = 0; i < COUNT; i++) peer_connect(world, &to);
    world_limit_files(world, 3);
    line_accept(listener, true);
    world_until(world, listener->paused_count > 0);
    require_equal(listener->paused_code, WEIR_NO_FILES);
    require(rule__returns_within(world, 300 * RULE__MS) <= 30);
    uint32_t had = listener->sockets_count;
    require(had <= 3);
    while (listener->sockets_count > 0)
        lines[adopted++] = world_adopt(world, line_take_socket(listener, NULL));
    line_close(lines[0]);
    world_until(world, listener->sockets_count == 1); /* with the released descriptor */
    require(!lines[0]->is_open);
    net_refuse(world->net, line_take_socket(listener, NULL));
    world_until(world, listener->sockets_count == 1);
    world_limit_files(world, WORLD_FILES_FREE);
    world_until(world, adopted + 1 + listener->sockets_count == COUNT); /* the test refused one */
    world_close(world);
}

static void a_listener_without_files_can_be_switched_and_closed(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    world_needs_file_exhaustion(world);
    line_accept(listener, false);
    world_run_until_idle(world);
    for (int i = 0; i < 4; i++) peer_connect(world, &to);
    world_limit_files(world, 0);
    line_accept(listener, true);
    world_until(world, listener->paused_count > 0);
    line_accept(listener, false);
    line_accept(listener, true);
    world_run_until_idle(world);
    line_accept(listener, false);
    world_limit_files(world, WORLD_FILES_FREE);
    rule__returns_within(world, 300 * RULE__MS);
    require_equal(listener->sockets_count, 0);
    line_accept(listener, true);
    world_until(world, listener->sockets_count == 4);
    line_close(listener);
    world_until(world, !listener->is_open);
    world_close(world);
}

static void opening_without_files_returns_an_error(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("127.0.0.1:0"),
                                                .backlog = 1};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_needs_file_limits(world);
    world_limit_files(world, 0);
    require_equal(net_listen(world->net, &listen_options, NULL, &handle, &error), WEIR_NO_FILES);
    require_equal(error.code, WEIR_NO_FILES);
    require_equal(net_bind(world->net, &listen_options, NULL, &handle, &error), WEIR_NO_FILES);
    world_limit_files(world, WORLD_FILES_FREE);
    world_listen(world);
    world_close(world);
}

/* ---- handles and queues ---- */

static void adopting_fails_when_all_handles_are_in_use(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_options(&options);
    options.handles_max = 3;
    world = world_open(&options);
    struct line *first = world_connect(world, &peer);
    world_connect(world, &peer);
    struct net_address to = line_address(world->listener);
    struct peer *late = peer_connect(world, &to);
    struct net_socket socket = line_take_socket(world->listener, NULL);
    require_equal(net_adopt(world->net, socket, NULL, &handle, &error), WEIR_NO_ROOM);
    world_until(world, peer_saw_close(late));
    line_close(first);
    world_until(world, !first->is_open);
    world_connect(world, &peer);
    world_close(world);
}

static void sending_too_many_datagrams_leaves_the_buffers_to_the_caller(void **state)
{
    struct net_options options;
    struct world *world;
    struct line *line;
    struct peer_datagrams *peer;

    (void)state;
    world_options(&options);
    options.datagram_sends_max = 5;
    world = world_open(&options);
    line = world_bind(world, "127.0.0.1:0");
    peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 5; i++)
            require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_OK);
        require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_QUEUE_FULL);
        require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_QUEUE_FULL);
        world_until(world, line->sends_out == 0);
    }
    require_equal(line->datagrams_sent, 25);
    world_close(world);
}

/* ---- memory ---- */

/* Each allocation of net_open fails once: net_open returns an error and leaks nothing. */
static void opening_without_memory_returns_an_error(void **state)
{
    struct world *world = world_open(NULL);
    struct net_options options;
    struct weir_error error;
    enum weir_code code = WEIR_NO_MEMORY;

    (void)state;
    world_options(&options);
    options.simulation = world->simulation;
    for (uint64_t n = 1; code != WEIR_OK; n++) {
        struct net *net = NULL;
        uint32_t files = world_files_count(world);
        require(n < 1000); /* some transports allocate per buffer */
        memory_fail_nth(n, 0);
        code = net_open(&options, &net, &error);
        memory_fail_nth(0, 0);
        require(code == WEIR_OK || code == WEIR_NO_MEMORY);
        if (code == WEIR_OK) net_free(net);
        require_equal(world_files_count(world), files);
    }
    world_close(world);
}

static void opening_a_handle_without_memory_returns_an_error(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("127.0.0.1:0"),
                                                .backlog = 1};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        enum weir_code code = WEIR_NO_MEMORY;
        for (uint64_t n = 1; code != WEIR_OK; n++) {
            uint32_t files = world_files_count(world);
            struct line *owner = world_line_for(world);
            require(n < 100);
            memory_fail_nth(n, 0);
            code = kind == 0 ? net_listen(world->net, &listen_options, owner, &handle, &error)
                             : net_bind(world->net, &listen_options, owner, &handle, &error);
            memory_fail_nth(0, 0);
            require(code == WEIR_OK || code == WEIR_NO_MEMORY || code == WEIR_NO_ROOM);
            owner->is_open = code == WEIR_OK;
            owner->handle = handle;
            if (code != WEIR_OK) require_equal(world_files_count(world), files);
        }
    }
    world_close(world);
}

/* Also runs after a failed test, because the following tests need memory. */
static int rule__end_failures(void **state)
{
    (void)state;
    memory_fail_nth(0, 0);
    return 0;
}

/* The pools could still grow, but no memory is left: they behave as if at their maximum. */
static void receiving_without_memory_for_buffers_waits(void **state)
{
    static struct net_buffer *taken[1024];
    uint8_t bytes[16 * 4096] = {0};

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct world *world = world_open(NULL);
        struct peer *peer;
        struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
        struct line *line =
            kind == 0 ? world_connect(world, &peer) : world_bind(world, "127.0.0.1:0");
        struct net_address to = line_address(line);
        line->keeps = true;
        if (kind == 0) require_equal(peer_send(peer, bytes, sizeof bytes), sizeof bytes);
        for (uint32_t i = 0; kind == 1 && i < 16; i++) peer_send_to(sender, &to, "weir", 4 - i % 2);
        world_run_until_idle(world);
        memory_fail_nth(1, 1);
        uint32_t count = rule__take_all(world, kind == 0 ? 1 : NET_DATAGRAM_BYTES_MAX, taken);
        line_receive(line, true);
        world_until(world, line->paused_count > 0);
        require_equal(line->paused_code, WEIR_NO_BUFFERS);
        require(rule__returns_within(world, 200 * RULE__MS) <= 20);
        memory_fail_nth(0, 0);
        require_equal(line->paused_count, 1);
        line->keeps = false;
        line_give_back_kept(line);
        while (count > 0) net_give_back(world->net, taken[--count]);
        if (kind == 0) world_until(world, line->in_position == sizeof bytes);
        if (kind == 1) world_until(world, rule__got_bytes(line) == 8 * 4 + 8 * 3);
        world_close(world);
    }
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(few_buffers_serve_many_connections),
    cmocka_unit_test(an_empty_pool_does_not_stop_fins_and_answers),
    cmocka_unit_test(an_echo_completes_with_a_single_buffer),
    cmocka_unit_test(a_small_buffer_ring_and_queue_serve_many_streams),
    cmocka_unit_test(few_buffers_serve_ten_times_as_many_datagrams),
    cmocka_unit_test(a_send_continues_while_its_connection_waits_for_buffers),
    cmocka_unit_test(a_reset_ends_the_send_of_a_connection_that_waits_for_buffers),
    cmocka_unit_test(a_shortage_of_stream_buffers_is_reported_once),
    cmocka_unit_test(a_shortage_of_datagram_buffers_is_reported_once),
    cmocka_unit_test(a_shortage_leaves_room_for_other_arrivals),
    cmocka_unit_test(a_socket_beyond_the_buffers_does_not_take_all),
    cmocka_unit_test(accepting_without_files_pauses_and_resumes),
    cmocka_unit_test(a_listener_without_files_can_be_switched_and_closed),
    cmocka_unit_test(opening_without_files_returns_an_error),
    cmocka_unit_test(adopting_fails_when_all_handles_are_in_use),
    cmocka_unit_test(sending_too_many_datagrams_leaves_the_buffers_to_the_caller),
    cmocka_unit_test(opening_without_memory_returns_an_error),
    cmocka_unit_test(opening_a_handle_without_memory_returns_an_error),
    cmocka_unit_test_teardown(receiving_without_memory_for_buffers_waits, rule__end_failures),
};

CONTRACT_GROUP(rule_08_scarcity, rule__tests);
