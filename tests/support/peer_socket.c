/* SPDX-License-Identifier: MIT */
/* peer_socket.c - peers that are plain non-blocking sockets on the loopback, driven from the test's
 * own thread. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "linux_socket.h"
#include "peer.h"
#include "require.h"
#include "world.h"

#define SOCKET__RECEIVE_BYTES \
    65536 /* small and fixed, so that a peer which does not read is soon full */

struct socket_peer {
    struct peer peer; /* first */
    int fd;           /* -1 after a reset of its own */
    enum peer_state state;
    bool end, reset;
    struct weir_address address;
};

struct socket_datagrams {
    struct peer_datagrams datagrams; /* first */
    int fd;
    bool v4;
};

static struct socket_peer *socket__of(struct peer *peer)
{
    return (struct socket_peer *)(void *)peer;
}

static struct socket_datagrams *socket__datagrams(struct peer_datagrams *datagrams)
{
    return (struct socket_datagrams *)(void *)datagrams;
}

/* ---- streams ---- */

static struct peer *socket__connect(struct world *world, const struct weir_address *to)
{
    const int on = 1, receive_bytes = SOCKET__RECEIVE_BYTES;
    struct socket_peer *peer = calloc(1, sizeof *peer);
    union linux_sockaddr sockaddr;
    bool v4 = address_is_v4(to);
    socklen_t length = linux_sockaddr_of(to, v4, &sockaddr);

    (void)world;
    require(peer != NULL);
    peer->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    require(peer->fd >= 0);
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer->state = PEER_CONNECTING;
    if (connect(peer->fd, &sockaddr.any, length) != 0 && errno != EINPROGRESS)
        peer->state = PEER_REFUSED;
    peer->address = linux_local_address(peer->fd);
    return &peer->peer;
}

static enum peer_state socket__state(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);
    struct pollfd poll_fd = {.fd = peer->fd, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;

    if (peer->state != PEER_CONNECTING || poll(&poll_fd, 1, 0) != 1) return peer->state;
    getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    peer->state = error == 0 ? PEER_CONNECTED : PEER_REFUSED;
    return peer->state;
}

static struct weir_address socket__address(struct peer *base)
{
    return socket__of(base)->address;
}

/* Whether the call failed because the connection is gone. */
static void socket__note(struct socket_peer *peer)
{
    if (errno == ECONNRESET || errno == EPIPE) peer->reset = true;
}

static uint32_t socket__send(struct peer *base, const void *bytes, uint32_t count)
{
    struct socket_peer *peer = socket__of(base);

    if (peer->fd < 0 || peer->reset) return 0;
    ssize_t sent = send(peer->fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) socket__note(peer);
    return sent < 0 ? 0 : (uint32_t)sent;
}

static uint32_t socket__receive(struct peer *base, void *bytes, uint32_t bytes_max)
{
    struct socket_peer *peer = socket__of(base);

    if (peer->fd < 0 || peer->reset || peer->end) return 0;
    ssize_t got = recv(peer->fd, bytes, bytes_max, MSG_DONTWAIT);
    if (got < 0) socket__note(peer);
    if (got == 0) peer->end = true;
    return got < 0 ? 0 : (uint32_t)got;
}

static void socket__look(struct socket_peer *peer)
{
    uint8_t byte;

    if (peer->fd < 0 || peer->reset || peer->end) return;
    ssize_t got = recv(peer->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    if (got < 0) socket__note(peer);
    if (got == 0) peer->end = true;
}

static bool socket__saw_end(struct peer *base)
{
    socket__look(socket__of(base));
    return socket__of(base)->end;
}

/* Bytes that came before the RST do not hide it. */
static bool socket__saw_reset(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);
    struct pollfd poll_fd = {.fd = peer->fd};

    socket__look(peer);
    if (peer->fd >= 0 && poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR) != 0)
        peer->reset = true;
    return peer->reset;
}

static void socket__finish(struct peer *base)
{
    if (socket__of(base)->fd >= 0) shutdown(socket__of(base)->fd, SHUT_WR);
}

static void socket__reset(struct peer *base)
{
    struct socket_peer *peer = socket__of(base);
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0}; /* socket(7): close sends an RST */

    if (peer->fd < 0) return;
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(peer->fd);
    peer->fd = -1;
}

static void socket__close(struct peer *base)
{
    if (socket__of(base)->fd >= 0) close(socket__of(base)->fd);
    free(base);
}

/* ---- datagrams ---- */

static struct peer_datagrams *socket__bind(struct world *world, const struct weir_address *address)
{
    const int receive_bytes = 1 << 20; /* cut to what the system allows */
    struct socket_datagrams *datagrams = calloc(1, sizeof *datagrams);
    union linux_sockaddr sockaddr;

    (void)world;
    require(datagrams != NULL);
    datagrams->v4 = address_is_v4(address);
    socklen_t length = linux_sockaddr_of(address, datagrams->v4, &sockaddr);
    datagrams->fd =
        socket(datagrams->v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    require(datagrams->fd >= 0);
    setsockopt(datagrams->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    require(bind(datagrams->fd, &sockaddr.any, length) == 0);
    return &datagrams->datagrams;
}

static struct weir_address socket__bound(struct peer_datagrams *datagrams)
{
    return linux_local_address(socket__datagrams(datagrams)->fd);
}

static void socket__send_to(struct peer_datagrams *base, const struct weir_address *to,
                            const void *bytes, uint32_t length)
{
    struct socket_datagrams *datagrams = socket__datagrams(base);
    union linux_sockaddr sockaddr;
    socklen_t sockaddr_length = linux_sockaddr_of(to, datagrams->v4, &sockaddr);
    ssize_t sent =
        sendto(datagrams->fd, bytes, length, MSG_DONTWAIT, &sockaddr.any, sockaddr_length);

    require(sent == (ssize_t)length || errno == ECONNREFUSED); /* an earlier one found nobody */
}

static bool socket__receive_from(struct peer_datagrams *base, void *bytes, uint32_t bytes_max,
                                 uint32_t *length, struct weir_address *from)
{
    union linux_sockaddr sockaddr;
    socklen_t sockaddr_length = sizeof sockaddr;
    ssize_t got = recvfrom(socket__datagrams(base)->fd, bytes, bytes_max, MSG_DONTWAIT | MSG_TRUNC,
                           &sockaddr.any, &sockaddr_length);

    if (got < 0) return false;
    *length = (uint32_t)got;
    if (from) *from = linux_address_of(&sockaddr);
    return true;
}

static void socket__unbind(struct peer_datagrams *datagrams)
{
    close(socket__datagrams(datagrams)->fd);
    free(datagrams);
}

const struct peer_kind peer_socket = {
    .connect = socket__connect,
    .state = socket__state,
    .address = socket__address,
    .send = socket__send,
    .receive = socket__receive,
    .finish = socket__finish,
    .reset = socket__reset,
    .close = socket__close,
    .saw_end = socket__saw_end,
    .saw_reset = socket__saw_reset,
    .bind = socket__bind,
    .bound = socket__bound,
    .send_to = socket__send_to,
    .receive_from = socket__receive_from,
    .unbind = socket__unbind,
};
