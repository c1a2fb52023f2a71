/* SPDX-License-Identifier: MIT */
/* test_memwin_faults.c - the Windows transports over a simulated Windows that fails. Each kind of
 * call fails, at many points of a short scenario, for three seeds, or WEIR_SEEDS=n of them.
 *
 * Requirements: a surviving connection echoes every byte, a failed one reports that, and no handle,
 * buffer, request or socket leaks (world_close checks that).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memwin.h"
#include "require.h"
#include "sim.h"
#include "win_error.h"
#include "world.h"

#define PEERS 6
#define BYTES 60000u
#define SEEDS 3
#define ITERATIONS_MAX 60000u

struct fault {
    enum memwin_call call;
    int os_error;
    const char *name;
    bool in_iocp, in_rio; /* whether that transport makes such calls once it is open */
};

static const struct fault faults[] = {
    {MEMWIN_SOCKET_OPEN, WIN_EMFILE, "socket: no files", true, true},
    {MEMWIN_SOCKET_OPEN, WIN_ENOBUFS, "socket: no buffers", true, true},
    {MEMWIN_ACCEPT_POST, WIN_ECONNRESET, "AcceptEx: reset", true, true},
    {MEMWIN_ACCEPT_POST, WIN_ENOBUFS, "AcceptEx: no buffers", true, true},
    {MEMWIN_ACCEPT_PACKET, 64, "accept: net name deleted", true, true},
    {MEMWIN_ACCEPT_PACKET, 59, "accept: unexpected net error", true, true},
    {MEMWIN_ACCEPT_FINISH, WIN_ENOTCONN, "SO_UPDATE_ACCEPT_CONTEXT: not connected", true, true},
    {MEMWIN_ACCEPT_PACKET, WIN_ENETDOWN, "accept: network down", true, true},
    {MEMWIN_PORT_WATCH, WIN_ENOBUFS, "port: no buffers", true, false},
    {MEMWIN_RECEIVE, WIN_ECONNRESET, "receive: reset", true, true},
    {MEMWIN_RECEIVE_LONG, 1, "receive: more bytes than asked for", true, true},
    {MEMWIN_SEND, WIN_ECONNRESET, "send: reset", true, true},
    {MEMWIN_SEND, WIN_ENOBUFS, "send: no buffers", true, true},
    {MEMWIN_SEND_SHORT, 1, "send: short", true, true},
    {MEMWIN_CREATE_RQ, WIN_ENOBUFS, "request queue: no room", false, true},
    {MEMWIN_CREATE_RQ, MEMWIN_NO_REASON, "request queue: no reason", false, true},
    {MEMWIN_REGISTER, WIN_ENOBUFS, "register: no memory", false, true},
    {MEMWIN_POST, WIN_ENOBUFS, "post: no room", false, true},
    {MEMWIN_POST, MEMWIN_NO_REASON, "post: no reason", false, true},
    {MEMWIN_POST, WIN_IO_PENDING, "post: refused, and started", false, true},
    {MEMWIN_COMMIT, WIN_EINVAL, "commit: invalid", false, true},
    {MEMWIN_COMMIT, MEMWIN_NO_REASON, "commit: no reason", false, true},
    {MEMWIN_NOTIFY, WIN_ENOBUFS, "notify: no buffers", false, true},
    {MEMWIN_NOTIFY, WIN_EINVAL, "notify: invalid", false, true},
};

static bool is_over(struct peer *peer)
{
    return peer_state(peer) == PEER_REFUSED || peer_saw_close(peer) || peer->in_position == BYTES;
}

static uint32_t failures; /* of the fault, in all runs */

struct life {
    struct world *world;
    struct line *listener;
    struct peer *peers[PEERS];
    struct line *lines[PEERS]; /* adopted connections */
    uint32_t adopted;
};

static void open_life(struct life *life, const struct fault *fault, uint32_t every)
{
    struct net_options options;

    *life = (struct life){0};
    world_options(&options);
    options.stream_buffers_max = 4096; /* so that pools try to grow */
    life->world = world_open(&options);
    life->listener = world_listen(life->world);
    struct net_address to = line_address(life->listener);
    memwin_fail(fault->call, every, fault->os_error);
    for (uint32_t i = 0; i < PEERS; i++) {
        life->peers[i] = peer_start(life->world, &to);
        peer_sends_pattern(life->peers[i], 7, BYTES, 5000);
        peer_reads_pattern(life->peers[i], 7);
    }
}

