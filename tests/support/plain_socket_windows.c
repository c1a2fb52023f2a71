/* SPDX-License-Identifier: MIT */
/* plain_socket_windows.c - the sockets of tests, on Windows. */
#include "plain_socket.h"

#include <winsock2.h>

#include <ws2tcpip.h>
#include <windows.h>
#include <mstcpip.h>
#include <string.h>

#include "require.h"
#include "win_sockaddr.h"

#define PLAIN__CONNRESET 0x9800000Cu /* SIO_UDP_CONNRESET */

static int32_t plain__outcome(int result)
{
    if (result >= 0) return result;
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK: return PLAIN_WAIT;
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
    case WSAESHUTDOWN: return PLAIN_GONE;
    default: return PLAIN_FAILED;
    }
}

plain_socket plain_open(bool v4, bool stream, int receive_bytes)
{
    static bool started;
    WSADATA data;
    u_long on = 1;
    BOOL off = FALSE;
    DWORD written;

    if (!started) require(WSAStartup(MAKEWORD(2, 2), &data) == 0);
    started = true;
    SOCKET made = WSASocketW(v4 ? AF_INET : AF_INET6, stream ? SOCK_STREAM : SOCK_DGRAM, 0, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    require(made != INVALID_SOCKET);
    require(ioctlsocket(made, (long)FIONBIO, &on) == 0);
    if (receive_bytes > 0)
        setsockopt(made, SOL_SOCKET, SO_RCVBUF, (const char *)&receive_bytes, sizeof receive_bytes);
    if (stream) {
        const int no_delay = 1;
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, (const char *)&no_delay, sizeof no_delay);
    } else {
        WSAIoctl(made, PLAIN__CONNRESET, &off, sizeof off, NULL, 0, &written, NULL, NULL);
    }
    return (plain_socket)made;
}

void plain_close(plain_socket socket)
{
    closesocket((SOCKET)socket);
}

void plain_reset(plain_socket socket)
{
    const struct linger with_rst = {1, 0};

    setsockopt((SOCKET)socket, SOL_SOCKET, SO_LINGER, (const char *)&with_rst, sizeof with_rst);
    closesocket((SOCKET)socket);
}

bool plain_bind(plain_socket socket, bool v4, const struct net_address *address)
{
    struct win_sockaddr sockaddr;
    int length = (int)win_sockaddr_of(address, v4, &sockaddr);

    return bind((SOCKET)socket, (const struct sockaddr *)(const void *)&sockaddr, length) == 0;
}

struct net_address plain_local(plain_socket socket)
{
    struct win_sockaddr sockaddr = {0};
    int length = sizeof sockaddr;

    require(getsockname((SOCKET)socket, (struct sockaddr *)(void *)&sockaddr, &length) == 0);
    return win_address_of(&sockaddr);
}

bool plain_connect(plain_socket socket, bool v4, const struct net_address *to)
{
    struct win_sockaddr sockaddr;
    int length = (int)win_sockaddr_of(to, v4, &sockaddr);

    return connect((SOCKET)socket, (const struct sockaddr *)(const void *)&sockaddr, length) == 0 ||
           WSAGetLastError() == WSAEWOULDBLOCK;
}

/* Returns whether select() reports the socket as writable or, with `failed`, as failed. */
static bool plain__is(plain_socket socket, bool failed)
{
    struct timeval now = {0, 0};
    fd_set set;

    FD_ZERO(&set);
    FD_SET((SOCKET)socket, &set);
    return select(0, NULL, failed ? NULL : &set, failed ? &set : NULL, &now) == 1;
}

int plain_connected(plain_socket socket)
{
    if (plain__is(socket, true)) return PLAIN_GONE;
    return plain__is(socket, false) ? 0 : PLAIN_WAIT;
}

void plain_listen(plain_socket socket, int backlog)
{
    require(listen((SOCKET)socket, backlog) == 0);
}

plain_socket plain_accept(plain_socket socket)
{
    SOCKET accepted = accept((SOCKET)socket, NULL, NULL); /* non-blocking, as the listener */
    const int no_delay = 1;

    if (accepted == INVALID_SOCKET) return PLAIN_NONE;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, (const char *)&no_delay, sizeof no_delay);
    return (plain_socket)accepted;
}

int32_t plain_send(plain_socket socket, const void *bytes, uint32_t count)
{
    return plain__outcome(send((SOCKET)socket, bytes, (int)count, 0));
}

int32_t plain_receive(plain_socket socket, void *bytes, uint32_t bytes_max, bool peek)
{
    return plain__outcome(recv((SOCKET)socket, bytes, (int)bytes_max, peek ? MSG_PEEK : 0));
}

bool plain_has_failed(plain_socket socket)
{
    WSAPOLLFD poll = {.fd = (SOCKET)socket, .events = POLLWRNORM};

    return WSAPoll(&poll, 1, 0) == 1 && (poll.revents & (POLLERR | POLLHUP)) == POLLERR;
}

void plain_finish(plain_socket socket)
{
    shutdown((SOCKET)socket, SD_SEND);
}

int32_t plain_send_to(plain_socket socket, bool v4, const struct net_address *to, const void *bytes,
                      uint32_t length)
{
    struct win_sockaddr sockaddr;
    int sockaddr_length = (int)win_sockaddr_of(to, v4, &sockaddr);

    return plain__outcome(sendto((SOCKET)socket, bytes, (int)length, 0,
                                 (const struct sockaddr *)(const void *)&sockaddr,
                                 sockaddr_length));
}

bool plain_receive_from(plain_socket socket, void *bytes, uint32_t bytes_max, uint32_t *length,
                        struct net_address *from)
{
    static char whole[65536]; /* a smaller buffer would not return the datagram's whole length */
    struct win_sockaddr sockaddr = {0};
    int sockaddr_length = sizeof sockaddr;
    int got = recvfrom((SOCKET)socket, whole, sizeof whole, 0, (struct sockaddr *)(void *)&sockaddr,
                       &sockaddr_length);

    if (got < 0) return false;
    *length = (uint32_t)got;
    memcpy(bytes, whole, *length < bytes_max ? *length : bytes_max);
    if (from) *from = win_address_of(&sockaddr);
    return true;
}

bool plain_is_wine(void)
{
    HMODULE system = GetModuleHandleW(L"ntdll.dll");

    return system && GetProcAddress(system, "wine_get_version");
}

bool plain_is_windows(void)
{
    return true;
}

/* ---- files ---- */

/* Wine's GetProcessHandleCount always returns 0, and a query for all handles can crash Wine's
 * server. Therefore this function tests each possible handle number. Numbers are assigned from the
 * lowest, so it stops after many unused ones. */
static uint32_t plain__files_count_wine(void)
{
    enum { STEP = 4, FREE_STRETCH = 1000 };
    uint32_t count = 0;
    DWORD flags;

    for (uintptr_t number = STEP, free_count = 0; free_count < FREE_STRETCH; number += STEP) {
        bool is_open = GetHandleInformation((HANDLE)number, &flags);
        count += is_open;
        free_count = is_open ? 0 : free_count + 1;
    }
    return count;
}

uint32_t plain_files_count(void)
{
    DWORD count = 0;

    if (plain_is_wine()) return plain__files_count_wine();
    require(GetProcessHandleCount(GetCurrentProcess(), &count));
    require(count > 0);
    return count;
}

bool plain_limit_files(uint32_t more)
{
    return more == UINT32_MAX;
}

bool plain_is_readable(int descriptor, int patience_ms)
{
    (void)descriptor;
    (void)patience_ms;
    return false;
}
