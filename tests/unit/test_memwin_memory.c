/* SPDX-License-Identifier: MIT */
/* test_memwin_memory.c - the memory that rio locks, by the arithmetic of docs/windows.md: in an
 * idle worker, per UDP socket, per connection, and after a peak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memwin.h"
#include "require.h"
#include "world.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* The figures of docs/windows.md. */
#define WORKER_BYTES (64 * KIB + 64 * KIB + 4 * KIB) /* four stream buffers, one datagram buffer */
#define RECEIVE_BYTES (64 * KIB + 4 * KIB)           /* a posted datagram receive */
#define CONNECTION_BYTES (16 * KIB)                  /* a connection that is reading */
#define RECEIVES 256                                 /* per UDP socket, by default */
#define DEFAULT_START_MAX_BYTES (32 * MIB)

/* A worker with the defaults of the program. */
static struct world *default_world(void)
{
    struct net_options options;

    world_transport = "rio";
    world_seed = 1;
    net_options_init(&options);
    options.transport = "rio";
    options.verify_rio = true;
    return world_open(&options);
}

static void an_idle_worker_locks_little(void **state)
{
    (void)state;
    struct world *world = default_world();
    require_equal(memwin_locked().bytes, WORKER_BYTES);
    require_equal(memwin_locked().registrations, 4 + 2);
    world_close(world);
    require_equal(memwin_locked().bytes, 0);
    require_equal(memwin_locked().registrations, 0);
}

/* One worker serves the UDP socket, the others are idle: also on a machine with 64 of them. */
static void a_default_start_locks_less_than_32_mib(void **state)
{
    (void)state;
    struct world *world = default_world();
    world_listen(world);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    line_receive(socket, true);
    world_run_until_idle(world);
    /* One datagram buffer is registered already. */
    require_equal(memwin_locked().bytes, WORKER_BYTES + (RECEIVES - 1) * RECEIVE_BYTES);
    require(memwin_locked().bytes + 63 * WORKER_BYTES < DEFAULT_START_MAX_BYTES);
    line_close(socket);
    world_until(world, !socket->is_open);
    net_discard(world->net, 0);
    require_equal(memwin_locked().bytes, WORKER_BYTES);
    world_close(world);
}

static void fewer_receives_lock_less(void **state)
{
    struct net_options options;

    (void)state;
    net_options_init(&options);
    options.transport = "rio";
    options.datagram_receives = 16;
    world_transport = "rio";
    struct world *world = world_open(&options);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    line_receive(socket, true);
    world_run_until_idle(world);
    require_equal(memwin_locked().bytes, WORKER_BYTES + 15 * RECEIVE_BYTES);
    world_close(world);
}

/* Connections lock one buffer each, while they read. After a peak the memory returns to the system,
 * and the next peak gets it again. */
static void a_connection_locks_one_buffer_until_it_ends(void **state)
{
    enum { CONNECTIONS = 200 };
    static struct line *lines[CONNECTIONS];
    static struct peer *peers[CONNECTIONS];

    (void)state;
    struct world *world = default_world();
    for (int peak = 0; peak < 2; peak++) {
        for (int i = 0; i < CONNECTIONS; i++) {
            lines[i] = world_connect(world, &peers[i]);
            line_receive(lines[i], true);
        }
        world_run_until_idle(world);
        require_equal(memwin_locked().bytes, WORKER_BYTES + (CONNECTIONS - 4) * CONNECTION_BYTES);
        for (int i = 0; i < CONNECTIONS; i++) {
            line_close(lines[i]);
            peer_close(peers[i]);
            world_until(world, !lines[i]->is_open);
        }
        net_discard(world->net, 0);
        require_equal(memwin_locked().bytes, WORKER_BYTES);
    }
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_worker_locks_little),
        cmocka_unit_test(a_default_start_locks_less_than_32_mib),
        cmocka_unit_test(fewer_receives_lock_less),
        cmocka_unit_test(a_connection_locks_one_buffer_until_it_ends),
    };

    return cmocka_run_group_tests_name("memwin_memory", tests, NULL, NULL);
}