static void adopt_arrivals(struct life *life)
{
    while (life->listener->sockets_count > 0 && life->adopted < PEERS) {
        struct line *line = world_line_for(life->world);
        if (net_adopt(life->world->net, line_take_socket(life->listener, NULL), line, &line->handle,
                      NULL) != WEIR_OK) {
            line->is_open = false;
            continue;
        }
        line->in_seed = 7;
        line->echoes = true;
        line_receive(line, true);
        life->lines[life->adopted++] = line;
    }
}

static void close_dead_lines(const struct life *life)
{
    for (uint32_t i = 0; i < life->adopted; i++) {
        struct line *line = life->lines[i];
        bool dead = line->broken_count > 0 || line->peer_done_count > 0 ||
                    (line->sent_count > 0 && line->sent_code != WEIR_OK);
        if (!dead || line->closing) continue;
        line_receive(line, false);
        line->echoes = false;
        line_close(line);
    }
}

static bool are_all_over(const struct life *life)
{
    uint32_t over = 0;

    for (uint32_t i = 0; i < PEERS; i++) over += is_over(life->peers[i]);
    return over == PEERS;
}

static void close_life(struct life *life, const struct fault *fault)
{
    failures += memwin_failures(fault->call);
    memwin_fail_nothing();
    for (uint32_t i = 0; i < life->adopted; i++) life->lines[i]->echoes = false;
    world_close(life->world);
}

/* Runs six echo connections. The fault may close some; none may lose or change bytes. */
static void survive(const struct fault *fault, uint32_t every)
{
    struct life life;

    open_life(&life, fault, every);
    for (uint32_t iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
        world_iterate(life.world);
        adopt_arrivals(&life);
        close_dead_lines(&life);
        if (are_all_over(&life)) break;
        if (iteration == ITERATIONS_MAX / 2) { /* without faults, every connection must end */
            failures += memwin_failures(fault->call);
            memwin_fail_nothing();
        }
        if (iteration + 1 == ITERATIONS_MAX)
            require_failed(__FILE__, __LINE__, "it ends; %s, every %u, seed %llu", fault->name,
                           every, (unsigned long long)world_seed);
    }
    close_life(&life, fault);
}

static void survive_all(const char *transport)
{
    const char *asked = getenv("WEIR_SEEDS");
    uint64_t seeds = asked ? strtoull(asked, NULL, 10) : SEEDS;

    world_transport = transport;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        bool counts = strcmp(transport, "rio") == 0 ? faults[i].in_rio : faults[i].in_iocp;
        if (!counts) continue;
        failures = 0;
        for (world_seed = 1; world_seed <= seeds; world_seed++)
            for (uint32_t every = 2; every <= 40; every *= 4) survive(&faults[i], every);
        if (failures == 0) require_failed(__FILE__, __LINE__, "%s happened", faults[i].name);
    }
}

static void iocp_survives_every_fault(void **state)
{
    (void)state;
    survive_all("iocp");
}

static void rio_survives_every_fault(void **state)
{
    (void)state;
    survive_all("rio");
}

/* Sends complete a round trip later, so that a fault meets several of them. */
static void rio_survives_every_fault_before_the_acknowledgement(void **state)
{
    (void)state;
    world_acknowledges = true;
    survive_all("rio");
    world_acknowledges = false;
}

/* net_open fails at each of its calls with a hint, and leaks nothing. (tests/unit/
 * test_rio_provider.c tests the loading of the table.) */
static void a_failed_open_reports_a_hint(void **state)
{
    static const enum memwin_call calls[] = {MEMWIN_PORT_OPEN, MEMWIN_CREATE_CQ, MEMWIN_REGISTER};
    struct weir_error error;
    struct sim_options sim;

    (void)state;
    world_transport = "rio";
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct net_options options;
        struct net *net = NULL;
        sim_options_init(&sim);
        world_options(&options);
        options.simulation = sim_open(&sim);
        memwin_fail(calls[i], calls[i] == MEMWIN_REGISTER ? 3 : 1, WIN_ENOBUFS);
        options.verify_rio = false;
        require(net_open(&options, &net, &error) != WEIR_OK);
        require(error.hint[0] != '\0');
        memwin_fail_nothing();
        sim_free(options.simulation);
    }
}

