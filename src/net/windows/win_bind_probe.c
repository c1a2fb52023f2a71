/* SPDX-License-Identifier: MIT */
/* win_bind_probe.c - tries an exclusive bind, and looks into the system's table of listening
 * sockets. An attempt to connect would take two seconds where no program listens, and disturb
 * the other program where one does. */
#include <string.h>

#include "win_native.h"

#include <iphlpapi.h>

#include "address.h"
#include "bind_probe.h"
#include "memory.h"

#define WIN_BIND_PROBE__TRIES 4 /* the table can grow between asking for its size and reading it */

/* bind() fails with WSAEACCES where the other socket is or was exclusive. */
static bool win_bind_probe__is_used(const struct net_address *address)
{
    bool v4 = address_is_v4(address);
    SOCKET made = WSASocketW(v4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    if (made == INVALID_SOCKET) return false; /* opening the listener reports why */
    int os_error = win_socket_bind(made, v4, address);
    closesocket(made);
    return os_error == WSAEADDRINUSE || os_error == WSAEACCES;
}

/* Whether a bind of the address meets a listener with this one. */
static bool win_bind_probe__meets(const struct net_address *other,
                                  const struct net_address *address)
{
    return other->port == address->port &&
           (address_is_any(other) || address_is_any(address) || address_same_ip(other, address));
}

/* Reads the table of listening sockets of one family, which the caller frees. Null: the system does
 * not have it. */
static void *win_bind_probe__read(ULONG family)
{
    DWORD bytes = 0;

    for (int tries = 0; tries < WIN_BIND_PROBE__TRIES; tries++) {
        void *table = bytes > 0 ? memory_alloc(bytes) : NULL;
        DWORD result =
            GetExtendedTcpTable(table, &bytes, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0);
        if (result == NO_ERROR && table) return table;
        memory_free(table);
        if (result != ERROR_INSUFFICIENT_BUFFER) return NULL;
    }
    return NULL;
}

static bool win_bind_probe__has_v4_listener(const struct net_address *address)
{
    MIB_TCPTABLE_OWNER_PID *table = win_bind_probe__read(AF_INET);
    bool found = !table; /* unknown counts as a listener */

    for (DWORD i = 0; table && i < table->dwNumEntries && !found; i++) {
        const MIB_TCPROW_OWNER_PID *row = &table->table[i];
        const struct net_address other =
            address_of_v4(ntohl(row->dwLocalAddr), ntohs((u_short)row->dwLocalPort));
        found = win_bind_probe__meets(&other, address);
    }
    memory_free(table);
    return found;
}

static bool win_bind_probe__has_v6_listener(const struct net_address *address)
{
    MIB_TCP6TABLE_OWNER_PID *table = win_bind_probe__read(AF_INET6);
    bool found = false; /* a system without IPv6 has no table */

    for (DWORD i = 0; table && i < table->dwNumEntries && !found; i++) {
        const MIB_TCP6ROW_OWNER_PID *row = &table->table[i];
        struct net_address other = {.port = ntohs((u_short)row->dwLocalPort)};
        memcpy(other.ip, row->ucLocalAddr, sizeof other.ip);
        found = win_bind_probe__meets(&other, address);
    }
    memory_free(table);
    return found;
}

bool bind_probe_lingers(const struct net_address *address)
{
    WSADATA loaded;

    if (WSAStartup(MAKEWORD(2, 2), &loaded) != 0) return false;
    bool lingers = win_bind_probe__is_used(address) && !win_bind_probe__has_v4_listener(address) &&
                   !win_bind_probe__has_v6_listener(address);
    WSACleanup();
    return lingers;
}
