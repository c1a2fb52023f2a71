/* SPDX-License-Identifier: MIT */
/* libevent_echo.c - libevent, in two ways: bufferevents, as its documentation shows, and tuned
 * (an event for each connection, recv and send on one buffer, the rest by a bufferevent's buffer).
 *
 * Modes: echo, echo-tuned, broadcast. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <unistd.h>

#include "peer.h"

static struct event_base *libevent_echo__base;
static int libevent_echo__is_tuned, libevent_echo__is_broadcast;
static char libevent_echo__bytes[PEER_BUFFER_BYTES];
static struct bufferevent *libevent_echo__members[PEER_HANDLES_MAX];
static unsigned libevent_echo__members_count;

/* ---- bufferevents ---- */

static void libevent_echo__on_read(struct bufferevent *connection, void *unused)
{
    struct evbuffer *input = bufferevent_get_input(connection);

    (void)unused;
    if (!libevent_echo__is_broadcast) {
        evbuffer_add_buffer(bufferevent_get_output(connection), input);
        return;
    }
    int count = evbuffer_remove(input, libevent_echo__bytes, sizeof libevent_echo__bytes);
    for (unsigned i = 0; count > 0 && i < libevent_echo__members_count; i++)
        bufferevent_write(libevent_echo__members[i], libevent_echo__bytes, (size_t)count);
}

static void libevent_echo__on_event(struct bufferevent *connection, short events, void *unused)
{
    (void)unused;
    if (!(events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))) return;
    for (unsigned i = 0; i < libevent_echo__members_count; i++) {
        if (libevent_echo__members[i] != connection) continue;
        libevent_echo__members[i] = libevent_echo__members[--libevent_echo__members_count];
        break;
    }
    bufferevent_free(connection);
}

/* ---- tuned ---- */

/* A connection; the rest of a short send waits in its evbuffer. */
struct libevent_echo__connection {
    struct event *readable, *writable;
    struct evbuffer *rest;
};

static void libevent_echo__close(struct libevent_echo__connection *connection)
{
    evutil_socket_t handle = event_get_fd(connection->readable);

    event_free(connection->readable);
    if (connection->writable) event_free(connection->writable);
    if (connection->rest) evbuffer_free(connection->rest);
    close(handle);
    free(connection);
}

static void libevent_echo__on_writable(evutil_socket_t handle, short events, void *user)
{
    struct libevent_echo__connection *connection = user;

    (void)events;
    evbuffer_write(connection->rest, handle);
    if (evbuffer_get_length(connection->rest) == 0)
        event_add(connection->readable, NULL);
    else
        event_add(connection->writable, NULL);
}

static void libevent_echo__on_readable(evutil_socket_t handle, short events, void *user)
{
    struct libevent_echo__connection *connection = user;
    ssize_t count = recv(handle, libevent_echo__bytes, sizeof libevent_echo__bytes, 0);

    (void)events;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        libevent_echo__close(connection);
        return;
    }
    ssize_t sent = send(handle, libevent_echo__bytes, (size_t)count, MSG_NOSIGNAL);
    if (sent == count || (sent < 0 && errno != EAGAIN)) return;
    if (sent < 0) sent = 0;
    if (!connection->rest) {
        connection->rest = evbuffer_new();
        connection->writable = event_new(libevent_echo__base, handle, EV_WRITE,
                                         libevent_echo__on_writable, connection);
    }
    evbuffer_add(connection->rest, libevent_echo__bytes + sent, (size_t)(count - sent));
    event_del(connection->readable);
    event_add(connection->writable, NULL);
}

static void libevent_echo__on_accept(struct evconnlistener *listener, evutil_socket_t handle,
                                     struct sockaddr *from, int length, void *unused)
{
    (void)listener;
    (void)from;
    (void)length;
    (void)unused;
    peer_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    if (libevent_echo__is_tuned) {
        struct libevent_echo__connection *connection = calloc(1, sizeof *connection);
        connection->readable = event_new(libevent_echo__base, handle, EV_READ | EV_PERSIST,
                                         libevent_echo__on_readable, connection);
        event_add(connection->readable, NULL);
        return;
    }
    struct bufferevent *connection =
        bufferevent_socket_new(libevent_echo__base, handle, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, libevent_echo__on_read, NULL, libevent_echo__on_event, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
    if (libevent_echo__is_broadcast)
        libevent_echo__members[libevent_echo__members_count++] = connection;
}

int main(int count, char **arguments)
{
    struct sockaddr_in at = peer_address(peer_port(count, arguments));

    libevent_echo__is_tuned = strcmp(arguments[2], "echo-tuned") == 0;
    libevent_echo__is_broadcast = strcmp(arguments[2], "broadcast") == 0;
    libevent_echo__base = event_base_new();
    peer_need(libevent_echo__base != NULL, "event_base_new");
    peer_need(evconnlistener_new_bind(libevent_echo__base, libevent_echo__on_accept, NULL,
                                      LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, PEER_BACKLOG,
                                      (struct sockaddr *)&at, sizeof at) != NULL,
              "bind");
    return event_base_dispatch(libevent_echo__base);
}