/* A layered provider refuses WSA_FLAG_REGISTERED_IO: rio does not open, and says why; iocp runs. */
static void a_refused_flag_leaves_iocp(void **state)
{
    struct sim_options sim;
    struct net_options options;
    struct weir_error error;
    struct net *net = NULL;
    struct peer *peer;

    (void)state;
    sim_options_init(&sim);
    world_options(&options);
    options.transport = "rio";
    options.simulation = sim_open(&sim);
    memwin_fail(MEMWIN_SOCKET_REGISTERED, 1, WIN_EINVAL);
    require_equal(net_open(&options, &net, &error), WEIR_UNSUPPORTED);
    require_equal(error.os_error, WIN_EINVAL);
    require(strstr(error.hint, "--transport iocp") != NULL);
    sim_free(options.simulation);

    world_transport = "iocp";
    world_seed = 1;
    struct world *world = world_open(NULL);
    struct line *line = world_connect(world, &peer);
    line->in_seed = 3;
    line->echoes = true;
    line_receive(line, true);
    peer_sends_pattern(peer, 3, BYTES, 5000);
    peer_reads_pattern(peer, 3);
    world_until(world, peer->in_position == BYTES);
    line->echoes = false;
    require_equal(memwin_failures(MEMWIN_SOCKET_REGISTERED), 1); /* of net_open, none of iocp */
    memwin_fail_nothing();
    world_close(world);
}

/* ---- entries of the completion queue: these connections need more than its first size ---- */

enum { CROWD = 600 };

static struct world *crowd_world(void)
{
    struct net_options options;

    world_transport = "rio";
    world_seed = 1;
    world_options(&options);
    options.handles_max = 2 * CROWD + 1;
    return world_open(&options);
}

/* Closed connections release their entries late; new connections do not wait for that. */
static void delayed_release_of_entries_loses_no_connection(void **state)
{
    static struct line *lines[CROWD];
    static struct peer *peers[CROWD];
    struct world *world = crowd_world();

    (void)state;
    for (int i = 0; i < 3 * CROWD; i++) {
        if (i >= CROWD) {
            line_close(lines[i % CROWD]);
            peer_close(peers[i % CROWD]);
        }
        lines[i % CROWD] = world_connect(world, &peers[i % CROWD]);
        line_receive(lines[i % CROWD], true);
    }
    world_close(world);
}

/* Adopts one more connection. Returns net_adopt's code. */
static enum weir_code crowd_adopt(struct world *world, struct line *line, struct peer **peer)
{
    struct net_address to = line_address(world->listener);
    struct weir_error error;

    *peer = peer_connect(world, &to);
    enum weir_code code =
        net_adopt(world->net, line_take_socket(world->listener, NULL), line, &line->handle, &error);
    line->is_open = code == WEIR_OK;
    if (code != WEIR_OK) require(error.os_error == WIN_ENOBUFS && error.hint[0] != '\0');
    return code;
}

/* Adopts connections until the queue is full, which refuses the next with a reason; the others
 * continue. */
static void a_full_completion_queue_refuses_only_the_next_connection(void **state)
{
    struct world *world = crowd_world();
    struct line *first, *line;
    struct peer *peer, *refused;

    (void)state;
    memwin_fail(MEMWIN_RESIZE_CQ, 1, WIN_ENOBUFS);
    first = world_connect(world, &peer);
    first->in_seed = 3;
    first->echoes = true;
    line_receive(first, true);
    for (line = first; line->is_open;) {
        line = world_line_for(world);
        crowd_adopt(world, line, &refused);
    }
    world_until(world, peer_saw_close(refused));
    require(memwin_failures(MEMWIN_RESIZE_CQ) > 0);
    peer_sends_pattern(peer, 3, BYTES, 5000);
    peer_reads_pattern(peer, 3);
    world_until(world, peer->in_position == BYTES);
    line_close(first);
    world_until(world, !first->is_open);
    line = world_line_for(world);
    world_begin(world);
    while (crowd_adopt(world, line, &refused) != WEIR_OK)
        world_iterate_on(world, "its room came back", __FILE__, __LINE__);
    memwin_fail_nothing();
    world_close(world);
}

