/* SPDX-License-Identifier: MIT */
/* libev_echo.c - libev: an I/O watcher for each connection, recv and send on one buffer. This is
 * both its usual and its tuned form: libev has no buffers of its own.
 *
 * Mode: echo. */
#include <errno.h>
#include <ev.h>
#include <unistd.h>

#include "peer.h"

/* A connection; the rest of a short send waits in it. */
struct libev_echo__connection {
    ev_io watcher; /* the first member: a watcher is its connection */
    char *rest;
    size_t length, sent;
};

static char libev_echo__bytes[PEER_BUFFER_BYTES];

static void libev_echo__watch(struct ev_loop *loop, ev_io *watcher, int events)
{
    ev_io_stop(loop, watcher);
    ev_io_set(watcher, watcher->fd, events);
    ev_io_start(loop, watcher);
}

static void libev_echo__send_rest(struct ev_loop *loop, struct libev_echo__connection *connection)
{
    ssize_t count = send(connection->watcher.fd, connection->rest + connection->sent,
                         connection->length - connection->sent, MSG_NOSIGNAL);

    if (count > 0) connection->sent += (size_t)count;
    if (connection->sent < connection->length) return;
    free(connection->rest);
    connection->rest = NULL;
    libev_echo__watch(loop, &connection->watcher, EV_READ);
}

static void libev_echo__on_event(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct libev_echo__connection *connection = (struct libev_echo__connection *)watcher;

    if (events & EV_WRITE) {
        libev_echo__send_rest(loop, connection);
        return;
    }
    ssize_t count = recv(watcher->fd, libev_echo__bytes, sizeof libev_echo__bytes, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        ev_io_stop(loop, watcher);
        close(watcher->fd);
        free(connection);
        return;
    }
    ssize_t sent = send(watcher->fd, libev_echo__bytes, (size_t)count, MSG_NOSIGNAL);
    if (sent == count || (sent < 0 && errno != EAGAIN)) return;
    if (sent < 0) sent = 0;
    connection->sent = 0;
    connection->length = (size_t)(count - sent);
    connection->rest = malloc(connection->length);
    memcpy(connection->rest, libev_echo__bytes + sent, connection->length);
    libev_echo__watch(loop, watcher, EV_WRITE);
}

static void libev_echo__on_accept(struct ev_loop *loop, ev_io *listener, int events)
{
    int handle = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (handle < 0) return;
    struct libev_echo__connection *connection = calloc(1, sizeof *connection);
    peer_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    ev_io_init(&connection->watcher, libev_echo__on_event, handle, EV_READ);
    ev_io_start(loop, &connection->watcher);
}

int main(int count, char **arguments)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    static ev_io listener;

    ev_io_init(&listener, libev_echo__on_accept,
               peer_listen(peer_port(count, arguments), SOCK_STREAM), EV_READ);
    ev_io_start(loop, &listener);
    ev_run(loop, 0);
    return 0;
}
