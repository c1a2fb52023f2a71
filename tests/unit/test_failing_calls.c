/* SPDX-License-Identifier: MIT */
/* test_failing_calls.c - system calls that fail once, or again and again. The linker replaces them
 * with the functions below (--wrap). A request inside an io_uring is replaced by one that does
 * nothing, and its result by the failure.
 *
 * Requirements: a failure that passes ends no connection; a failure that lasts is tried again ever
 * more rarely, and reported once; a wait that fails for good is an error, and ends nothing else.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <liburing.h>
#include <cmocka.h>

#include "check.h"
#include "linux_wait.h"
#include "world.h"

#define TEST__MS UINT64_C(1000000)
#define TEST__SPAN_NS (300 * TEST__MS)
/* In that span: 16 attempts without a delay, then delays of 1, 2, 4, ... 128 ms. */
#define TEST__ATTEMPTS_MAX 30u
#define TEST__RETURNS_MAX 60u
#define TEST__FOREVER UINT32_MAX
#define TEST__INJECTED_MAX 256u

enum test_call {
    TEST__RECV,
    TEST__SEND,
    TEST__RECVMMSG,
    TEST__SENDMMSG,
    TEST__EPOLL_WAIT,
    TEST__ENTER, /* io_uring_enter */
    TEST__OP,    /* a request inside the ring */
    TEST__CALLS_COUNT
};

/* Calls that weir made, and the failures that are injected. */
static struct {
    uint32_t made, to_fail;
    int os_error;
} test__calls[TEST__CALLS_COUNT];

static bool test__inside;         /* set while net_wait or net_send runs: peers' calls never fail */
static uint8_t test__opcode;      /* of TEST__OP */
static uint64_t test__user_data;  /* of TEST__OP: only this request; 0: any */
static bool test__polls_return;   /* poll returns immediately, as after its delay ... */
static uint64_t test__delayed_ms; /* ... and this is the sum of the delays */

static struct {
    uint64_t user_data;
    int os_error;
} test__injected[TEST__INJECTED_MAX];
static uint32_t test__injected_count;

static void test__fail(enum test_call call, uint32_t count, int os_error)
{
    test__calls[call].made = 0;
    test__calls[call].to_fail = count;
    test__calls[call].os_error = os_error;
}

/* Counts the call. Returns true, with errno, if it fails. */
static bool test__fails(enum test_call call)
{
    if (!test__inside) return false;
    test__calls[call].made++;
    if (test__calls[call].to_fail == 0) return false;
    if (test__calls[call].to_fail != TEST__FOREVER) test__calls[call].to_fail--;
    errno = test__calls[call].os_error;
    return true;
}

/* ---- replacements ---- */

uint32_t __real_net_wait(struct net *net, uint64_t until_ns, struct net_event *events,
                         uint32_t events_max);
uint32_t __wrap_net_wait(struct net *net, uint64_t until_ns, struct net_event *events,
                         uint32_t events_max);
void __real_net_send(struct net *net, struct net_handle connection,
                     struct net_buffer *const *buffers, uint32_t count);
void __wrap_net_send(struct net *net, struct net_handle connection,
                     struct net_buffer *const *buffers, uint32_t count);
ssize_t __real_linux_recv(int fd, void *bytes, size_t length);
ssize_t __wrap_linux_recv(int fd, void *bytes, size_t length);
ssize_t __real_linux_send(int fd, const void *bytes, size_t length);
ssize_t __wrap_linux_send(int fd, const void *bytes, size_t length);
int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __real_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms);
int __real_poll(struct pollfd *files, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *files, nfds_t count, int timeout_ms);
int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask);

uint32_t __wrap_net_wait(struct net *net, uint64_t until_ns, struct net_event *events,
                         uint32_t events_max)
{
    test__inside = true;
    uint32_t count = __real_net_wait(net, until_ns, events, events_max);
    test__inside = false;
    return count;
}

void __wrap_net_send(struct net *net, struct net_handle connection,
                     struct net_buffer *const *buffers, uint32_t count)
{
    test__inside = true;
    __real_net_send(net, connection, buffers, count);
    test__inside = false;
}

ssize_t __wrap_linux_recv(int fd, void *bytes, size_t length)
{
    return test__fails(TEST__RECV) ? -1 : __real_linux_recv(fd, bytes, length);
}

