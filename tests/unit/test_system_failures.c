/* SPDX-License-Identifier: MIT */
/* test_system_failures.c - failures that the system causes for a whole socket or event loop. The
 * linker replaces the system calls below (--wrap). Each failure must become an error value or an
 * event, on every transport of Linux. */
#include <errno.h>
#include <liburing.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "address.h"
#include "linux_socket.h"
#include "world.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const test__transports[] = {"epoll", "uring"};

/* ---- replacements of system calls ---- */

static _Atomic int test__getsockname_error; /* errno; 0: calls the system */
static _Atomic int test__getsockname_after; /* this many calls succeed before */

int __real_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length);

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    if (test__getsockname_error == 0 || test__getsockname_after-- > 0)
        return __real_getsockname(fd, address, length);
    errno = test__getsockname_error;
    return -1;
}

static _Atomic int test__loop_error;  /* errno of epoll_wait and of io_uring_enter */
static _Atomic bool test__wake_fails; /* the eventfd can be neither read nor written */

int __real_epoll_wait(int fd, struct epoll_event *events, int events_max, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int events_max, int timeout_ms);
int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *signals);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *signals);
ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);
ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);

int __wrap_epoll_wait(int fd, struct epoll_event *events, int events_max, int timeout_ms)
{
    if (test__loop_error == 0) return __real_epoll_wait(fd, events, events_max, timeout_ms);
    errno = test__loop_error;
    return -1;
}

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    int result = 0;

    /* As the kernel does: some completions come, and others are lost. */
    if (test__loop_error == 0 || test__loop_error == EBADR)
        result = __real_io_uring_submit_and_get_events(ring);
    return test__loop_error == 0 ? result : -test__loop_error;
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *signals)
{
    if (test__loop_error == EBADR) __real_io_uring_submit_and_get_events(ring);
    if (test__loop_error != 0) return -test__loop_error;
    return __real_io_uring_submit_and_wait_timeout(ring, completion, count, span, signals);
}

ssize_t __wrap_read(int fd, void *bytes, size_t count)
{
    if (!test__wake_fails) return __real_read(fd, bytes, count);
    errno = EBADF;
    return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (!test__wake_fails) return __real_write(fd, bytes, count);
    errno = EBADF;
    return -1;
}

static void test__fail_getsockname(int os_error, int after)
{
    atomic_store(&test__getsockname_after, after);
    atomic_store(&test__getsockname_error, os_error);
}

/* ---- addresses ---- */

static void test__refuse_without_address(const char *transport, enum net_share share, int after)
{
    const struct net_listen_options where = {
        .address = address_of_v4(0x7f000001, 0), .backlog = 8, .share = share};
    struct weir_error error;
    struct net_handle handle;

    world_transport = transport;
    struct world *world = world_open(NULL);
    test__fail_getsockname(ENOBUFS, after);
    require_equal(net_listen(world->net, &where, NULL, &handle, &error), WEIR_NO_BUFFERS);
    require_equal(error.os_error, ENOBUFS);
    require(strcmp(error.subject, "tcp 127.0.0.1:0") == 0);
    test__fail_getsockname(ENOBUFS, after);
    require_equal(net_bind(world->net, &where, NULL, &handle, &error), WEIR_NO_BUFFERS);
    require(strcmp(error.subject, "udp 127.0.0.1:0") == 0);
    test__fail_getsockname(0, 0);
    world_close(world); /* checks that no file is left */
}

static void a_socket_whose_address_is_unknown_is_not_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        test__refuse_without_address(test__transports[i], NET_SHARE_NOT, 0);
        test__refuse_without_address(test__transports[i], NET_SHARE_FIRST, 0);
        test__refuse_without_address(test__transports[i], NET_SHARE_FIRST, 1);
    }
}

/* Returns the descriptor of the socket of this type that is bound to the port of 127.0.0.1. */
static int test__find_socket(uint16_t port, int type)
{
    for (int fd = 3; fd < 1024; fd++) {
        union linux_sockaddr sockaddr;
        socklen_t length = sizeof sockaddr, type_length = sizeof(int);
        int its_type;
        if (__real_getsockname(fd, &sockaddr.any, &length) != 0) continue;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &its_type, &type_length) != 0) continue;
        if (its_type == type && ntohs(sockaddr.v4.sin_port) == port) return fd;
    }
    require_failed(__FILE__, __LINE__, "no socket is bound to port %u", (unsigned)port);
}

