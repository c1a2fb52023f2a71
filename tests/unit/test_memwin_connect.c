/* SPDX-License-Identifier: MIT */
/* test_memwin_connect.c - connections that the Windows transports open, over a simulated Windows
 * that fails. Each kind of call fails, at many points, for many seeds.
 *
 * Requirements: each attempt is refused by the call, or answered once; a connection echoes every
 * byte; no handle, buffer, request or socket leaks (world_close checks that).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memwin.h"
#include "require.h"
#include "sim.h"
#include "win_error.h"
#include "world.h"

#define TEST__LINES 8u
#define TEST__BYTES 20000u
#define TEST__SEEDS 8u

static const char *const test__transports[] = {"iocp", "rio"};

struct test__fault {
    enum memwin_call call;
    int os_error;
    enum weir_code code; /* what the call or the event reports */
    bool is_immediate;   /* net_connect itself fails */
    const char *on;      /* null: on both transports */
};

static const struct test__fault test__faults[] = {
    {MEMWIN_SOCKET_OPEN, WIN_EMFILE, WEIR_NO_FILES, true, NULL},
    {MEMWIN_BIND, WIN_ENOBUFS, WEIR_NO_BUFFERS, true, NULL},
    {MEMWIN_PORT_WATCH, WIN_ENOBUFS, WEIR_NO_BUFFERS, true, NULL},
    {MEMWIN_CONNECT_POST, WIN_EADDRNOTAVAIL, WEIR_ADDRESS_UNAVAILABLE, false, NULL},
    {MEMWIN_CONNECT_POST, WIN_EOPNOTSUPP, WEIR_UNSUPPORTED, false, NULL},
    {MEMWIN_CONNECT_PACKET, 1225, WEIR_REFUSED, false, NULL},
    {MEMWIN_CONNECT_PACKET, 1231, WEIR_UNREACHABLE, false, NULL},
    {MEMWIN_CONNECT_PACKET, 121, WEIR_TIMED_OUT, false, NULL},
    {MEMWIN_CONNECT_FINISH, WIN_ENOTCONN, WEIR_RESET, false, NULL},
    {MEMWIN_CREATE_RQ, WIN_EINVAL, WEIR_INVALID, false, "rio"},
};

/* ---- faults ---- */

static struct line *test__start(struct world *world, const struct net_address *to,
                                const struct test__fault *fault)
{
    const struct net_connect_options options = {.address = *to};
    struct line *line = world_line_for(world);
    struct weir_error error;

    line->connects = true;
    enum weir_code code = net_connect(world->net, &options, line, &line->handle, &error);
    if (code == WEIR_OK) return line;
    require(fault->is_immediate);
    require_equal(code, fault->code);
    require_equal(error.os_error, fault->os_error);
    require(strstr(error.subject, "tcp 127.0.0.1:") != NULL);
    line->is_open = line->connects = false;
    return line;
}

static bool test__are_done(struct line *const *lines)
{
    for (uint32_t i = 0; i < TEST__LINES; i++)
        if (lines[i]->connected_count == 1 && lines[i]->peer_done_count == 0) return false;
    return true;
}

/* Some belong to attempts that failed afterwards. */
static void test__accept(struct peer_listener *listener)
{
    struct peer *peer;

    while ((peer = peer_accept(listener)) != NULL) {
        peer_reads_pattern(peer, 5);
        peer_sends_pattern(peer, 5, TEST__BYTES, 3000);
        peer->out_finishes = true;
    }
}