ssize_t __wrap_linux_send(int fd, const void *bytes, size_t length)
{
    return test__fails(TEST__SEND) ? -1 : __real_linux_send(fd, bytes, length);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout)
{
    return test__fails(TEST__RECVMMSG) ? -1 : __real_recvmmsg(fd, messages, count, flags, timeout);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    return test__fails(TEST__SENDMMSG) ? -1 : __real_sendmmsg(fd, messages, count, flags);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return test__fails(TEST__EPOLL_WAIT) ? -1 : __real_epoll_wait(fd, events, count, timeout_ms);
}

int __wrap_poll(struct pollfd *files, nfds_t count, int timeout_ms)
{
    if (!test__inside) return __real_poll(files, count, timeout_ms);
    test__delayed_ms += (uint64_t)timeout_ms;
    return test__polls_return ? 0 : __real_poll(files, count, timeout_ms);
}

/* Replaces the collected requests that are to fail. */
static void test__replace_requests(const struct io_uring *ring)
{
    const struct io_uring_sq *queue = &ring->sq;

    for (unsigned at = queue->sqe_head; at != queue->sqe_tail; at++) {
        struct io_uring_sqe *sqe = &queue->sqes[at & queue->ring_mask];
        uint64_t user_data = sqe->user_data;
        if (sqe->opcode != test__opcode || (test__user_data != 0 && user_data != test__user_data))
            continue;
        if (!test__fails(TEST__OP)) continue;
        require(test__injected_count < TEST__INJECTED_MAX);
        test__injected[test__injected_count].user_data = user_data;
        test__injected[test__injected_count++].os_error = test__calls[TEST__OP].os_error;
        io_uring_prep_nop(sqe);
        sqe->user_data = user_data;
    }
}

static void test__replace_results(const struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned head;

    io_uring_for_each_cqe(ring, head, cqe)
    {
        for (uint32_t i = 0; i < test__injected_count; i++) {
            if (test__injected[i].user_data != cqe->user_data) continue;
            cqe->res = -test__injected[i].os_error;
            cqe->flags = 0;
            test__injected[i] = test__injected[--test__injected_count];
            break;
        }
    }
}

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    if (test__fails(TEST__ENTER)) return -errno;
    test__replace_requests(ring);
    int result = __real_io_uring_submit_and_get_events(ring);
    test__replace_results(ring);
    return result;
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned count, struct __kernel_timespec *span,
                                            sigset_t *mask)
{
    if (test__fails(TEST__ENTER)) return -errno;
    test__replace_requests(ring);
    int result = __real_io_uring_submit_and_wait_timeout(ring, cqe, count, span, mask);
    test__replace_results(ring);
    return result;
}

/* ---- the transports ---- */

static const char *const test__transports[] = {"epoll", "uring"};

static bool test__is_uring(void)
{
    return strcmp(world_transport, "uring") == 0;
}

static struct world *test__world(const char *transport)
{
    memset(test__calls, 0, sizeof test__calls);
    test__injected_count = 0;
    test__user_data = test__delayed_ms = 0;
    test__polls_return = false;
    world_transport = transport;
    return world_open(NULL);
}

/* Makes receives of connections fail, whatever the transport calls. Returns the call. */
static enum test_call test__fail_stream(uint8_t opcode, uint32_t count, int os_error)
{
    enum test_call call = opcode == IORING_OP_RECV ? TEST__RECV : TEST__SEND;

    if (test__is_uring()) call = TEST__OP;
    test__opcode = opcode;
    test__fail(call, count, os_error);
    return call;
}

/* Iterates for TEST__SPAN_NS. Returns how often net_wait returned. */
static uint32_t test__iterate_for_span(struct world *world)
{
    uint64_t until_ns = net_now_ns(world->net) + TEST__SPAN_NS;
    uint32_t returns = 0;

    for (; net_now_ns(world->net) < until_ns && returns < 100000; returns++)
        world_iterate_until(world, until_ns);
    return returns;
}

/* The failing call is repeated rarely, and the pause was reported once. */
static void test__require_delays(struct world *world, const struct line *line, enum test_call call)
{
    uint32_t returns = test__iterate_for_span(world);

    require(test__calls[call].made >= 5);
    require(test__calls[call].made <= TEST__ATTEMPTS_MAX);
    require(returns <= TEST__RETURNS_MAX);
    require_equal(line->paused_count, 1);
    require_equal(line->broken_count, 0);
    test__fail(call, 0, 0);
}

/* ---- datagrams ---- */

