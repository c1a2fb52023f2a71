/* SPDX-License-Identifier: MIT */
/* os_peer_linux.c - the non-blocking socket of `weir send`, and waiting for stdin. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os.h"
#include "os_error.h"
#include "os_peer.h"

static int os_peer__timeout(uint32_t timeout_ms)
{
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

static enum os_peer_result os_peer__fail(struct os_peer *peer, int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return OS_PEER_NOT_NOW;
    const char *hint = error == EPERM || error == EACCES
                           ? "a firewall or a policy such as seccomp forbids it; allow it there"
                           : os_hint(error);
    os_error_text(error, peer->why, sizeof peer->why);
    size_t used = strlen(peer->why);
    snprintf(peer->why + used, sizeof peer->why - used, "%s%s", hint[0] ? "; " : "", hint);
    return OS_PEER_FAILED;
}

/* Waits for a pending connect. Returns 0, or the error number. */
static int os_peer__await_connect(int fd, uint32_t timeout_ms)
{
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int error = 0, found;

    do found = poll(&watched, 1, os_peer__timeout(timeout_ms));
    while (found < 0 && errno == EINTR);
    if (found == 0) return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static bool os_peer__connect(struct os_peer *peer, const struct addrinfo *address,
                             uint32_t timeout_ms)
{
    int type = address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(address->ai_family, type, address->ai_protocol);
    int error = fd < 0 ? errno : 0;

    if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0)
        error = errno == EINPROGRESS ? os_peer__await_connect(fd, timeout_ms) : errno;
    if (error == 0) {
        peer->handle = fd;
        return true;
    }
    if (fd >= 0) close(fd);
    os_peer__fail(peer, error);
    return false;
}

bool os_peer_open(struct os_peer *peer, const char *host, const char *port, bool datagrams,
                  uint32_t timeout_ms)
{
    struct addrinfo wanted = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *addresses;
    bool connected = false;
    int failure = getaddrinfo(host, port, &wanted, &addresses);

    *peer = (struct os_peer){.handle = -1, .datagrams = datagrams};
    if (failure == EAI_SYSTEM) {
        os_peer__fail(peer, errno);
        return false;
    }
    if (failure != 0) {
        snprintf(peer->why, sizeof peer->why, "%s", gai_strerror(failure));
        return false;
    }
    for (struct addrinfo *address = addresses; address && !connected; address = address->ai_next)
        connected = os_peer__connect(peer, address, timeout_ms);
    freeaddrinfo(addresses);
    return connected;
}

unsigned os_peer_wait(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms)
{
    struct pollfd watched[2] = {
        {.fd = (int)peer->handle},
        {.fd = wanted & OS_PEER_INPUT ? STDIN_FILENO : -1, .events = POLLIN}};
    unsigned able = 0;

    if (wanted & OS_PEER_SEND) watched[0].events |= POLLOUT;
    if (wanted & OS_PEER_RECEIVE) watched[0].events |= POLLIN;
    while (poll(watched, 2, os_peer__timeout(timeout_ms)) < 0) continue; /* EINTR */
    /* The following send or receive reports the error. */
    if (watched[0].revents & (POLLOUT | POLLERR)) able |= OS_PEER_SEND;
    if (watched[0].revents & (POLLIN | POLLHUP | POLLERR)) able |= OS_PEER_RECEIVE;
    if (watched[1].revents) able |= OS_PEER_INPUT;
    return able & wanted;
}

enum os_peer_result os_peer_send(struct os_peer *peer, const void *bytes, size_t length,
                                 size_t *sent)
{
    ssize_t done = send((int)peer->handle, bytes, length, MSG_NOSIGNAL);

    if (done < 0) return os_peer__fail(peer, errno);
    *sent = (size_t)done;
    return OS_PEER_DONE;
}

enum os_peer_result os_peer_receive(struct os_peer *peer, void *bytes, size_t size,
                                    size_t *received)
{
    ssize_t done = recv((int)peer->handle, bytes, size, 0);

    if (done < 0) return os_peer__fail(peer, errno);
    *received = (size_t)done;
    return done == 0 && !peer->datagrams ? OS_PEER_ENDED : OS_PEER_DONE;
}

void os_peer_finish(struct os_peer *peer)
{
    shutdown((int)peer->handle, SHUT_WR);
}

void os_peer_close(struct os_peer *peer)
{
    close((int)peer->handle);
}

int os_peer_read_input(void *bytes, size_t size, size_t *length, bool *ended)
{
    ssize_t done = read(STDIN_FILENO, bytes, size);

    *length = done > 0 ? (size_t)done : 0;
    *ended = done == 0;
    return done < 0 && errno != EAGAIN && errno != EINTR ? errno : 0;
}
