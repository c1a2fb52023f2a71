/* SPDX-License-Identifier: MIT */
/* win_native.c - implements struct win_system with Windows's API: start, completion ports, the RIO
 * table. Sockets are in win_socket.c, overlapped I/O in win_overlapped.c. The caller owns each port
 * and socket that it opens. */
#include "win_native.h"

#include "clock.h"

#define WIN_NATIVE__PAUSE_MS 1   /* while the kernel is out of memory */
#define WIN_NATIVE__POSTS_MAX 16 /* tries to post one packet */

_Static_assert(sizeof(win_socket) == sizeof(SOCKET), "SOCKET");
_Static_assert(sizeof(win_port) == sizeof(HANDLE), "HANDLE");
_Static_assert(sizeof(struct win_overlapped) >= sizeof(OVERLAPPED), "OVERLAPPED");
_Static_assert(offsetof(struct win_overlapped, bytes) == offsetof(OVERLAPPED, InternalHigh),
               "OVERLAPPED");
_Static_assert(offsetof(struct win_overlapped, event) == offsetof(OVERLAPPED, hEvent),
               "OVERLAPPED");
_Static_assert(sizeof(struct win_packet) == sizeof(OVERLAPPED_ENTRY), "OVERLAPPED_ENTRY");
_Static_assert(offsetof(struct win_packet, overlapped) == offsetof(OVERLAPPED_ENTRY, lpOverlapped),
               "OVERLAPPED_ENTRY");
_Static_assert(offsetof(struct win_packet, bytes) ==
                   offsetof(OVERLAPPED_ENTRY, dwNumberOfBytesTransferred),
               "OVERLAPPED_ENTRY");

/* ---- start ---- */

static INIT_ONCE win_native__once = INIT_ONCE_STATIC_INIT;
static int win_native__start_error;

static BOOL CALLBACK win_native__start_once(INIT_ONCE *once, void *argument, void **context)
{
    WSADATA data;

    (void)once;
    (void)argument;
    (void)context;
    win_native__start_error = WSAStartup(MAKEWORD(2, 2), &data); /* no WSACleanup: ends at exit */
    if (win_native__start_error == 0) win_native__start_error = win_overlapped_start();
    return TRUE;
}

static int win_native__start(struct net_simulation *simulation)
{
    (void)simulation;
    InitOnceExecuteOnce(&win_native__once, win_native__start_once, NULL, NULL);
    return win_native__start_error;
}

static int win_native__load_rio(win_socket socket, struct rio_table *table, uint32_t *bytes)
{
    GUID guid = RIO_TABLE_GUID;
    DWORD written = 0;
    int result = WSAIoctl(socket, RIO_TABLE_IOCTL, &guid, sizeof guid, table, sizeof *table,
                          &written, NULL, NULL);

    *bytes = written;
    return result == 0 ? 0 : WSAGetLastError();
}

/* ---- ports ---- */

static int win_native__port_open(win_port *port)
{
    *port = (win_port)CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    return *port == WIN_NO_PORT ? (int)GetLastError() : 0;
}

static void win_native__port_close(win_port port)
{
    (void)CloseHandle((HANDLE)port); /* fails if another part of the process has closed it */
}

/* Returns whether the port is gone: then its calls always fail. */
static bool win_native__is_gone(DWORD os_error)
{
    return os_error == ERROR_INVALID_HANDLE || os_error == ERROR_ABANDONED_WAIT_0;
}

static int win_native__port_post(win_port port, uintptr_t key, struct win_overlapped *overlapped)
{
    DWORD os_error = 0;

    /* A pause after each failure, since the kernel might be short of memory only for a moment. */
    for (int tries = 0; tries < WIN_NATIVE__POSTS_MAX; tries++) {
        if (PostQueuedCompletionStatus((HANDLE)port, 0, key, (OVERLAPPED *)overlapped)) return 0;
        os_error = GetLastError();
        if (win_native__is_gone(os_error)) break;
        Sleep(WIN_NATIVE__PAUSE_MS);
    }
    return os_error != 0 ? (int)os_error : WIN_ENOBUFS;
}

