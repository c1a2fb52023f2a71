/* SPDX-License-Identifier: MIT */
/* test_worker_failure.c - a worker whose wait fails for good ends with an error, and the other
 * workers continue. The linker replaces the waits with the functions below (--wrap). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <liburing.h>
#include <cmocka.h>

#include <weir/weir.h>

#include "atomic.h"
#include "check.h"
#include "plain_socket.h"
#include "thread.h"
#include "transport_alone.h"

#define YIELDS_MAX 100000000u

static _Atomic int victim; /* the index of the worker whose waits fail; -1: none */
static _Atomic int stopped, errors_logged;

/* ---- replacements ---- */

int __real_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms);
int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask);

/* Worker threads are named after their index. */
static bool is_victim(void)
{
    char name[16] = "";

    prctl(PR_GET_NAME, name, 0, 0, 0);
    return strncmp(name, "weir-", 5) == 0 && name[5] - '0' == atomic_load(&victim);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    if (!is_victim()) return __real_epoll_wait(fd, events, count, timeout_ms);
    errno = EBADF;
    return -1;
}

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    return is_victim() ? -EBADF : __real_io_uring_submit_and_get_events(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask)
{
    return is_victim() ? -EBADF
                       : __real_io_uring_submit_and_wait_timeout(ring, cqe, count, span, mask);
}

/* ---- the server ---- */

static void on_stopped(void *user)
{
    (void)user;
    atomic_fetch_add(&stopped, 1);
}

static void on_log(void *user, enum weir_log_level level, const char *line)
{
    (void)user;
    if (level == WEIR_LOG_ERROR && strstr(line, "ended: cannot wait for events"))
        atomic_fetch_add(&errors_logged, 1);
}

static struct weir_server *start(const char *transport, uint32_t workers)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "127.0.0.1:0"};
    struct weir_config config;
    struct weir_server *server;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = workers;
    config.on_stopped = on_stopped;
    config.log = on_log;
    atomic_store(&victim, -1);
    atomic_store(&stopped, 0);
    atomic_store(&errors_logged, 0);
    assert_int_equal(weir_server_open(&config, &server, NULL), WEIR_OK);
    assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    return server;
}

/* Returns whether a connection echoes. It is refused, or ends early, if its worker has failed. */
static bool echoes(const struct weir_server *server)
{
    struct weir_listener_info info;
    plain_socket socket = plain_open(true, true, 0);
    char byte = 'e';
    int32_t got = PLAIN_GONE;
    int connected;

    weir_server_listener(server, 0, &info);
    struct net_address to = address_of_public(&info.address);
    if (plain_connect(socket, true, &to)) {
        while ((connected = plain_connected(socket)) == PLAIN_WAIT) thread_yield();
        if (connected == 0 && plain_send(socket, &byte, 1) == 1)
            while ((got = plain_receive(socket, &byte, 1, false)) == PLAIN_WAIT) thread_yield();
    }
    plain_close(socket);
    return got == 1;
}

/* Connects until the worker has noticed the failure of its wait. */
static void fail_worker(struct weir_server *server, int index)
{
    int before = atomic_load(&errors_logged);

    atomic_store(&victim, index);
    for (uint32_t i = 0; i < YIELDS_MAX && atomic_load(&errors_logged) == before; i++)
        echoes(server);
    assert_int_equal(atomic_load(&errors_logged), before + 1);
}

/* The other worker serves every connection, as soon as the system has closed the listener of the
 * failed one: io_uring closes it with its ring. */
static void serves_again(struct weir_server *server)
{
    uint32_t served = 0;

    for (uint32_t tries = 0; tries < YIELDS_MAX && served < 20; tries++)
        served = echoes(server) ? served + 1 : 0;
    assert_int_equal(served, 20);
}

static void wait_stopped(struct weir_server *server)
{
    struct weir_error error;
    struct weir_stats stats;

    weir_server_wait(server);
    assert_int_equal(atomic_load(&stopped), 1);
    assert_true(weir_server_failure(server, &error) != WEIR_OK);
    assert_int_equal(error.os_error, EBADF);
    assert_true(error.hint[0] != '\0');
    weir_server_stats(server, &stats);
    assert_int_equal(stats.accepted, stats.closed);
    weir_server_free(server);
}

static void the_other_worker_continues_until_it_fails_too(void **state)
{
    static const char *const transports[] = {"epoll", "uring"};

    (void)state;
    for (size_t i = 0; i < weir_count_of(transports); i++) {
        struct weir_server *server = start(transports[i], 2);
        assert_int_equal(weir_server_failure(server, NULL), WEIR_OK);
        fail_worker(server, 1);
        serves_again(server);
        assert_int_equal(atomic_load(&stopped), 0);
        fail_worker(server, 0);
        wait_stopped(server);
    }
}

/* Without the worker that listens for all, the others would wait forever. */
static void the_worker_that_listens_for_all_ends_all(void **state)
{
    struct weir_server *server = start(transport_alone_name(), 3);

    (void)state;
    fail_worker(server, 2); /* a failed worker gets no further connection */
    serves_again(server);
    fail_worker(server, 0);
    wait_stopped(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_worker_continues_until_it_fails_too),
        cmocka_unit_test(the_worker_that_listens_for_all_ends_all),
    };

    return cmocka_run_group_tests_name("worker_failure", tests, NULL, NULL); /* weir_server_start */
}
