/* SPDX-License-Identifier: MIT */
/* test_own_loop.c - a server inside another event loop: the loop waits with poll() alone, so every
 * event of the server must make its descriptor readable, and every timer must be announced. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "atomic.h"
#include "clock.h"
#include "require.h"
#include "thread.h"

#define PATIENCE_MS 20000

static struct weir_server *server;
static uint16_t port;
static _Atomic uint64_t session_id; /* set by the loop, read by the client */

static void on_open(struct weir_session *session)
{
    session_id = weir_session_id(session);
}

static void on_timer(struct weir_session *session)
{
    weir_session_send(session, "late", 4);
}

/* "timer" is answered later; everything else is sent back. */
static void on_message(struct weir_session *session, const struct weir_message *message)
{
    if (message->length == 5 && memcmp(message->bytes, "timer", 5) == 0)
        weir_session_start_timer(session, 30);
    else
        weir_session_send_back(session, message);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "own_loop",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_timer = on_timer};

static bool start_here(const char *transport)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = "127.0.0.1:0",
                                 .custom_handler = &handler};
    struct weir_listener_info info;
    struct weir_config config;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = 1;
    require(weir_server_open(&config, &server, NULL) == WEIR_OK);
    require(weir_server_listen(server, &listen, NULL) == WEIR_OK);
    if (weir_server_start_here(server, NULL) != WEIR_OK) {
        weir_server_free(server);
        return false;
    }
    weir_server_listener(server, 0, &info);
    port = info.address.port;
    return true;
}

/* ---- the client, on a thread of its own ---- */

static void talk(int fd, const char *text, size_t length, const char *expected,
                 size_t expected_length)
{
    static char got[400000];

    for (size_t done = 0; done < length;) {
        ssize_t count = send(fd, text + done, length - done, MSG_NOSIGNAL);
        require(count > 0);
        done += (size_t)count;
    }
    require(recv(fd, got, expected_length, MSG_WAITALL) == (ssize_t)expected_length);
    require(memcmp(got, expected, expected_length) == 0);
}

static void be_client(void *argument)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    static const char large[400000];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    (void)argument;
    require(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    require(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    for (int i = 0; i < 200; i++) talk(fd, "hello", 5, "hello", 5);
    talk(fd, large, sizeof large, large, sizeof large);
    talk(fd, "timer", 5, "late", 4);
    require(weir_send(server, session_id, "from a thread", 13) == WEIR_OK);
    talk(fd, "", 0, "from a thread", 13);
    shutdown(fd, SHUT_WR);
    require(recv(fd, &byte, 1, 0) == 0);
    close(fd);
    weir_server_drain(server, PATIENCE_MS);
}

/* The application's loop. */
static void poll_until_the_end(void)
{
    uint64_t began_ns = clock_now_ns();
    int due_ms;

    while ((due_ms = weir_server_step(server, 0)) != WEIR_STEP_ENDED) {
        struct pollfd own = {.fd = weir_server_descriptor(server), .events = POLLIN};
        int wait_ms = due_ms < PATIENCE_MS ? due_ms : PATIENCE_MS;
        int count = poll(&own, 1, wait_ms);
        require(count > 0 || wait_ms < PATIENCE_MS); /* an event was not reported */
        require(clock_now_ns() - began_ns < PATIENCE_MS * CLOCK_NS_PER_MS);
    }
}

static void serve_in_a_foreign_loop(const char *transport)
{
    int os_error;

    if (!start_here(transport)) skip();
    require(weir_server_descriptor(server) >= 0);
    struct thread *client = thread_start("client", be_client, NULL, &os_error);
    require(client != NULL);
    poll_until_the_end();
    thread_join(client);
    weir_server_free(server);
}

static void a_foreign_loop_serves_on_epoll(void **state)
{
    (void)state;
    serve_in_a_foreign_loop("epoll");
}

static void a_foreign_loop_serves_on_uring(void **state)
{
    (void)state;
    serve_in_a_foreign_loop("uring");
}

/* Without an event the loop sleeps until the next timer: it is not called again and again. */
static void an_idle_server_is_not_due(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (!start_here(i == 0 ? "epoll" : "uring")) continue;
        int due_ms = 0;
        for (int j = 0; j < 1000 && due_ms < 1000; j++) {
            struct pollfd own = {.fd = weir_server_descriptor(server), .events = POLLIN};
            due_ms = weir_server_step(server, 0);
            poll(&own, 1, due_ms < 1000 ? due_ms : 0);
        }
        require(due_ms >= 1000);
        struct pollfd own = {.fd = weir_server_descriptor(server), .events = POLLIN};
        require(poll(&own, 1, 0) == 0);
        weir_server_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_loop_serves_on_epoll),
        cmocka_unit_test(a_foreign_loop_serves_on_uring),
        cmocka_unit_test(an_idle_server_is_not_due),
    };

    return cmocka_run_group_tests_name("own_loop", tests, NULL, NULL);
}