/* A listener that cannot open returns an error with a hint, and leaks nothing. */
static void a_failed_listen_reports_a_hint(void **state)
{
    static const enum memwin_call calls[] = {MEMWIN_SOCKET_OPEN, MEMWIN_BIND, MEMWIN_LISTEN,
                                             MEMWIN_LOCAL, MEMWIN_PORT_WATCH};
    struct net_listen_options options = {.address = world_address("127.0.0.1:0"), .backlog = 8};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    world_transport = "rio";
    world_seed = 1;
    struct world *world = world_open(NULL);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        memwin_fail(calls[i], 1, WIN_ENOBUFS);
        require(net_listen(world->net, &options, NULL, &handle, &error) != WEIR_OK);
        require(memwin_failures(calls[i]) > 0);
        require(error.os_error == WIN_ENOBUFS && error.hint[0] != '\0');
        memwin_fail_nothing();
    }
    memwin_fail(MEMWIN_BIND, 1, WIN_EACCES); /* another program bound the port exclusively */
    require_equal(net_bind(world->net, &options, NULL, &handle, &error), WEIR_ADDRESS_IN_USE);
    require(strstr(error.hint, "netstat -ano") != NULL);
    memwin_fail_nothing();
    world_listen(world);
    world_close(world);
}

/* The address of a listener or datagram socket is read when it opens. The address of a connection
 * is unknown if the system fails to report it. */
static void an_address_that_cannot_be_read_ends_nothing(void **state)
{
    struct peer *peer;

    (void)state;
    world_transport = "rio";
    world_seed = 1;
    struct world *world = world_open(NULL);
    struct line *line = world_connect(world, &peer);
    struct net_address bound = line_address(world->listener);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    struct net_address socket_bound = line_address(socket);
    memwin_fail(MEMWIN_LOCAL, 1, WIN_ENOBUFS);
    require_equal(line_address(world->listener).port, bound.port);
    require_equal(line_address(socket).port, socket_bound.port);
    require_equal(line_address(line).port, 0);
    require_equal(memwin_failures(MEMWIN_LOCAL), 1);
    memwin_fail_nothing();
    world_close(world);
}

/* ---- failures that last ---- */

static struct world *lasting_world(const char *transport)
{
    struct net_options options;

    world_transport = transport;
    world_seed = 1;
    world_options(&options);
    options.verify_rio = false; /* a failed net leaves its buffers registered */
    return world_open(&options);
}

/* Runs for a second of virtual time while each call of the kind fails. Returns the failures. */
static uint32_t failures_in_a_second(struct world *world, enum memwin_call call, int os_error)
{
    uint64_t until_ns = net_now_ns(world->net) + 1000 * UINT64_C(1000000);

    memwin_fail(call, 1, os_error);
    while (net_now_ns(world->net) < until_ns) world_iterate_until(world, until_ns);
    uint32_t count = memwin_failures(call);
    memwin_fail_nothing();
    return count;
}

static void a_datagram_receive_that_always_fails_backs_off(void **state)
{
    static const char *const transports[] = {"iocp", "rio"};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct world *world = lasting_world(transports[t]);
        struct line *line = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
        struct net_address to = line_address(line);
        line_receive(line, true);
        for (uint8_t i = 0; i < 100; i++) peer_send_to(peer, &to, &i, 1);
        /* At first those that are posted already fail; then one after each delay. */
        uint32_t count = failures_in_a_second(world, MEMWIN_RECEIVE, WIN_ENOBUFS);
        require(count > 0);
        require(count <= 200);
        require_equal(line->paused_count, 1);
        peer_send_to(peer, &to, "weir", 4);
        world_until(world, line->got_count > 0);
        world_close(world);
    }
}

static void a_shortage_ends_no_connection(void **state)
{
    static const struct {
        const char *transport;
        enum memwin_call call;
    } cases[] = {{"iocp", MEMWIN_RECEIVE},
                 {"rio", MEMWIN_RECEIVE},
                 {"rio", MEMWIN_POST},
                 {"iocp", MEMWIN_SEND},
                 {"rio", MEMWIN_SEND}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = lasting_world(cases[i].transport);
        struct peer *peer;
        struct line *line = world_connect(world, &peer);
        line->in_seed = 6;
        peer_reads_pattern(peer, 7);
        line->out_seed = 7;
        memwin_fail(cases[i].call, 1, WIN_ENOBUFS);
        line_receive(line, true);
        peer_sends_pattern(peer, 6, 10000, 1000);
        line_send(line, 1, 1000);
        require(failures_in_a_second(world, cases[i].call, WIN_ENOBUFS) <= 100);
        world_until(world, line->in_position == 10000 && peer->in_position == 1000);
        require_equal(line->sent_code, WEIR_OK);
        require_equal(line->broken_count, 0);
        require(line->paused_count >= 1);
        world_close(world);
    }
}

