/* SPDX-License-Identifier: MIT */
/* win_socket.c - opens sockets, binds them exclusively, sets options, and reads local
 * addresses. The caller owns each opened socket. */
#include <limits.h>
#include <string.h>

#include "thread_local.h"
#include "win_native.h"

#include <iphlpapi.h>
#include <mstcpip.h>

#include "address.h"
#include "address_loopback.h"
#include "memory.h"
#include "net.h"

/* Missing in mingw-w64 10; in the SDK, ws2ipdef.h and mswsock.h define them. */
#define WIN_SOCKET__UDP_CONNRESET 0x9800000Cu /* SIO_UDP_CONNRESET */
#define WIN_SOCKET__UDP_NETRESET 0x9800000Fu  /* SIO_UDP_NETRESET */
#define WIN_SOCKET__KEEPIDLE 3                /* TCP_KEEPIDLE, seconds; Windows 10 1709 */
#define WIN_SOCKET__KEEPCNT 16                /* TCP_KEEPCNT, probes; Windows 10 1703 */
#define WIN_SOCKET__KEEPINTVL 17              /* TCP_KEEPINTVL, seconds; Windows 10 1709 */
#define WIN_SOCKET__PROBES_FIXED 10u          /* of older versions, since Windows Vista */

_Static_assert(sizeof(struct win_sockaddr) == sizeof(SOCKADDR_INET), "SOCKADDR_INET");
_Static_assert(offsetof(struct win_sockaddr, v6) == offsetof(struct sockaddr_in6, sin6_addr),
               "sockaddr_in6");
_Static_assert(offsetof(struct win_sockaddr, scope) == offsetof(struct sockaddr_in6, sin6_scope_id),
               "sockaddr_in6");
_Static_assert(offsetof(struct win_sockaddr, v4_or_flow) == offsetof(struct sockaddr_in, sin_addr),
               "sockaddr_in");

static int win_socket__outcome(int result)
{
    return result == 0 ? 0 : WSAGetLastError();
}

/* Sets an optional option: failure is ignored. */
static void win_socket__try_option(win_socket socket, int level, int name, int value)
{
    (void)setsockopt(socket, level, name, (const char *)&value, sizeof value);
}

static void win_socket__try_off(win_socket socket, DWORD what)
{
    BOOL off = FALSE;
    DWORD written;

    (void)WSAIoctl(socket, what, &off, sizeof off, NULL, 0, &written, NULL, NULL);
}

/* ---- open, close ---- */

int win_socket_open(bool v4, bool stream, bool registered, win_socket *opened)
{
    DWORD flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;

    if (registered) flags |= WSA_FLAG_REGISTERED_IO;
    *opened = WSASocketW(v4 ? AF_INET : AF_INET6, stream ? SOCK_STREAM : SOCK_DGRAM,
                         stream ? IPPROTO_TCP : IPPROTO_UDP, NULL, 0, flags);
    return *opened == INVALID_SOCKET ? WSAGetLastError() : 0;
}

int win_socket_close(win_socket socket)
{
    int type, length = sizeof type;

    if (closesocket(socket) == 0) return 0;
    int os_error = WSAGetLastError();
    /* A socket that is gone must not be closed again: its number can belong to another one by then.
     */
    if (os_error == WSAENOTSOCK) return 0;
    bool is_gone = getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &length) != 0 &&
                   WSAGetLastError() == WSAENOTSOCK;
    return is_gone ? 0 : os_error;
}

void win_socket_reset_on_close(win_socket socket)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof at_once);
}

int win_socket_send_backlog(win_socket socket, uint32_t *bytes)
{
    const DWORD query = 0x4004747B; /* SIO_IDEAL_SEND_BACKLOG_QUERY: _IOR('t', 123, ULONG) */
    ULONG backlog = 0;
    DWORD written = 0;

    if (WSAIoctl(socket, query, NULL, 0, &backlog, sizeof backlog, &written, NULL, NULL) != 0)
        return WSAGetLastError();
    *bytes = backlog;
    return 0;
}

int win_socket_bind(win_socket socket, bool v4, const struct net_address *address)
{
    struct win_sockaddr sockaddr;
    uint32_t length = win_sockaddr_of(address, v4, &sockaddr);
    const int on = 1, off = 0;

    /* Without SO_EXCLUSIVEADDRUSE another program could take over the port. */
    int os_error = win_socket__outcome(
        setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on));
    if (os_error == 0 && !v4)
        os_error = win_socket__outcome(
            setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&off, sizeof off));
    if (os_error != 0) return os_error;
    return win_socket__outcome(
        bind(socket, (const struct sockaddr *)(const void *)&sockaddr, (int)length));
}

int win_socket_listen(win_socket socket, uint32_t backlog)
{
    /* A negative number is a hint that may exceed the usual bound (SOMAXCONN_HINT, Windows 8). */
    int hint = backlog > 65535 ? SOMAXCONN : -(int)backlog;

    if (listen(socket, hint) == 0) return 0;
    return win_socket__outcome(listen(socket, SOMAXCONN));
}

int win_socket_local(win_socket socket, struct net_address *address)
{
    struct win_sockaddr sockaddr = {0};
    int length = sizeof sockaddr;
    int os_error =
        win_socket__outcome(getsockname(socket, (struct sockaddr *)(void *)&sockaddr, &length));

    if (os_error == 0) *address = win_address_of(&sockaddr);
    return os_error;
}

int win_socket_finish(win_socket socket)
{
    return win_socket__outcome(shutdown(socket, SD_SEND));
}

