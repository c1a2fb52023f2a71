/* SPDX-License-Identifier: MIT */
/* os_connect_windows.c - looks up hosts by GetAddrInfoW(), and connects without blocking. It waits
 * for events: before Windows 10 2004, WSAPoll() does not report a failed connect. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <string.h>

#include "arena.h"
#include "os_connect.h"
#include "os_error.h"
#include "os_wide.h"

/* Stores an address. A socket for IPv6 does not connect to an IPv4 address in its mapped form. */
static void os_connect__add(struct os_addresses *found, const ADDRINFOW *info)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct os_address *address = &found->at[found->count++];
    struct sockaddr_in6 v6;
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    memcpy(address->bytes, info->ai_addr, info->ai_addrlen);
    address->length = (int)info->ai_addrlen;
    address->is_ipv4 = info->ai_family == AF_INET;
    if (info->ai_family != AF_INET6) return;
    memcpy(&v6, info->ai_addr, sizeof v6);
    if (memcmp(v6.sin6_addr.s6_addr, mapped, sizeof mapped) != 0) return;
    v4.sin_port = v6.sin6_port;
    memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + sizeof mapped, sizeof v4.sin_addr);
    memcpy(address->bytes, &v4, sizeof v4);
    address->length = sizeof v4;
    address->is_ipv4 = true;
}

void os_lookup(const char *host, const char *port, bool datagrams, struct os_addresses *found)
{
    const ADDRINFOW wanted = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    struct arena names = {0};
    ADDRINFOW *first = NULL;
    WSADATA loaded;
    int failure = WSAStartup(MAKEWORD(2, 2), &loaded);

    if (strncmp(host, "unix:", 5) == 0) failure = WSAEAFNOSUPPORT;
    const wchar_t *wide_host = os_wide(&names, host);
    const wchar_t *wide_port = wide_host ? os_wide(&names, port) : NULL;

    found->count = 0;
    if (failure == 0)
        failure =
            wide_port ? GetAddrInfoW(wide_host, wide_port, &wanted, &first) : (int)GetLastError();
    if (failure != 0) os_error_text(failure, found->why, sizeof found->why);
    for (const ADDRINFOW *info = first; info && found->count < ATTEMPTS_MAX; info = info->ai_next)
        os_connect__add(found, info);
    if (first) FreeAddrInfoW(first);
    arena_free(&names);
}

/* Opens a socket that does not block. Returns 0, or the error number. */
static int os_connect__open(struct os_attempt *attempt, int family, bool datagrams)
{
    SOCKET made = socket(family, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);

    *attempt = (struct os_attempt){.handle = (intptr_t)made};
    if (made == INVALID_SOCKET) return WSAGetLastError();
    attempt->event = WSACreateEvent();
    if (attempt->event == WSA_INVALID_EVENT) return WSAGetLastError();
    return WSAEventSelect(made, attempt->event, FD_CONNECT) == 0 ? 0 : WSAGetLastError();
}

int os_attempt_begin(struct os_attempt *attempt, const struct os_address *address, bool datagrams)
{
    struct sockaddr_storage to;

    memcpy(&to, address->bytes, (size_t)address->length);
    int os_error = os_connect__open(attempt, to.ss_family, datagrams);
    SOCKET made = (SOCKET)attempt->handle;
    if (os_error == 0 && connect(made, (const struct sockaddr *)&to, address->length) != 0)
        os_error = WSAGetLastError();
    attempt->is_connected = os_error == 0;
    if (os_error == 0 || os_error == WSAEWOULDBLOCK) return 0;
    os_attempt_close(attempt);
    return os_error;
}

/* Returns whether the attempt has ended. */
static bool os_connect__has_ended(const struct os_attempt *attempt, int *os_error)
{
    WSANETWORKEVENTS events;

    if (attempt->handle == -1) return false;
    if (WSAEnumNetworkEvents((SOCKET)attempt->handle, attempt->event, &events) != 0) {
        *os_error = WSAGetLastError();
        return true;
    }
    *os_error = events.lNetworkEvents & FD_CONNECT ? events.iErrorCode[FD_CONNECT_BIT] : 0;
    return events.lNetworkEvents != 0;
}

uint32_t os_attempts_wait(const struct os_attempt *attempts, uint32_t count, uint32_t timeout_ms,
                          int *os_error)
{
    HANDLE events[ATTEMPTS_MAX];
    DWORD used = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (attempts[i].is_connected) return i;
        if (attempts[i].handle != -1) events[used++] = attempts[i].event;
    }
    if (used == 0) return count;
    WaitForMultipleObjects(used, events, FALSE, timeout_ms == INFINITE ? INFINITE - 1 : timeout_ms);
    for (uint32_t i = 0; i < count; i++)
        if (os_connect__has_ended(&attempts[i], os_error)) return i;
    return count;
}

const char *os_connect_hint(int os_error)
{
    (void)os_error;
    return "";
}

void os_attempt_close(struct os_attempt *attempt)
{
    if (attempt->handle != -1) closesocket((SOCKET)attempt->handle);
    if (attempt->event && attempt->event != WSA_INVALID_EVENT) WSACloseEvent(attempt->event);
    *attempt = (struct os_attempt){.handle = -1};
}
