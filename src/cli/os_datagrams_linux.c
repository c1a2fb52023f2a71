/* SPDX-License-Identifier: MIT */
/* os_datagrams_linux.c - sendmmsg(), recvmmsg() and ppoll(). */
#include "os_datagrams.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define OS_DATAGRAMS__RECEIVE_BYTES (4 << 20)
#define OS_DATAGRAMS__ROOM_MS 100 /* wait for room in the socket's send buffer */

struct os_datagrams_watch {
    uint32_t count;
    struct pollfd sockets[];
};

void os_datagrams_enlarge(const struct os_attempt *socket)
{
    int bytes = OS_DATAGRAMS__RECEIVE_BYTES;

    setsockopt((int)socket->handle, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void os_datagrams__fill(const struct os_datagram *datagrams, uint32_t count,
                               struct mmsghdr messages[OS_DATAGRAMS_MAX],
                               struct iovec parts[OS_DATAGRAMS_MAX])
{
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){datagrams[i].bytes, datagrams[i].length};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

/* Waits for room in the send buffer. Returns false if there is none for some time. */
static bool os_datagrams__has_room(int socket)
{
    struct pollfd watched = {.fd = socket, .events = POLLOUT};

    return poll(&watched, 1, OS_DATAGRAMS__ROOM_MS) > 0;
}

uint32_t os_datagrams_send(const struct os_attempt *socket, const struct os_datagram *datagrams,
                           uint32_t count, int *os_error)
{
    struct mmsghdr messages[OS_DATAGRAMS_MAX];
    struct iovec parts[OS_DATAGRAMS_MAX];
    uint32_t sent = 0;

    os_datagrams__fill(datagrams, count, messages, parts);
    while (sent < count) {
        int done = sendmmsg((int)socket->handle, messages + sent, count - sent, MSG_NOSIGNAL);
        if (done > 0) {
            sent += (uint32_t)done;
            continue;
        }
        *os_error = errno;
        if (errno == EINTR) continue;
        if (errno != EAGAIN || !os_datagrams__has_room((int)socket->handle)) break;
    }
    return sent;
}

uint32_t os_datagrams_receive(const struct os_attempt *socket, struct os_datagram *datagrams,
                              uint32_t count, int *os_error)
{
    struct mmsghdr messages[OS_DATAGRAMS_MAX];
    struct iovec parts[OS_DATAGRAMS_MAX];

    *os_error = 0;
    os_datagrams__fill(datagrams, count, messages, parts);
    int done = recvmmsg((int)socket->handle, messages, count, MSG_DONTWAIT, NULL);
    if (done < 0 && errno != EAGAIN && errno != EINTR) *os_error = errno;
    for (int i = 0; i < done; i++) datagrams[i].length = messages[i].msg_len;
    return done > 0 ? (uint32_t)done : 0;
}

struct os_datagrams_watch *os_datagrams_watch(const struct os_attempt *sockets, uint32_t count,
                                              struct arena *arena)
{
    struct os_datagrams_watch *watch =
        arena_alloc(arena, sizeof *watch + count * sizeof watch->sockets[0]);

    if (!watch) return NULL;
    watch->count = count;
    for (uint32_t i = 0; i < count; i++)
        watch->sockets[i] = (struct pollfd){.fd = (int)sockets[i].handle, .events = POLLIN};
    return watch;
}

void os_datagrams_wait(struct os_datagrams_watch *watch, uint64_t timeout_ns)
{
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                               .tv_nsec = (long)(timeout_ns % 1000000000)};

    if (ppoll(watch->sockets, watch->count, &timeout, NULL) > 0) return;
    for (uint32_t i = 0; i < watch->count; i++) watch->sockets[i].revents = 0;
}

bool os_datagrams_is_ready(const struct os_datagrams_watch *watch, uint32_t index)
{
    return watch->sockets[index].revents != 0;
}