static void test__datagram_receive(const char *transport, int os_error)
{
    struct world *world = test__world(transport);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);

    line_receive(line, true);
    for (uint32_t episode = 1; episode <= 2; episode++) {
        line->paused_count = 0;
        test__fail(TEST__RECVMMSG, TEST__FOREVER, os_error);
        peer_send_to(peer, &to, "weir", 4);
        test__require_delays(world, line, TEST__RECVMMSG);
        world_until(world, line->got_count == episode);
    }
    world_close(world);
}

static void a_datagram_receive_that_always_fails_backs_off(void **state)
{
    static const int errors[] = {ENOMEM, ENOBUFS, EIO, EHOSTUNREACH, EINTR};

    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++)
        for (size_t i = 0; i < weir_count_of(errors); i++)
            test__datagram_receive(test__transports[t], errors[i]);
}

/* Each socket has a delay of its own. */
static void a_socket_that_fails_later_is_tried_again_earlier(void **state)
{
    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++) {
        struct world *world = test__world(test__transports[t]);
        struct line *first = world_bind(world, "127.0.0.1:0");
        struct line *second = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
        struct net_address to_first = line_address(first), to_second = line_address(second);
        line_receive(first, true);
        line_receive(second, true);
        test__fail(TEST__RECVMMSG, TEST__FOREVER, ENOBUFS);
        peer_send_to(peer, &to_first, "weir", 4);
        while (test__calls[TEST__RECVMMSG].made < 7) world_iterate(world); /* delay: 64 ms */
        test__fail(TEST__RECVMMSG, 1, ENOBUFS);
        peer_send_to(peer, &to_second, "weir", 4);
        world_until(world, second->got_count == 1);
        require_equal(second->paused_count, 1);
        world_until(world, first->got_count == 1);
        world_close(world);
    }
}

static void a_datagram_send_that_is_always_interrupted_backs_off(void **state)
{
    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++) {
        struct world *world = test__world(test__transports[t]);
        struct line *line = world_bind(world, "127.0.0.1:0");
        struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
        struct net_address to = peer_bound(peer);
        test__fail(TEST__SENDMMSG, TEST__FOREVER, EINTR);
        require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_OK);
        test__require_delays(world, line, TEST__SENDMMSG);
        world_until(world, line->datagrams_sent == 1);
        world_close(world);
    }
}

static void a_datagram_socket_that_became_invalid_breaks(void **state)
{
    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++) {
        struct world *world = test__world(test__transports[t]);
        struct line *line = world_bind(world, "127.0.0.1:0");
        test__fail(TEST__RECVMMSG, 1, EBADF);
        line_receive(line, true);
        world_until(world, line->broken_count == 1);
        require_equal(test__calls[TEST__RECVMMSG].made, 1);
        world_close(world);
    }
}

/* The socket seems to be full: the ring polls it, and then the datagram leaves. */
static void a_datagram_waits_for_a_full_socket(void **state)
{
    struct world *world = test__world("uring");
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);

    (void)state;
    test__fail(TEST__SENDMMSG, 1, EAGAIN);
    require_equal(line_send_to(line, &to, NULL, "weir", 4, 0), WEIR_OK);
    world_until(world, line->datagrams_sent == 1);
    require_equal(test__calls[TEST__SENDMMSG].made, 2);
    world_close(world);
}

/* Of a datagram socket, io_uring executes only polls. */
static void a_poll_that_always_fails_backs_off(void **state)
{
    struct world *world = test__world("uring");
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);

    (void)state;
    world_iterate(world); /* the wake-up has its poll */
    test__opcode = IORING_OP_POLL_ADD;
    test__fail(TEST__OP, TEST__FOREVER, ENOMEM);
    line_receive(line, true);
    test__require_delays(world, line, TEST__OP);
    peer_send_to(peer, &to, "weir", 4);
    world_until(world, line->got_count == 1);
    world_close(world);
}

/* ---- connections ---- */

static void test__stream_receive(const char *transport, int os_error)
{
    struct world *world = test__world(transport);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    line->in_seed = 3;
    enum test_call call = test__fail_stream(IORING_OP_RECV, TEST__FOREVER, os_error);
    line_receive(line, true);
    peer_sends_pattern(peer, 3, 50000, 5000);
    test__require_delays(world, line, call);
    world_until(world, line->in_position == 50000);
    require_equal(line->broken_count, 0);
    world_close(world);
}

static void a_receive_that_lacks_memory_ends_no_connection(void **state)
{
    static const int errors[] = {ENOMEM, ENOBUFS, EINTR};

    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++)
        for (size_t i = 0; i < weir_count_of(errors); i++)
            test__stream_receive(test__transports[t], errors[i]);
}

