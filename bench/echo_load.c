/* SPDX-License-Identifier: MIT */
/* echo_load.c - load for a TCP echo server on 127.0.0.1: every connection has one message in
 * flight, and sends the next message when the echo has arrived. Checks every byte; prints echoes
 * and echoes per second.
 *
 *      echo_load PORT CONNECTIONS BYTES ECHOES
 *
 * The result is the speed of client and server together on this machine, and not a property of the
 * server alone: compare servers side by side, or count the server's system calls at the same time
 * (strace -c -f -p PID).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define EVENTS_MAX 256

struct connection {
    int fd;
    size_t received; /* of the message in flight */
};

static size_t message_bytes;
static uint8_t *message, *answer;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long number(const char *text, long most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end != text && *end == '\0' && value > 0 && value <= most) return value;
    fprintf(stderr, "echo_load: %s is not a number from 1 to %ld\n", text, most);
    exit(64);
}

static void send_message(const struct connection *connection)
{
    for (size_t sent = 0; sent < message_bytes;) {
        ssize_t count = send(connection->fd, message + sent, message_bytes - sent, MSG_NOSIGNAL);
        if (count < 0) fail("send");
        sent += (size_t)count;
    }
}

/* Returns whether the answer is complete. */
static bool receive_answer(struct connection *connection)
{
    ssize_t count = recv(connection->fd, answer, message_bytes - connection->received, 0);

    if (count <= 0) fail("recv");
    if (memcmp(answer, message + connection->received, (size_t)count) != 0) {
        fprintf(stderr, "echo_load: wrong bytes came back\n");
        exit(1);
    }
    connection->received += (size_t)count;
    if (connection->received < message_bytes) return false;
    connection->received = 0;
    return true;
}

static void open_connection(struct connection *connection, uint16_t port, int poll)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = connection};
    const int on = 1;

    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0) fail("socket");
    if (connect(connection->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->fd, &watch) != 0) fail("epoll_ctl");
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void run(int poll, long echoes, long in_flight)
{
    struct epoll_event events[EVENTS_MAX];

    for (long asked = in_flight, done = 0; done < echoes;) {
        int count = epoll_wait(poll, events, EVENTS_MAX, PATIENCE_MS);
        if (count <= 0) fail("no answer in time");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!receive_answer(connection)) continue;
            done++;
            if (asked++ < echoes) send_message(connection);
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS BYTES ECHOES\n");
        return 64;
    }
    long port = number(arguments[1], 65535), connections_count = number(arguments[2], 10000);
    long echoes = number(arguments[4], 1000000000);
    int poll = epoll_create1(0);
    struct connection *connections = calloc((size_t)connections_count, sizeof *connections);

    message_bytes = (size_t)number(arguments[3], 1 << 24);
    message = malloc(message_bytes);
    answer = malloc(message_bytes);
    if (poll < 0 || !connections || !message || !answer) fail("start");
    for (size_t i = 0; i < message_bytes; i++) message[i] = (uint8_t)(i * 31 + (i >> 8));
    if (connections_count > echoes) connections_count = echoes;
    for (long i = 0; i < connections_count; i++)
        open_connection(&connections[i], (uint16_t)port, poll);
    double began_s = now_s();
    for (long i = 0; i < connections_count; i++) send_message(&connections[i]);
    run(poll, echoes, connections_count);
    double took_s = now_s() - began_s;
    printf("%ld echoes of %zu bytes, %ld connections: %.0f a second\n", echoes, message_bytes,
           connections_count, (double)echoes / took_s);
    for (long i = 0; i < connections_count; i++) close(connections[i].fd);
    return 0;
}