/* Runs several attempts while each `every`-th call fails. */
static void test__survive(const struct test__fault *fault, uint32_t every)
{
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener);
    struct line *lines[TEST__LINES];
    uint32_t failed_count = 0;

    memwin_fail(fault->call, every, fault->os_error);
    for (uint32_t i = 0; i < TEST__LINES; i++) lines[i] = test__start(world, &to, fault);
    for (uint32_t i = 0; i < TEST__LINES; i++) {
        struct line *line = lines[i];
        if (line->is_open) world_until(world, line->connected_count + line->broken_count == 1);
        if (line->broken_count == 1) require_equal(line->broken_code, fault->code);
        if (line->connected_count == 0) failed_count++;
    }
    require_equal(failed_count, TEST__LINES / every);
    memwin_fail_nothing();
    for (uint32_t i = 0; i < TEST__LINES; i++) {
        if (lines[i]->connected_count == 0) continue;
        lines[i]->in_seed = 5;
        lines[i]->echoes = lines[i]->out_finishes = true;
        line_receive(lines[i], true);
    }
    world_begin(world);
    while (!test__are_done(lines)) {
        test__accept(listener);
        world_iterate_on(world, "every connection ends", __FILE__, __LINE__);
    }
    for (uint32_t i = 0; i < TEST__LINES; i++)
        if (lines[i]->connected_count == 1) require_equal(lines[i]->in_position, TEST__BYTES);
    world_close(world);
}

static void each_failing_call_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof test__transports / sizeof test__transports[0]; t++) {
        world_transport = test__transports[t];
        for (size_t i = 0; i < sizeof test__faults / sizeof test__faults[0]; i++) {
            const struct test__fault *fault = &test__faults[i];
            if (fault->on && strcmp(fault->on, world_transport) != 0) continue;
            for (world_seed = 1; world_seed <= TEST__SEEDS; world_seed++)
                for (uint32_t every = 1; every <= 4; every *= 2) test__survive(fault, every);
        }
    }
    world_seed = 1;
}

/* ---- single cases ---- */

static void an_address_that_cannot_be_read_is_zeroed(void **state)
{
    static const struct net_address none;

    (void)state;
    for (size_t t = 0; t < sizeof test__transports / sizeof test__transports[0]; t++) {
        world_transport = test__transports[t];
        struct world *world = world_open(NULL);
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address to = peer_listens(listener);
        struct line *line = world_start(world, &to);
        memwin_fail(MEMWIN_LOCAL, 1, WIN_ENETDOWN);
        world_until(world, line->connected_count == 1);
        memwin_fail_nothing();
        require(memcmp(&line->local, &none, sizeof none) == 0);
        world_close(world);
    }
}

extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

/* The port fails for good while attempts are out: each handle closes. The system might still write
 * to the memory of the net, so neither weir nor the simulated Windows frees it. */
static void a_port_that_fails_ends_every_attempt(void **state)
{
    struct net_options options;

    (void)state;
    if (__lsan_disable) __lsan_disable();
    for (size_t t = 0; t < sizeof test__transports / sizeof test__transports[0]; t++) {
        world_transport = test__transports[t];
        world_options(&options);
        options.verify_rio = false; /* the verifier would miss the objects that are not freed */
        struct world *world = world_open(&options);
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address to = peer_listens(listener);
        struct line *line = world_start(world, &to), *closing = world_start(world, &to);
        line_close(closing);
        memwin_fail(MEMWIN_PORT_WAIT, 1, 735);
        world_until(world, !closing->is_open);
        require(net_failure(world->net, NULL) != WEIR_OK);
        line_close(line);
        world_until(world, !line->is_open);
        world_close(world);
        memwin_fail_nothing();
    }
    if (__lsan_enable) __lsan_enable();
}

/* A close that the system refuses is repeated; NET_CLOSED does not wait for it. */
static void a_socket_that_cannot_be_closed_is_closed_later(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof test__transports / sizeof test__transports[0]; t++) {
        world_transport = test__transports[t];
        struct world *world = world_open(NULL);
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address to = peer_listens(listener);
        struct line *line = world_start(world, &to);
        memwin_fail(MEMWIN_SOCKET_CLOSE, 1, WIN_ENETDOWN);
        line_close(line);
        world_until(world, !line->is_open);
        memwin_fail_nothing();
        world_run_until_idle(world);
        world_close(world); /* requires that no socket is left */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_call_is_reported_and_leaks_nothing),
        cmocka_unit_test(an_address_that_cannot_be_read_is_zeroed),
        cmocka_unit_test(a_socket_that_cannot_be_closed_is_closed_later),
        cmocka_unit_test(a_port_that_fails_ends_every_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