/* Another part of the process replaces the descriptor: the next receive fails with ENOTSOCK. */
static void a_lost_datagram_socket_keeps_its_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *line = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
        struct net_address to = line_address(line);
        line_receive(line, false);
        for (int sent = 0; sent < 3; sent++) peer_send_to(peer, &to, "x", 1);
        int pipes[2];
        require(pipe(pipes) == 0);
        int fd = test__find_socket(to.port, SOCK_DGRAM);
        int kept = dup(fd); /* so that its events go on */
        require(dup2(pipes[0], fd) == fd);
        line_receive(line, true);
        world_until(world, line->broken_count == 1);
        struct net_address address = line_address(line);
        require(address_equals(&address, &to));
        close(pipes[0]), close(pipes[1]), close(kept);
        world_close(world);
    }
}

static void a_connection_without_an_address_has_a_zeroed_one(void **state)
{
    const struct net_address none = {.port = 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        struct peer *peer;
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct line *line = world_connect(world, &peer);
        test__fail_getsockname(EBADF, 0);
        struct net_address address = line_address(line);
        test__fail_getsockname(0, 0);
        require(address_equals(&address, &none));
        world_close(world);
    }
}

/* ---- a server that loses a listener ---- */

static int test__log_pipe[2]; /* each line of level ERROR */

static void test__note_line(void *user, enum weir_log_level level, const char *line)
{
    (void)user;
    if (level != WEIR_LOG_ERROR) return;
    require(write(test__log_pipe[1], line, strlen(line)) == (ssize_t)strlen(line));
}

static struct weir_server *test__start_server(const char *transport, uint16_t *lost,
                                              uint16_t *other)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "127.0.0.1:0"};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = 1;
    config.log = test__note_line;
    require(pipe(test__log_pipe) == 0);
    require_equal(weir_server_open(&config, &server, NULL), WEIR_OK);
    require_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    require_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    require_equal(weir_server_start(server, NULL), WEIR_OK);
    weir_server_listener(server, 0, &info);
    *lost = info.address.port;
    weir_server_listener(server, 1, &info);
    *other = info.address.port;
    return server;
}

static void test__stop_server(struct weir_server *server)
{
    weir_server_free(server);
    close(test__log_pipe[0]);
    close(test__log_pipe[1]);
}

static int test__connect(uint16_t port)
{
    const struct net_address address = address_of_v4(0x7f000001, port);
    union linux_sockaddr sockaddr;
    socklen_t length = linux_sockaddr_of(&address, true, &sockaddr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    require(connect(fd, &sockaddr.any, length) == 0);
    return fd;
}

static void test__echo(uint16_t port)
{
    int fd = test__connect(port);
    char bytes[4];

    require_equal(send(fd, "weir", 4, MSG_NOSIGNAL), 4);
    require_equal(recv(fd, bytes, 4, MSG_WAITALL), 4);
    close(fd);
}

static void a_lost_listener_is_logged_with_its_address(void **state)
{
    char expected[128], logged[512];
    uint16_t lost, other;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        struct weir_server *server = test__start_server(test__transports[i], &lost, &other);
        test__echo(lost);
        test__fail_getsockname(EBADF, 0);
        require(shutdown(test__find_socket(lost, SOCK_STREAM), SHUT_RDWR) == 0);
        require(read(test__log_pipe[0], logged, sizeof logged) > 0);
        snprintf(expected, sizeof expected,
                 "cannot go on listening on tcp 127.0.0.1:%u: ", (unsigned)lost);
        require(strncmp(logged, expected, strlen(expected)) == 0);
        test__echo(other);
        test__fail_getsockname(0, 0);
        test__stop_server(server);
    }
}

/* ---- an event loop that the system refuses ---- */

static const int test__loop_errors[] = {EBADF, EBADR};

/* A net with one handle of each kind and state that a failure can meet. */
struct test__busy {
    struct world *world;
    struct line *listener, *receiving, *holding, *sending, *closing, *datagrams;
    struct peer *reader; /* of `sending` */
};

static struct test__busy test__open_busy(const char *transport)
{
    static const uint8_t bytes[100];
    struct net_options options;
    struct test__busy busy;
    struct peer *peer;

    world_transport = transport;
    world_options(&options);
    options.stream_buffer_bytes = WORLD_LARGE_BYTES;
    busy.world = world_open(&options);
    busy.receiving = world_connect(busy.world, &peer);
    busy.listener = busy.world->listener;
    busy.holding = world_connect(busy.world, &peer);
    line_receive(busy.holding, true);
    world_run_until_idle(busy.world);
    line_receive(busy.holding, false);
    require_equal(peer_send(peer, bytes, sizeof bytes), sizeof bytes);
    busy.sending = world_connect(busy.world, &busy.reader);
    busy.closing = world_connect(busy.world, &peer);
    busy.datagrams = world_bind(busy.world, "127.0.0.1:0");
    line_receive(busy.receiving, true);
    line_receive(busy.datagrams, true);
    line_send(busy.sending, NET_SEND_BUFFERS_MAX, WORLD_LARGE_BYTES);
    world_run_until_idle(busy.world);
    struct net_address to = line_address(busy.listener);
    peer_start(busy.world, &to);
    line_close(busy.closing);
    return busy;
}

