/* SPDX-License-Identifier: MIT */
/* os_peer_linux.c - the non-blocking socket of `weir send`, and waiting for stdin. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os_error.h"
#include "os_peer.h"

static int os_peer__timeout(uint32_t timeout_ms)
{
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

static enum os_peer_result os_peer__fail(struct os_peer *peer, int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return OS_PEER_NOT_NOW;
    const char *hint = os_connect_hint(error);
    os_error_text(error, peer->why, sizeof peer->why);
    size_t used = strlen(peer->why);
    snprintf(peer->why + used, sizeof peer->why - used, "%s%s", hint[0] ? "; " : "", hint);
    return OS_PEER_FAILED;
}

bool os_peer_open(struct os_peer *peer, struct os_attempt *connected, bool datagrams)
{
    *peer = (struct os_peer){.handle = connected->handle, .datagrams = datagrams};
    return true;
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