bool win_socket_is_stream(win_socket socket)
{
    int type = 0, length = sizeof type;

    return getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &length) == 0 &&
           type == SOCK_STREAM;
}

/* ---- options ---- */

static bool win_socket__set(win_socket socket, int level, int name, uint32_t value)
{
    return setsockopt(socket, level, name, (const char *)&value, sizeof value) == 0;
}

/* Ten probes, whose number cannot be set: they are closer together, so that a dead peer is noticed
 * after the same time. */
static void win_socket__keep_alive_fixed(win_socket socket, uint32_t keepalive_ms)
{
    struct tcp_keepalive values = {.onoff = 1,
                                   .keepalivetime = keepalive_ms,
                                   .keepaliveinterval = keepalive_ms / WIN_SOCKET__PROBES_FIXED};
    DWORD bytes;

    if (values.keepaliveinterval == 0) values.keepaliveinterval = 1;
    WSAIoctl(socket, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &bytes, NULL, NULL);
}

/* The same as on Linux, in whole seconds. */
static void win_socket__keep_alive(win_socket socket, uint32_t keepalive_ms)
{
    const uint32_t probes = NET_KEEPALIVE_PROBES;
    uint32_t idle_s = (keepalive_ms + 999u) / 1000u, between_s = (idle_s + probes - 1) / probes;

    if (keepalive_ms == 0) return;
    if (!win_socket__set(socket, IPPROTO_TCP, WIN_SOCKET__KEEPIDLE, idle_s) ||
        !win_socket__set(socket, IPPROTO_TCP, WIN_SOCKET__KEEPINTVL, between_s) ||
        !win_socket__set(socket, IPPROTO_TCP, WIN_SOCKET__KEEPCNT, probes) ||
        !win_socket__set(socket, SOL_SOCKET, SO_KEEPALIVE, 1))
        win_socket__keep_alive_fixed(socket, keepalive_ms);
}

void win_socket_stream_options(win_socket socket, uint32_t keepalive_ms)
{
    win_socket__keep_alive(socket, keepalive_ms);
    win_socket__try_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    /* Urgent bytes stay in the stream (RFC 6093 section 5). */
    win_socket__try_option(socket, SOL_SOCKET, SO_OOBINLINE, 1);
}

void win_socket_datagram_options(win_socket socket, bool v4, uint32_t bytes)
{
    int size = bytes > INT_MAX ? INT_MAX : (int)bytes;

    win_socket__try_off(socket, WIN_SOCKET__UDP_CONNRESET);
    win_socket__try_off(socket, WIN_SOCKET__UDP_NETRESET);
    win_socket__try_option(socket, SOL_SOCKET, SO_RCVBUF, size);
    win_socket__try_option(socket, SOL_SOCKET, SO_SNDBUF, size);
    win_socket__try_option(socket, IPPROTO_IP, IP_PKTINFO, 1);
    if (!v4) win_socket__try_option(socket, IPPROTO_IPV6, IPV6_PKTINFO, 1);
}

/* ---- addresses of this machine ---- */

#define WIN_SOCKET__LOCAL_MAX 256u
#define WIN_SOCKET__REFRESH_NS UINT64_C(1000000000)
#define WIN_SOCKET__LIST_BYTES (64u * 1024)

struct win_socket__local {
    struct net_address addresses[WIN_SOCKET__LOCAL_MAX];
    uint32_t count;
    uint64_t refresh_at_ns;
};

/* Reads this machine's addresses. Returns false if the system cannot list them now. */
static bool win_socket__read_local(struct win_socket__local *local)
{
    ULONG bytes = WIN_SOCKET__LIST_BYTES;
    IP_ADAPTER_ADDRESSES *list = memory_alloc(bytes);
    const ULONG leave_out = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST |
                            GAA_FLAG_SKIP_DNS_SERVER | GAA_FLAG_SKIP_FRIENDLY_NAME;

    if (!list || GetAdaptersAddresses(AF_UNSPEC, leave_out, NULL, list, &bytes) != NO_ERROR) {
        memory_free(list);
        return false;
    }
    local->count = 0;
    for (const IP_ADAPTER_ADDRESSES *at = list; at; at = at->Next)
        for (const IP_ADAPTER_UNICAST_ADDRESS *one = at->FirstUnicastAddress; one;
             one = one->Next) {
            struct win_sockaddr sockaddr = {0};
            if (local->count == WIN_SOCKET__LOCAL_MAX) break;
            memcpy(&sockaddr, one->Address.lpSockaddr,
                   (size_t)one->Address.iSockaddrLength < sizeof sockaddr
                       ? (size_t)one->Address.iSockaddrLength
                       : sizeof sockaddr);
            local->addresses[local->count++] = win_address_of(&sockaddr);
        }
    memory_free(list);
    return true;
}

bool win_socket_is_local_ip(const struct net_address *address, uint64_t now_ns)
{
    static THREAD_LOCAL struct win_socket__local local;

    if (address_is_loopback(address)) return true;
    if (now_ns >= local.refresh_at_ns) {
        /* If the list is unavailable, assume a local address. Dropping one answer is better than
         * a datagram that two local sockets answer forever. */
        if (!win_socket__read_local(&local)) return true;
        local.refresh_at_ns = now_ns + WIN_SOCKET__REFRESH_NS;
    }
    for (uint32_t i = 0; i < local.count; i++)
        if (address_same_ip(&local.addresses[i], address)) return true;
    return local.count == WIN_SOCKET__LOCAL_MAX; /* the list might be cut: assume local, as above */
}