static void test__break_loop(const char *transport, int os_error)
{
    struct test__busy busy = test__open_busy(transport);
    struct line *const broken[] = {busy.listener, busy.receiving, busy.holding, busy.sending,
                                   busy.datagrams};

    atomic_store(&test__loop_error, os_error);
    world_until(busy.world, busy.datagrams->broken_count == 1);
    for (size_t i = 0; i < COUNT_OF(broken); i++) require_equal(broken[i]->broken_count, 1);
    line_close(busy.sending);
    world_until(busy.world, !busy.sending->is_open);
    require_equal(busy.sending->sent_count, 1);
    require(busy.sending->sent_code != WEIR_OK);
    peer_reads_pattern(busy.reader, busy.sending->out_seed);
    world_until(busy.world, peer_saw_close(busy.reader));
    require(peer_saw_reset(busy.reader));
    require(!peer_saw_fin(busy.reader));
    world_until(busy.world, !busy.closing->is_open);
    /* Wake-ups still arrive, also without the descriptor. */
    uint32_t woken = busy.world->woken_count;
    net_wake(busy.world->net);
    world_until(busy.world, busy.world->woken_count > woken);
    net_wake(busy.world->net);
    atomic_store(&test__wake_fails, true);
    net_wake(busy.world->net);
    woken = busy.world->woken_count;
    world_until(busy.world, busy.world->woken_count > woken);
    atomic_store(&test__wake_fails, false);
    world_close(busy.world); /* checks that no handle, buffer or file is left */
    atomic_store(&test__loop_error, 0);
}

static void every_handle_of_a_refused_loop_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++)
        for (size_t k = 0; k < COUNT_OF(test__loop_errors); k++)
            test__break_loop(test__transports[i], test__loop_errors[k]);
}

/* More handles than one batch of events has room for. */
static void a_refused_loop_breaks_handles_batch_by_batch(void **state)
{
    enum { COUNT = 20 };
    struct line *lines[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        for (int k = 0; k < COUNT; k++) lines[k] = world_bind(world, "127.0.0.1:0");
        world->events_max = 3;
        atomic_store(&test__loop_error, EBADF);
        world_until(world, lines[COUNT - 1]->broken_count == 1);
        for (int k = 0; k < COUNT; k++) require_equal(lines[k]->broken_count, 1);
        world_close(world);
        atomic_store(&test__loop_error, 0);
    }
}

/* A failure that passes breaks nothing. */
static void a_loop_that_fails_for_a_moment_goes_on(void **state)
{
    static const int passing[][2] = {{EINTR, EINTR}, {EINTR, ENOMEM}, {EINTR, EAGAIN}};
    struct peer *peer;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        for (size_t k = 0; k < COUNT_OF(passing); k++) {
            world_transport = test__transports[i];
            struct world *world = world_open(NULL);
            struct line *line = world_connect(world, &peer);
            line_receive(line, true);
            atomic_store(&test__loop_error, passing[k][i]);
            for (int iterations = 0; iterations < 10; iterations++) world_iterate(world);
            atomic_store(&test__loop_error, 0);
            require_equal(line->broken_count, 0);
            require_equal(peer_send(peer, "", 1), 1);
            world_until(world, line->received_count > 0);
            world_close(world);
        }
    }
}

static void a_server_whose_loop_is_refused_ends(void **state)
{
    char logged[1024];
    uint16_t one, other;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        struct weir_server *server = test__start_server(test__transports[i], &one, &other);
        test__echo(one);
        atomic_store(&test__loop_error, EBADF);
        int fd = test__connect(other); /* the next wait fails, at the latest after this event */
        weir_server_wait(server);
        atomic_store(&test__loop_error, 0);
        require(read(test__log_pipe[0], logged, sizeof logged) > 0);
        require(strstr(logged, "cannot go on listening on tcp 127.0.0.1:") != NULL);
        close(fd);
        test__stop_server(server);
    }
}

/* ---- connecting ---- */

static _Atomic int test__socket_error; /* errno of socket; 0: calls the system */

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

