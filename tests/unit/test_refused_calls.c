/* SPDX-License-Identifier: MIT */
/* test_refused_calls.c - failures of system calls that Linux almost never fails. The linker
 * replaces accept4, sendmsg and sendmmsg with the functions below (--wrap). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "world.h"

#define TEST__MS UINT64_C(1000000)

static int test__accept_error;        /* errno of accept4; 0: calls the system */
static uint32_t test__accepts_failed; /* failures so far, and failures to come */
static uint32_t test__accepts_to_fail;
static bool test__joined_fail;            /* fails messages with joined datagrams */
static uint32_t test__singles_until_full; /* this many succeed, then the socket is full once */

/* ---- replacements of system calls ---- */

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    if (test__accepts_to_fail == 0) return __real_accept4(fd, address, length, flags);
    test__accepts_to_fail--;
    test__accepts_failed++;
    errno = test__accept_error;
    return -1;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (test__singles_until_full > 0 && --test__singles_until_full == 0) {
        errno = EAGAIN;
        return -1;
    }
    return __real_sendmsg(fd, message, flags);
}

/* Joined: several buffers, or one that the system segments. */
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    const struct msghdr *first = &messages[0].msg_hdr;
    bool joined = first->msg_iovlen > 1 || first->msg_iov[0].iov_len > 1000;

    if (test__joined_fail && joined) {
        errno = EMSGSIZE;
        return -1;
    }
    return __real_sendmmsg(fd, messages, count, flags);
}

/* ---- accepting ---- */

static struct world *test__world(void)
{
    world_transport = "epoll";
    test__accepts_failed = test__accepts_to_fail = 0;
    test__joined_fail = false;
    test__singles_until_full = 0;
    return world_open(NULL);
}

static void an_accept_that_always_fails_does_not_spin(void **state)
{
    struct world *world = test__world();
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    uint32_t returns = 0;

    (void)state;
    world_run_until_idle(world);
    test__accept_error = EPERM;
    test__accepts_to_fail = UINT32_MAX;
    peer_start(world, &to);
    world_until(world, listener->paused_count > 0);
    require_equal(listener->paused_code, WEIR_DENIED);
    uint64_t until_ns = net_now_ns(world->net) + 300 * TEST__MS;
    for (; net_now_ns(world->net) < until_ns && returns < 100000; returns++)
        world_iterate_until(world, until_ns);
    require(returns <= 30);
    require(test__accepts_failed <= 1000);
    test__accepts_to_fail = 0;
    world_until(world, listener->sockets_count == 1); /* without another event */
    world_close(world);
}

/* Only that connection is lost: the next is accepted without delay. */
static void a_failing_accept_does_not_delay_other_connections(void **state)
{
    struct world *world = test__world();
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        test__accept_error = ECONNABORTED;
        test__accepts_to_fail = 1;
        peer_start(world, &to);
        world_until(world, listener->sockets_count == i);
    }
    require_equal(test__accepts_failed, 100);
    world_until(world, listener->refused_count == 100);
    require_equal(listener->paused_count, 0);
    world_close(world);
}

/* ---- datagrams ---- */

static void test__receive_all(struct world *world, struct peer_datagrams *peer, uint32_t count)
{
    uint8_t byte = 0;
    uint32_t length;

    for (uint32_t i = 0; i < count; i++) {
        world_until(world, peer_receive_from(peer, &byte, 1, &length, NULL));
        require_equal(byte, i);
    }
}

static void datagrams_of_a_failed_batch_wait_for_a_full_socket(void **state)
{
    struct world *world = test__world();
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer), back = line_address(line);

    (void)state;
    test__joined_fail = true;
    test__singles_until_full = 4;
    for (uint8_t i = 0; i < 10; i++)
        require_equal(line_send_to(line, &to, NULL, &i, 1, 0), WEIR_OK);
    world_iterate(world);
    peer_send_to(peer, &back, "weir", 4); /* a change, after which the system reports all states */
    world_until(world, line->sends_out == 0);
    require_equal(test__singles_until_full, 0);
    require_equal(line->datagrams_sent, 10);
    require_equal(line->datagrams_failed, 0);
    test__receive_all(world, peer, 10);
    world_close(world);
}

/* Before its first datagram, a failed batch waits like a single datagram. In its middle, the rest
 * of the batch is lost, but not the datagrams after it. */
static void a_failed_gso_batch_is_sent_completely_or_counted_as_failed(void **state)
{
    uint8_t bytes[5][1000] = {{0}};

    (void)state;
    for (uint8_t i = 0; i < 5; i++) bytes[i][0] = i;
    for (uint32_t fits = 0; fits < 5; fits++) {
        struct world *world = test__world();
        struct line *line = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
        struct net_address to = peer_bound(peer), back = line_address(line);
        uint8_t last = (uint8_t)(fits == 0 ? 5 : fits);
        test__joined_fail = true;
        test__singles_until_full = fits + 1;
        require_equal(line_send_to(line, &to, NULL, bytes, sizeof bytes, 1000), WEIR_OK);
        require_equal(line_send_to(line, &to, NULL, &last, 1, 0), WEIR_OK);
        world_iterate(world);
        peer_send_to(peer, &back, "weir", 4);
        world_until(world, line->sends_out == 0);
        require_equal(line->datagrams_failed, fits == 0 ? 0 : 1);
        require_equal(line->datagrams_sent, fits == 0 ? 2 : 1);
        test__receive_all(world, peer, last + 1u);
        world_close(world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accept_that_always_fails_does_not_spin),
        cmocka_unit_test(a_failing_accept_does_not_delay_other_connections),
        cmocka_unit_test(datagrams_of_a_failed_batch_wait_for_a_full_socket),
        cmocka_unit_test(a_failed_gso_batch_is_sent_completely_or_counted_as_failed),
    };

    return cmocka_run_group_tests_name("refused_calls", tests, NULL, NULL);
}