static void test__stream_send(const char *transport, int os_error)
{
    struct world *world = test__world(transport);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    line->out_seed = 4;
    peer_reads_pattern(peer, 4);
    enum test_call call = test__fail_stream(IORING_OP_SEND, TEST__FOREVER, os_error);
    line_send(line, 1, 1000);
    test__require_delays(world, line, call);
    world_until(world, line->sent_count == 1 && peer->in_position == 1000);
    require_equal(line->sent_code, WEIR_OK);
    world_close(world);
}

static void a_send_that_lacks_memory_ends_no_connection(void **state)
{
    static const int errors[] = {ENOMEM, ENOBUFS, EINTR};

    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++)
        for (size_t i = 0; i < weir_count_of(errors); i++)
            test__stream_send(test__transports[t], errors[i]);
}

/* Receives that succeed neither shorten the delay of a send nor begin a new episode. */
static void a_failing_send_does_not_delay_receives(void **state)
{
    (void)state;
    for (size_t t = 0; t < weir_count_of(test__transports); t++) {
        struct world *world = test__world(test__transports[t]);
        struct peer *peer;
        struct line *line = world_connect(world, &peer);
        line->in_seed = 5;
        line_receive(line, true);
        enum test_call call = test__fail_stream(IORING_OP_SEND, TEST__FOREVER, ENOBUFS);
        line_send(line, 1, 1000);
        peer_sends_pattern(peer, 5, 500000, 5000);
        world_until(world, line->in_position == 500000);
        require(line->received_count >= 10);
        require(test__calls[call].made <= TEST__ATTEMPTS_MAX);
        require_equal(line->paused_count, 1);
        world_close(world); /* the close answers the send */
        require_equal(test__calls[call].to_fail, TEST__FOREVER);
    }
}

/* A connection that was reported as readable can be empty after all (epoll(7)). */
static void an_empty_receive_waits_for_the_next_bytes(void **state)
{
    struct world *world = test__world("epoll");
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    test__fail(TEST__RECV, 1, EAGAIN);
    line_receive(line, true);
    require_equal(peer_send(peer, "we", 2), 2);
    while (test__calls[TEST__RECV].to_fail > 0) world_iterate(world);
    require_equal(peer_send(peer, "ir", 2), 2);
    world_until(world, line->in_position == 4);
    require_equal(line->paused_count, 0);
    world_close(world);
}

/* ---- accepting ---- */

static void an_interrupted_accept_does_not_spin(void **state)
{
    struct world *world = test__world("uring");
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    line_accept(listener, false);
    world_run_until_idle(world);
    test__opcode = IORING_OP_ACCEPT;
    test__fail(TEST__OP, TEST__FOREVER, EINTR);
    line_accept(listener, true);
    peer_start(world, &to);
    require(test__iterate_for_span(world) <= 200);
    require(test__calls[TEST__OP].made <= 100);
    require_equal(listener->paused_count, 1);
    test__fail(TEST__OP, 0, 0);
    world_until(world, listener->sockets_count == 1);
    world_close(world);
}

static void a_connection_that_accept_loses_is_counted(void **state)
{
    struct world *world = test__world("uring");
    struct line *listener = world_listen(world);

    (void)state;
    line_accept(listener, false);
    world_run_until_idle(world);
    test__opcode = IORING_OP_ACCEPT;
    test__fail(TEST__OP, 3, ECONNABORTED);
    line_accept(listener, true);
    world_until(world, listener->refused_count == 3);
    require_equal(listener->paused_count, 0);
    world_close(world);
}

/* ---- waiting ---- */

static enum test_call test__wait_call(void)
{
    return test__is_uring() ? TEST__ENTER : TEST__EPOLL_WAIT;
}

static void a_wait_that_lacks_memory_backs_off_and_recovers(void **state)
{
    static const int errors[] = {ENOMEM, EAGAIN, EBUSY, EINTR};

    (void)state;
    for (size_t i = 0; i < weir_count_of(test__transports) * weir_count_of(errors); i++) {
        struct world *world = test__world(test__transports[i % 2]);
        struct line *listener = world_listen(world);
        struct net_address to = line_address(listener);
        enum test_call call = test__wait_call();
        test__fail(call, TEST__FOREVER, errors[i / 2]);
        peer_start(world, &to);
        require(test__iterate_for_span(world) <= TEST__RETURNS_MAX);
        require(test__calls[call].made <= TEST__RETURNS_MAX);
        require_equal(listener->sockets_count, 0);
        net_wake(world->net); /* the shutdown request of another thread */
        world_until(world, world->woken_count > 0);
        require_equal(net_failure(world->net, NULL), WEIR_OK);
        test__fail(call, 0, 0);
        world_until(world, listener->sockets_count == 1);
        world_close(world);
    }
}