int __wrap_socket(int family, int type, int protocol)
{
    if (test__socket_error == 0) return __real_socket(family, type, protocol);
    errno = test__socket_error;
    return -1;
}

static void a_loop_that_is_refused_breaks_an_attempt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct peer_listener *listener = peer_listen_few(world, "127.0.0.1:0", 1);
        struct net_address to = peer_listens(listener);
        struct line *lines[6];
        uint32_t waiting_count = 0;
        for (size_t k = 0; k < COUNT_OF(lines); k++) lines[k] = world_start(world, &to);
        world_run_until_idle(world);
        for (size_t k = 0; k < COUNT_OF(lines); k++) waiting_count += lines[k]->connects;
        require(waiting_count > 0); /* the backlog is full */
        atomic_store(&test__loop_error, EBADF);
        for (size_t k = 0; k < COUNT_OF(lines); k++)
            world_until(world, lines[k]->broken_count == 1);
        world_close(world);
        atomic_store(&test__loop_error, 0);
    }
}

static void an_unknown_address_of_a_new_connection_is_zeroed(void **state)
{
    static const struct net_address none;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
        struct net_address to = peer_listens(listener);
        struct line *line = world_start(world, &to);
        test__fail_getsockname(ENOBUFS, 0);
        world_until(world, line->connected_count == 1);
        test__fail_getsockname(0, 0);
        require(memcmp(&line->local, &none, sizeof none) == 0);
        world_close(world);
    }
}

static void a_socket_that_is_refused_fails_the_call(void **state)
{
    static const struct {
        int os_error;
        enum weir_code code;
    } cases[] = {
        {ENFILE, WEIR_NO_FILES}, {EAFNOSUPPORT, WEIR_UNSUPPORTED}, {ENOMEM, WEIR_NO_MEMORY}};
    const struct net_connect_options options = {.address = address_of_v4(0x7f000001, 7)};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        for (size_t k = 0; k < COUNT_OF(cases); k++) {
            atomic_store(&test__socket_error, cases[k].os_error);
            require_equal(net_connect(world->net, &options, NULL, &handle, &error), cases[k].code);
            atomic_store(&test__socket_error, 0);
            require_equal(error.os_error, cases[k].os_error);
            require(strcmp(error.subject, "tcp 127.0.0.1:7") == 0);
        }
        world_close(world);
    }
}

/* To an address that no socket can reach: connect() itself fails. */
static void an_attempt_that_fails_at_once_is_answered_by_an_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(test__transports); i++) {
        world_transport = test__transports[i];
        struct world *world = world_open(NULL);
        struct net_address broadcast = world_address("255.255.255.255:7");
        struct line *line = world_start(world, &broadcast);
        world_until(world, line->broken_count == 1);
        require(line->connected_count == 0);
        world_close(world);
    }
}

/* TCP connects a socket to itself if it is bound to the destination. */
static void a_socket_connected_to_itself_is_no_connection(void **state)
{
    struct net_address to, local;

    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0);
    union linux_sockaddr sockaddr;
    to = address_of_v4(0x7f000001, 0);
    socklen_t length = linux_sockaddr_of(&to, true, &sockaddr);
    require(bind(fd, &sockaddr.any, length) == 0);
    require(linux_local_address(fd, &to));
    length = linux_sockaddr_of(&to, true, &sockaddr);
    require(connect(fd, &sockaddr.any, length) == 0);
    require(!linux_is_connected(fd, &to, &local));
    require(address_equals(&local, &to));
    close(fd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_whose_address_is_unknown_is_not_opened),
        cmocka_unit_test(a_lost_datagram_socket_keeps_its_address),
        cmocka_unit_test(a_connection_without_an_address_has_a_zeroed_one),
        cmocka_unit_test(every_handle_of_a_refused_loop_breaks),
        cmocka_unit_test(a_refused_loop_breaks_handles_batch_by_batch),
        cmocka_unit_test(a_loop_that_fails_for_a_moment_goes_on),
        cmocka_unit_test(a_server_whose_loop_is_refused_ends),
        cmocka_unit_test(a_lost_listener_is_logged_with_its_address),
        cmocka_unit_test(a_loop_that_is_refused_breaks_an_attempt),
        cmocka_unit_test(an_unknown_address_of_a_new_connection_is_zeroed),
        cmocka_unit_test(a_socket_that_is_refused_fails_the_call),
        cmocka_unit_test(an_attempt_that_fails_at_once_is_answered_by_an_event),
        cmocka_unit_test(a_socket_connected_to_itself_is_no_connection),
    };

    return cmocka_run_group_tests_name("system_failures", tests, NULL, NULL);
}
