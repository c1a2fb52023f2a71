/* SPDX-License-Identifier: MIT */
/* os_datagrams_windows.c - one system call per datagram, and WSAPoll(), which waits for whole
 * milliseconds: a shorter wait only looks. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "os_datagrams.h"

#define OS_DATAGRAMS__RECEIVE_BYTES (4 << 20)
#define OS_DATAGRAMS__ROOM_MS 100 /* wait for room in the socket's send buffer */

struct os_datagrams_watch {
    uint32_t count;
    WSAPOLLFD sockets[];
};

void os_datagrams_enlarge(const struct os_attempt *socket)
{
    int bytes = OS_DATAGRAMS__RECEIVE_BYTES;

    setsockopt((SOCKET)socket->handle, SOL_SOCKET, SO_RCVBUF, (const char *)&bytes, sizeof bytes);
}

static bool os_datagrams__has_room(SOCKET socket)
{
    WSAPOLLFD watched = {.fd = socket, .events = POLLOUT};

    return WSAPoll(&watched, 1, OS_DATAGRAMS__ROOM_MS) > 0;
}

uint32_t os_datagrams_send(const struct os_attempt *socket, const struct os_datagram *datagrams,
                           uint32_t count, int *os_error)
{
    SOCKET handle = (SOCKET)socket->handle;
    uint32_t sent = 0;

    while (sent < count) {
        const struct os_datagram *datagram = &datagrams[sent];
        if (send(handle, (const char *)datagram->bytes, (int)datagram->length, 0) >= 0) {
            sent++;
            continue;
        }
        *os_error = WSAGetLastError();
        if (*os_error != WSAEWOULDBLOCK || !os_datagrams__has_room(handle)) break;
    }
    return sent;
}

uint32_t os_datagrams_receive(const struct os_attempt *socket, struct os_datagram *datagrams,
                              uint32_t count, int *os_error)
{
    *os_error = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t room = datagrams[i].length;
        int done = recv((SOCKET)socket->handle, (char *)datagrams[i].bytes, (int)room, 0);
        if (done < 0) *os_error = WSAGetLastError();
        if (*os_error == WSAEMSGSIZE) { /* the rest is lost */
            *os_error = 0;
            done = (int)room;
        }
        if (*os_error == WSAEWOULDBLOCK) *os_error = 0;
        if (done < 0) return i;
        datagrams[i].length = (size_t)done;
    }
    return count;
}

struct os_datagrams_watch *os_datagrams_watch(const struct os_attempt *sockets, uint32_t count,
                                              struct arena *arena)
{
    struct os_datagrams_watch *watch =
        arena_alloc(arena, sizeof *watch + count * sizeof watch->sockets[0]);

    if (!watch) return NULL;
    watch->count = count;
    for (uint32_t i = 0; i < count; i++)
        watch->sockets[i] = (WSAPOLLFD){.fd = (SOCKET)sockets[i].handle, .events = POLLIN};
    return watch;
}

void os_datagrams_wait(struct os_datagrams_watch *watch, uint64_t timeout_ns)
{
    uint64_t timeout_ms = timeout_ns / 1000000;

    if (WSAPoll(watch->sockets, watch->count, (INT)timeout_ms) > 0) return;
    for (uint32_t i = 0; i < watch->count; i++) watch->sockets[i].revents = 0;
}

bool os_datagrams_is_ready(const struct os_datagrams_watch *watch, uint32_t index)
{
    return watch->sockets[index].revents != 0;
}