static void an_accept_that_always_fails_backs_off(void **state)
{
    static const char *const transports[] = {"iocp", "rio"};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct world *world = lasting_world(transports[t]);
        struct line *listener = world_listen(world);
        struct net_address to = line_address(listener);
        world_run_until_idle(world);
        for (int i = 0; i < 100; i++) peer_start(world, &to);
        uint32_t count = failures_in_a_second(world, MEMWIN_ACCEPT_PACKET, 64);
        require(count > 0);
        world_until(world, listener->refused_count >= count);
        world_until(world, listener->sockets_count + listener->refused_count == 100);
        world_close(world);
    }
}

/* No peer caused the failures: neither those that are pending nor those that are posted again make
 * a busy loop, and the listener serves again by itself. */
static void accepts_wait_while_the_network_is_down(void **state)
{
    static const char *const transports[] = {"iocp", "rio"};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct world *world = lasting_world(transports[t]);
        struct line *listener = world_listen(world);
        struct net_address to = line_address(listener);
        world_run_until_idle(world);
        for (int i = 0; i < 300; i++) peer_start(world, &to);
        uint32_t count = failures_in_a_second(world, MEMWIN_ACCEPT_PACKET, WIN_ENETDOWN);
        require(count > 0);
        require(count <= 64 + 20); /* those that were pending; then one after each delay */
        require_equal(listener->paused_count, 1);
        world_until(world, listener->sockets_count + listener->refused_count == 300);
        require(listener->sockets_count > 0);
        world_close(world);
    }
}

/* closesocket fails, and the socket with its pending requests stays open. It is closed again later,
 * and only then do the handles end. */
static void a_close_that_fails_is_repeated(void **state)
{
    static const char *const transports[] = {"iocp", "rio"};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct world *world = lasting_world(transports[t]);
        struct peer *peer;
        struct line *line = world_connect(world, &peer), *socket = world_bind(world, "127.0.0.1:0");
        struct line *const lines[] = {line, socket, world->listener};
        line_receive(line, true);
        line_receive(socket, true);
        world_run_until_idle(world);
        memwin_fail(MEMWIN_SOCKET_CLOSE, 1, WIN_ENETDOWN);
        for (int i = 0; i < 3; i++) line_close(lines[i]);
        require(failures_in_a_second(world, MEMWIN_SOCKET_CLOSE, WIN_ENETDOWN) <= 100);
        for (int i = 0; i < 3; i++) world_until(world, !lines[i]->is_open);
        world_until(world, peer_saw_close(peer));
        world_close(world);
    }
}

/* The emulation cannot post its notification. Its results are dequeued nevertheless, now and later.
 */
static void a_notification_that_cannot_be_posted_loses_nothing(void **state)
{
    struct peer *peer;

    (void)state;
    struct world *world = lasting_world("iocp");
    struct line *line = world_connect(world, &peer);
    line->in_seed = 3;
    line_receive(line, true);
    line->out_seed = 4;
    peer_reads_pattern(peer, 4);
    peer_sends_pattern(peer, 3, 0, 100);
    memwin_fail(MEMWIN_PORT_POST, 1, 1450);
    for (uint32_t i = 1; i <= 20; i++) {
        uint64_t until_ns = net_now_ns(world->net) + UINT64_C(300000000);
        while (net_now_ns(world->net) < until_ns) world_iterate_until(world, until_ns);
        line_send(line, 1, 100);
        world_until(world, line->sent_count == i);
        peer->out_total += 100;
        world_until(world, line->in_position == 100 * i);
    }
    require(memwin_failures(MEMWIN_PORT_POST) > 0);
    require_equal(peer->in_position, 2000);
    memwin_fail_nothing();
    world_close(world);
}

