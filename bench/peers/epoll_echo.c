/* SPDX-License-Identifier: MIT */
/* epoll_echo.c - the bare epoll loop, to which bench/compare relates all servers: level-triggered,
 * one recv and one send for each readable connection, one buffer for all. It keeps the rest of a
 * short send, and does nothing else: no sessions, no timeouts, no limits, no counters.
 *
 * Modes: echo, broadcast. */
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peer.h"

#define EPOLL_ECHO__EVENTS_MAX 256

/* The rest of a short send. */
struct epoll_echo__rest {
    uint8_t *bytes;
    size_t length, sent;
};

static struct {
    int poll, listener, is_broadcast;
    uint8_t buffer[PEER_BUFFER_BYTES];
    struct epoll_echo__rest rests[PEER_HANDLES_MAX];
    int members[PEER_HANDLES_MAX]; /* broadcast: all connections */
    uint32_t members_count;
} server;

static void epoll_echo__watch(int operation, int handle, uint32_t events)
{
    struct epoll_event watch = {.events = events, .data.fd = handle};

    peer_need(epoll_ctl(server.poll, operation, handle, &watch) == 0, "epoll_ctl");
}

static void epoll_echo__accept(void)
{
    int handle = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (handle < 0) return;
    peer_need(handle < PEER_HANDLES_MAX, "too many connections");
    peer_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    epoll_echo__watch(EPOLL_CTL_ADD, handle, EPOLLIN);
    if (server.is_broadcast) server.members[server.members_count++] = handle;
}

static void epoll_echo__close(int handle)
{
    struct epoll_echo__rest *rest = &server.rests[handle];

    free(rest->bytes);
    *rest = (struct epoll_echo__rest){0};
    for (uint32_t i = 0; i < server.members_count; i++) {
        if (server.members[i] != handle) continue;
        server.members[i] = server.members[--server.members_count];
        break;
    }
    close(handle);
}

/* Sends; what the kernel does not take waits for EPOLLOUT, and nothing is read in the meantime. */
static void epoll_echo__send(int handle, const uint8_t *bytes, size_t length)
{
    struct epoll_echo__rest *rest = &server.rests[handle];
    ssize_t count = rest->bytes ? 0 : send(handle, bytes, length, MSG_NOSIGNAL);

    if (count == (ssize_t)length) return;
    if (count < 0 && errno != EAGAIN) return; /* the next recv reports it */
    size_t sent = count < 0 ? 0 : (size_t)count;
    rest->bytes = realloc(rest->bytes, rest->length + length - sent);
    peer_need(rest->bytes != NULL, "realloc");
    memcpy(rest->bytes + rest->length, bytes + sent, length - sent);
    if (rest->length == 0) epoll_echo__watch(EPOLL_CTL_MOD, handle, EPOLLOUT);
    rest->length += length - sent;
}

static void epoll_echo__send_rest(int handle)
{
    struct epoll_echo__rest *rest = &server.rests[handle];
    ssize_t count = send(handle, rest->bytes + rest->sent, rest->length - rest->sent, MSG_NOSIGNAL);

    if (count < 0) {
        if (errno != EAGAIN) epoll_echo__close(handle);
        return;
    }
    rest->sent += (size_t)count;
    if (rest->sent < rest->length) return;
    free(rest->bytes);
    *rest = (struct epoll_echo__rest){0};
    epoll_echo__watch(EPOLL_CTL_MOD, handle, EPOLLIN);
}

static void epoll_echo__receive(int handle)
{
    ssize_t count = recv(handle, server.buffer, sizeof server.buffer, 0);

    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        epoll_echo__close(handle);
        return;
    }
    if (!server.is_broadcast) {
        epoll_echo__send(handle, server.buffer, (size_t)count);
        return;
    }
    for (uint32_t i = 0; i < server.members_count; i++)
        epoll_echo__send(server.members[i], server.buffer, (size_t)count);
}

int main(int count, char **arguments)
{
    unsigned short port = peer_port(count, arguments);
    struct epoll_event events[EPOLL_ECHO__EVENTS_MAX];

    server.is_broadcast = strcmp(arguments[2], "broadcast") == 0;
    server.poll = epoll_create1(EPOLL_CLOEXEC);
    server.listener = peer_listen(port, SOCK_STREAM);
    epoll_echo__watch(EPOLL_CTL_ADD, server.listener, EPOLLIN);
    for (;;) {
        int ready = epoll_wait(server.poll, events, EPOLL_ECHO__EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            int handle = events[i].data.fd;
            if (handle == server.listener)
                epoll_echo__accept();
            else if (events[i].events & EPOLLOUT)
                epoll_echo__send_rest(handle);
            else
                epoll_echo__receive(handle);
        }
    }
}