/* Returns the wait in milliseconds, rounded up so that it never ends before the deadline. */
static DWORD win_native__timeout_ms(uint64_t until_ns)
{
    if (until_ns == WIN_FOREVER) return INFINITE;
    if (until_ns == 0) return 0;
    uint64_t now_ns = clock_now_ns();
    if (until_ns <= now_ns) return 0;
    uint64_t ms = (until_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
    return ms > INT32_MAX ? INT32_MAX : (DWORD)ms;
}

static int win_native__port_wait(win_port port, struct win_packet *packets, uint32_t packets_max,
                                 uint64_t until_ns, uint32_t *count)
{
    ULONG taken = 0;
    bool good =
        GetQueuedCompletionStatusEx((HANDLE)port, (OVERLAPPED_ENTRY *)(void *)packets, packets_max,
                                    &taken, win_native__timeout_ms(until_ns), FALSE) != 0;
    DWORD os_error = good ? 0 : GetLastError();

    *count = good ? taken : 0;
    if (os_error == 0 || os_error == WAIT_TIMEOUT) return 0;
    if (win_native__is_gone(os_error)) return (int)os_error;
    Sleep(WIN_NATIVE__PAUSE_MS); /* so that a shortage of memory causes no busy loop */
    return 0;
}

/* Returns whether the socket's handle is a kernel handle. A layered provider's handle might produce
 * packets in spite of FILE_SKIP_COMPLETION_PORT_ON_SUCCESS. */
static bool win_native__is_plain(win_socket socket)
{
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof info;

    return getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes) == 0 &&
           (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
}

static int win_native__port_watch(win_port port, win_socket socket, uintptr_t key, bool *skips)
{
    if (!CreateIoCompletionPort((HANDLE)socket, (HANDLE)port, key, 0)) return (int)GetLastError();
    if (*skips)
        *skips = win_native__is_plain(socket) &&
                 SetFileCompletionNotificationModes((HANDLE)socket,
                                                    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    return 0;
}

/* ---- the table ---- */

static int win_native__last_error(void)
{
    return WSAGetLastError();
}

static void win_native__set_last_error(int os_error)
{
    WSASetLastError(os_error);
}

static const struct win_system win_native__system = {
    .start = win_native__start,
    .clock_ns = clock_now_ns,
    .load_rio = win_native__load_rio,
    .is_local_ip = win_socket_is_local_ip,
    .port_open = win_native__port_open,
    .port_close = win_native__port_close,
    .port_post = win_native__port_post,
    .port_wait = win_native__port_wait,
    .port_watch = win_native__port_watch,
    .socket_open = win_socket_open,
    .socket_close = win_socket_close,
    .socket_bind = win_socket_bind,
    .socket_listen = win_socket_listen,
    .socket_local = win_socket_local,
    .socket_finish = win_socket_finish,
    .socket_reset_on_close = win_socket_reset_on_close,
    .socket_is_stream = win_socket_is_stream,
    .send_backlog = win_socket_send_backlog,
    .stream_options = win_socket_stream_options,
    .datagram_options = win_socket_datagram_options,
    .accept_post = win_overlapped_accept_post,
    .accept_finish = win_overlapped_accept_finish,
    .connect_post = win_overlapped_connect_post,
    .connect_finish = win_overlapped_connect_finish,
    .receive = win_overlapped_receive,
    .send = win_overlapped_send,
    .receive_message = win_overlapped_receive_message,
    .send_message = win_overlapped_send_message,
    .cancel = win_overlapped_cancel,
    .last_error = win_native__last_error,
    .set_last_error = win_native__set_last_error,
};

const struct win_system *const win_system = &win_native__system;