/* net_wake cannot post its packet. The worker that waits notices the wake-up within a second. */
static void a_wake_that_cannot_be_posted_arrives_late(void **state)
{
    static const char *const transports[] = {"iocp", "rio"};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct world *world = lasting_world(transports[t]);
        struct net_event event = {.kind = NET_EVENT_KINDS_COUNT};
        uint64_t began_ns = net_now_ns(world->net);
        memwin_fail(MEMWIN_PORT_POST, 1, 1450);
        net_wake(world->net);
        while (event.kind != NET_WOKEN) net_wait(world->net, NET_FOREVER, &event, 1);
        require(net_now_ns(world->net) - began_ns <= UINT64_C(1000000000));
        memwin_fail_nothing();
        net_wake(world->net); /* the next one is posted again */
        event.kind = NET_EVENT_KINDS_COUNT;
        began_ns = net_now_ns(world->net);
        while (event.kind != NET_WOKEN) net_wait(world->net, NET_FOREVER, &event, 1);
        require(net_now_ns(world->net) - began_ns < UINT64_C(1000000000));
        world_close(world);
    }
}

/* Of the address sanitizer, where it is linked: what is allocated between the calls is no leak. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

/* With requests of each kind outstanding. The system might still write to their memory, so neither
 * weir nor the simulated Windows frees it. */
static void a_wait_that_fails_for_good_is_an_error(void **state)
{
    static const struct {
        const char *transport;
        enum memwin_call call;
        int os_error; /* of the reported error */
    } cases[] = {{"iocp", MEMWIN_PORT_WAIT, 6},
                 {"rio", MEMWIN_PORT_WAIT, 6},
                 {"rio", MEMWIN_DEQUEUE, 0}}; /* RIO_CORRUPT_CQ */

    (void)state;
    if (__lsan_disable) __lsan_disable();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = lasting_world(cases[i].transport);
        struct peer *peer;
        struct line *line = world_connect(world, &peer), *closing = world_connect(world, &peer);
        bool is_rio = strcmp(cases[i].transport, "rio") == 0;
        struct line *socket = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *datagrams = peer_bind(world, "127.0.0.1:0");
        struct net_address to = peer_bound(datagrams);
        struct weir_error error = {.code = WEIR_OK};
        line_receive(line, true);
        line_receive(closing, true);
        line_receive(socket, true);
        world_run_until_idle(world);
        line_send(line, 1, 1000);
        require_equal(line_send_to(socket, &to, NULL, "weir", 4, 0), WEIR_OK);
        if (is_rio) line_close(closing); /* the emulation closes late */
        memwin_fail(cases[i].call, 1, 6);
        world_begin(world);
        while (net_failure(world->net, &error) == WEIR_OK)
            world_iterate_on(world, "the failure is reported", __FILE__, __LINE__);
        require_equal(error.os_error, cases[i].os_error);
        require(error.hint[0] != '\0');
        world_close(world);
        memwin_fail_nothing();
    }
    if (__lsan_enable) __lsan_enable();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_flag_leaves_iocp), /* first: a loaded table is kept */
        cmocka_unit_test(iocp_survives_every_fault),
        cmocka_unit_test(rio_survives_every_fault),
        cmocka_unit_test(rio_survives_every_fault_before_the_acknowledgement),
        cmocka_unit_test(a_failed_open_reports_a_hint),
        cmocka_unit_test(a_failed_listen_reports_a_hint),
        cmocka_unit_test(delayed_release_of_entries_loses_no_connection),
        cmocka_unit_test(a_full_completion_queue_refuses_only_the_next_connection),
        cmocka_unit_test(an_address_that_cannot_be_read_ends_nothing),
        cmocka_unit_test(a_datagram_receive_that_always_fails_backs_off),
        cmocka_unit_test(a_shortage_ends_no_connection),
        cmocka_unit_test(an_accept_that_always_fails_backs_off),
        cmocka_unit_test(accepts_wait_while_the_network_is_down),
        cmocka_unit_test(a_close_that_fails_is_repeated),
        cmocka_unit_test(a_notification_that_cannot_be_posted_loses_nothing),
        cmocka_unit_test(a_wake_that_cannot_be_posted_arrives_late),
        cmocka_unit_test(a_wait_that_fails_for_good_is_an_error),
    };

    return cmocka_run_group_tests_name("memwin_faults", tests, NULL, NULL);
}
