/* SPDX-License-Identifier: MIT */
/* libuv_echo.c - libuv, in two ways: as its documentation shows (a malloc for each read, uv_write),
 * and tuned (one static buffer, uv_try_write, the rest by uv_write; UDP: uv_udp_try_send, batches).
 *
 * Modes: echo, echo-tuned, broadcast, udp, udp-tuned. */
#include <uv.h>

#include "peer.h"

struct libuv_echo__write {
    uv_write_t request;
    uv_buf_t bytes;
};

struct libuv_echo__datagram {
    uv_udp_send_t request;
    uv_buf_t bytes;
};

static int libuv_echo__is_tuned, libuv_echo__is_broadcast;
static char libuv_echo__buffer[64 * PEER_BUFFER_BYTES];
static uv_stream_t *libuv_echo__members[PEER_HANDLES_MAX];
static unsigned libuv_echo__members_count;

static void libuv_echo__allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    if (libuv_echo__is_tuned)
        *buffer = uv_buf_init(libuv_echo__buffer, sizeof libuv_echo__buffer);
    else
        *buffer = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void libuv_echo__written(uv_write_t *request, int status)
{
    struct libuv_echo__write *write = (struct libuv_echo__write *)request;

    (void)status;
    free(write->bytes.base);
    free(write);
}

static void libuv_echo__write(uv_stream_t *stream, char *bytes, size_t length)
{
    struct libuv_echo__write *write = malloc(sizeof *write);

    write->bytes = uv_buf_init(bytes, (unsigned)length);
    uv_write(&write->request, stream, &write->bytes, 1, libuv_echo__written);
}

static char *libuv_echo__copy(const char *bytes, size_t length)
{
    return memcpy(malloc(length), bytes, length);
}

static void libuv_echo__try(uv_stream_t *stream, char *bytes, size_t length)
{
    uv_buf_t buffer = uv_buf_init(bytes, (unsigned)length);
    int done = uv_try_write(stream, &buffer, 1);
    size_t sent = done > 0 ? (size_t)done : 0;

    if (sent == length || (done < 0 && done != UV_EAGAIN)) return;
    libuv_echo__write(stream, libuv_echo__copy(bytes + sent, length - sent), length - sent);
}

static void libuv_echo__closed(uv_handle_t *handle)
{
    for (unsigned i = 0; i < libuv_echo__members_count; i++) {
        if ((uv_handle_t *)libuv_echo__members[i] != handle) continue;
        libuv_echo__members[i] = libuv_echo__members[--libuv_echo__members_count];
        break;
    }
    free(handle);
}

static void libuv_echo__on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    if (count < 0) uv_close((uv_handle_t *)stream, libuv_echo__closed);
    for (unsigned i = 0; count > 0 && i < libuv_echo__members_count; i++)
        libuv_echo__try(libuv_echo__members[i], buffer->base, (size_t)count);
    if (count > 0 && !libuv_echo__is_broadcast && libuv_echo__is_tuned)
        libuv_echo__try(stream, buffer->base, (size_t)count);
    else if (count > 0 && !libuv_echo__is_broadcast)
        libuv_echo__write(stream, buffer->base, (size_t)count); /* frees it */
    else if (!libuv_echo__is_tuned)
        free(buffer->base);
}

static void libuv_echo__on_connection(uv_stream_t *listener, int status)
{
    uv_tcp_t *client = malloc(sizeof *client);

    peer_need(status == 0, "listen");
    uv_tcp_init(listener->loop, client);
    peer_need(uv_accept(listener, (uv_stream_t *)client) == 0, "accept");
    uv_tcp_nodelay(client, 1);
    if (libuv_echo__is_broadcast)
        libuv_echo__members[libuv_echo__members_count++] = (uv_stream_t *)client;
    uv_read_start((uv_stream_t *)client, libuv_echo__allocate, libuv_echo__on_read);
}

/* ---- UDP ---- */

static void libuv_echo__datagram_sent(uv_udp_send_t *request, int status)
{
    struct libuv_echo__datagram *datagram = (struct libuv_echo__datagram *)request;

    (void)status;
    free(datagram->bytes.base);
    free(datagram);
}

static void libuv_echo__on_datagram(uv_udp_t *handle, ssize_t count, const uv_buf_t *buffer,
                                    const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (count <= 0 || !from) {
        if (!libuv_echo__is_tuned) free(buffer->base);
        return;
    }
    uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)count);
    if (libuv_echo__is_tuned) {
        uv_udp_try_send(handle, &bytes, 1, from);
        return;
    }
    struct libuv_echo__datagram *datagram = malloc(sizeof *datagram);
    datagram->bytes = bytes;
    uv_udp_send(&datagram->request, handle, &datagram->bytes, 1, from, libuv_echo__datagram_sent);
}

static void libuv_echo__serve_udp(uv_loop_t *loop, const struct sockaddr_in *at)
{
    static uv_udp_t handle;
    unsigned flags = libuv_echo__is_tuned ? AF_INET | UV_UDP_RECVMMSG : AF_INET;
    int bytes = PEER_UDP_BUFFER_BYTES;

    uv_udp_init_ex(loop, &handle, flags);
    peer_need(uv_udp_bind(&handle, (const struct sockaddr *)at, 0) == 0, "bind");
    uv_recv_buffer_size((uv_handle_t *)&handle, &bytes);
    uv_udp_recv_start(&handle, libuv_echo__allocate, libuv_echo__on_datagram);
}

int main(int count, char **arguments)
{
    static uv_tcp_t listener;
    struct sockaddr_in at = peer_address(peer_port(count, arguments));
    uv_loop_t *loop = uv_default_loop();

    libuv_echo__is_broadcast = strcmp(arguments[2], "broadcast") == 0;
    libuv_echo__is_tuned = libuv_echo__is_broadcast || strstr(arguments[2], "tuned") != NULL;
    if (strncmp(arguments[2], "udp", 3) == 0) {
        libuv_echo__serve_udp(loop, &at);
    } else {
        uv_tcp_init(loop, &listener);
        peer_need(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0) == 0, "bind");
        peer_need(uv_listen((uv_stream_t *)&listener, PEER_BACKLOG, libuv_echo__on_connection) == 0,
                  "listen");
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
