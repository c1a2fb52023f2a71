/* SPDX-License-Identifier: MIT */
/* win_overlapped.c - AcceptEx, ConnectEx, and overlapped I/O for the emulation. The system uses
 * an OVERLAPPED and its buffers until the port returns their packet; the caller owns both. */
#include <string.h>

#include "win_native.h"

#include "check.h"

_Static_assert(sizeof(struct win_piece) == sizeof(WSABUF), "WSABUF");
_Static_assert(offsetof(struct win_piece, bytes) == offsetof(WSABUF, buf), "WSABUF");
_Static_assert(sizeof(struct win_message) == sizeof(WSAMSG), "WSAMSG");
_Static_assert(offsetof(struct win_message, pieces) == offsetof(WSAMSG, lpBuffers), "WSAMSG");
_Static_assert(offsetof(struct win_message, control) == offsetof(WSAMSG, Control), "WSAMSG");
_Static_assert(offsetof(struct win_message, flags) == offsetof(WSAMSG, dwFlags), "WSAMSG");

static LPFN_ACCEPTEX win_overlapped__accept = AcceptEx;
static LPFN_GETACCEPTEXSOCKADDRS win_overlapped__addresses = GetAcceptExSockaddrs;
static LPFN_CONNECTEX win_overlapped__connect; /* null: a layered provider has none */
static LPFN_WSARECVMSG win_overlapped__receive_message;
static LPFN_WSASENDMSG win_overlapped__send_message;

static int win_overlapped__find(win_socket socket, GUID guid, void *function)
{
    DWORD written;

    return WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof guid, function,
                    sizeof(void *), &written, NULL, NULL) == 0
               ? 0
               : WSAGetLastError();
}

/* The exported AcceptEx serves as a fallback: a layered provider might not return a pointer. */
int win_overlapped_start(void)
{
    win_socket socket;
    int os_error = win_socket_open(true, true, false, &socket);

    if (os_error != 0) return os_error;
    (void)win_overlapped__find(socket, (GUID)WSAID_ACCEPTEX, &win_overlapped__accept);
    (void)win_overlapped__find(socket, (GUID)WSAID_GETACCEPTEXSOCKADDRS,
                               &win_overlapped__addresses);
    (void)win_overlapped__find(socket, (GUID)WSAID_CONNECTEX, &win_overlapped__connect);
    (void)win_socket_close(socket); /* of no use any longer, closed or not */
    os_error = win_socket_open(true, false, false, &socket);
    if (os_error != 0) return os_error;
    os_error =
        win_overlapped__find(socket, (GUID)WSAID_WSARECVMSG, &win_overlapped__receive_message);
    if (os_error == 0)
        os_error =
            win_overlapped__find(socket, (GUID)WSAID_WSASENDMSG, &win_overlapped__send_message);
    (void)win_socket_close(socket); /* of no use any longer, closed or not */
    return os_error;
}

/* ---- accepting ---- */

int win_overlapped_accept_post(win_socket listener, win_socket socket, uint8_t *area,
                               struct win_overlapped *overlapped)
{
    DWORD received;

    return win_overlapped__accept(listener, socket, area, 0, WIN_ACCEPT_ADDRESS_BYTES,
                                  WIN_ACCEPT_ADDRESS_BYTES, &received, (OVERLAPPED *)overlapped)
               ? 0
               : WSAGetLastError();
}

int win_overlapped_accept_finish(win_socket listener, win_socket socket, uint8_t *area,
                                 struct net_address *peer)
{
    struct sockaddr *local = NULL, *remote = NULL;
    int local_bytes = 0, remote_bytes = 0;
    struct win_sockaddr sockaddr = {0};

    if (setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener,
                   sizeof listener) != 0)
        return WSAGetLastError();
    win_overlapped__addresses(area, 0, WIN_ACCEPT_ADDRESS_BYTES, WIN_ACCEPT_ADDRESS_BYTES, &local,
                              &local_bytes, &remote, &remote_bytes);
    if (!remote || remote_bytes <= 0 || (size_t)remote_bytes > sizeof sockaddr) return WIN_EFAULT;
    memcpy(&sockaddr, remote, (size_t)remote_bytes);
    *peer = win_address_of(&sockaddr);
    return 0;
}

/* ---- connecting ---- */

int win_overlapped_connect_post(win_socket socket, bool v4, const struct net_address *to,
                                struct win_overlapped *overlapped)
{
    struct win_sockaddr sockaddr;
    int length = (int)win_sockaddr_of(to, v4, &sockaddr);

    if (!win_overlapped__connect) return WIN_EOPNOTSUPP;
    return win_overlapped__connect(socket, (const struct sockaddr *)(const void *)&sockaddr, length,
                                   NULL, 0, NULL, (OVERLAPPED *)overlapped)
               ? 0
               : WSAGetLastError();
}

int win_overlapped_connect_finish(win_socket socket)
{
    return setsockopt(socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) == 0
               ? 0
               : WSAGetLastError();
}

/* ---- sending and receiving ---- */

static int win_overlapped__outcome(int result)
{
    return result == 0 ? 0 : WSAGetLastError();
}

int win_overlapped_receive(win_socket socket, struct win_piece *piece,
                           struct win_overlapped *overlapped)
{
    DWORD flags = 0;

    return win_overlapped__outcome(
        WSARecv(socket, (WSABUF *)(void *)piece, 1, NULL, &flags, (OVERLAPPED *)overlapped, NULL));
}

int win_overlapped_send(win_socket socket, struct win_piece *piece,
                        struct win_overlapped *overlapped)
{
    return win_overlapped__outcome(
        WSASend(socket, (WSABUF *)(void *)piece, 1, NULL, 0, (OVERLAPPED *)overlapped, NULL));
}

int win_overlapped_receive_message(win_socket socket, struct win_message *message,
                                   struct win_overlapped *overlapped)
{
    return win_overlapped__outcome(win_overlapped__receive_message(
        socket, (WSAMSG *)(void *)message, NULL, (OVERLAPPED *)overlapped, NULL));
}

int win_overlapped_send_message(win_socket socket, struct win_message *message,
                                struct win_overlapped *overlapped)
{
    return win_overlapped__outcome(win_overlapped__send_message(
        socket, (WSAMSG *)(void *)message, 0, NULL, (OVERLAPPED *)overlapped, NULL));
}

void win_overlapped_cancel(win_socket socket)
{
    (void)CancelIoEx((HANDLE)socket, NULL); /* fails if nothing is pending, which is harmless */
}