/* A worker that waits for the failed wake-up request still notices a shutdown request. */
static void a_wake_up_poll_that_always_fails_backs_off(void **state)
{
    struct world *world = test__world("uring");

    (void)state;
    test__opcode = IORING_OP_POLL_ADD;
    test__fail(TEST__OP, TEST__FOREVER, ENOMEM);
    require(test__iterate_for_span(world) <= TEST__RETURNS_MAX);
    require(test__calls[TEST__OP].made <= TEST__RETURNS_MAX);
    net_wake(world->net);
    world_until(world, world->woken_count > 0);
    test__fail(TEST__OP, 0, 0);
    world_close(world);
}

static uint64_t test__delayed_until_failure_ms;

/* One handle of each kind, with outstanding requests, when the wait fails for good. */
static void test__fail_for_good(const char *transport, int os_error)
{
    struct world *world = test__world(transport);
    struct peer *peer;
    struct line *line = world_connect(world, &peer), *closing = world_connect(world, &peer);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *datagrams = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(datagrams);
    struct weir_error error = {.code = WEIR_OK};

    line_receive(line, true);
    line_receive(socket, true);
    world_run_until_idle(world);
    line_send(line, 1, 1000);
    require_equal(line_send_to(socket, &to, NULL, "weir", 4, 0), WEIR_OK);
    line_close(closing);
    test__polls_return = true;
    test__fail(test__wait_call(), TEST__FOREVER, os_error);
    world_begin(world);
    while (net_failure(world->net, &error) == WEIR_OK)
        world_iterate_on(world, "the failure is reported", __FILE__, __LINE__);
    test__delayed_until_failure_ms = test__delayed_ms;
    require_equal(error.os_error, os_error);
    require(error.hint[0] != '\0');
    require(net_failure(world->net, NULL) == error.code);
    uint32_t made = test__calls[test__wait_call()].made;
    world_iterate(world);
    require_equal(test__calls[test__wait_call()].made, made); /* the wait is over */
    world_close(world);
}

static void a_wait_that_fails_for_good_is_an_error(void **state)
{
    static const int errors[] = {EBADF, EFAULT, EPERM, EBADR};

    (void)state;
    for (size_t i = 0; i < weir_count_of(test__transports) * weir_count_of(errors); i++) {
        test__fail_for_good(test__transports[i % 2], errors[i / 2]);
        require_equal(test__delayed_until_failure_ms, 0);
    }
}

static void a_wait_that_lacks_memory_for_long_is_an_error(void **state)
{
    static const int errors[] = {ENOMEM, EINTR};

    (void)state;
    for (size_t i = 0; i < weir_count_of(test__transports) * weir_count_of(errors); i++) {
        test__fail_for_good(test__transports[i % 2], errors[i / 2]);
        require(test__delayed_until_failure_ms >= 5000); /* a shortage can last for seconds */
        require(test__delayed_until_failure_ms <= 20000);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_receive_that_always_fails_backs_off),
        cmocka_unit_test(a_socket_that_fails_later_is_tried_again_earlier),
        cmocka_unit_test(a_datagram_send_that_is_always_interrupted_backs_off),
        cmocka_unit_test(a_datagram_socket_that_became_invalid_breaks),
        cmocka_unit_test(a_datagram_waits_for_a_full_socket),
        cmocka_unit_test(a_poll_that_always_fails_backs_off),
        cmocka_unit_test(a_receive_that_lacks_memory_ends_no_connection),
        cmocka_unit_test(a_send_that_lacks_memory_ends_no_connection),
        cmocka_unit_test(a_failing_send_does_not_delay_receives),
        cmocka_unit_test(an_empty_receive_waits_for_the_next_bytes),
        cmocka_unit_test(an_interrupted_accept_does_not_spin),
        cmocka_unit_test(a_connection_that_accept_loses_is_counted),
        cmocka_unit_test(a_wait_that_lacks_memory_backs_off_and_recovers),
        cmocka_unit_test(a_wake_up_poll_that_always_fails_backs_off),
        cmocka_unit_test(a_wait_that_fails_for_good_is_an_error),
        cmocka_unit_test(a_wait_that_lacks_memory_for_long_is_an_error),
    };

    return cmocka_run_group_tests_name("failing_calls", tests, NULL, NULL);
}
