/* SPDX-License-Identifier: MIT */
/* os_peer_windows.c - the socket of `weir send`, non-blocking after the connect. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <limits.h>
#include <stdio.h>

#include "os_peer.h"

static enum os_peer_result os_peer__fail(struct os_peer *peer, int error)
{
    char message[120];
    DWORD length;

    if (error == WSAEWOULDBLOCK || error == WSAEINTR) return OS_PEER_NOT_NOW;
    length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                            (DWORD)error, MAKELANGID(LANG_ENGLISH, SUBLANG_DEFAULT), message,
                            sizeof message, NULL);
    while (length > 0 && (unsigned char)message[length - 1] <= ' ') length--;
    snprintf(peer->why, sizeof peer->why, "%.*s (error %d)", (int)length, message, error);
    return OS_PEER_FAILED;
}

static bool os_peer__connect(struct os_peer *peer, const struct addrinfo *address)
{
    SOCKET made = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    u_long yes = 1;

    /* The connect blocks: before Windows 10 2004, WSAPoll() does not report a failed connect. */
    if (made != INVALID_SOCKET && connect(made, address->ai_addr, (int)address->ai_addrlen) == 0 &&
        ioctlsocket(made, (long)FIONBIO, &yes) == 0) {
        peer->handle = (intptr_t)made;
        return true;
    }
    os_peer__fail(peer, WSAGetLastError());
    if (made != INVALID_SOCKET) closesocket(made);
    return false;
}

bool os_peer_open(struct os_peer *peer, const char *host, const char *port, bool datagrams,
                  uint32_t timeout_ms)
{
    struct addrinfo wanted = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    bool connected = false;
    WSADATA loaded;
    int failure = WSAStartup(MAKEWORD(2, 2), &loaded);

    (void)timeout_ms; /* Windows uses its own timeout, about 20 seconds */
    *peer = (struct os_peer){.handle = -1, .datagrams = datagrams};
    if (failure == 0) failure = getaddrinfo(host, port, &wanted, &addresses);
    if (failure != 0) {
        os_peer__fail(peer, failure);
        return false;
    }
    for (struct addrinfo *address = addresses; address && !connected; address = address->ai_next)
        connected = os_peer__connect(peer, address);
    freeaddrinfo(addresses);
    return connected;
}

unsigned os_peer_wait(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms)
{
    WSAPOLLFD watched = {.fd = (SOCKET)peer->handle};
    INT timeout = timeout_ms > INT_MAX ? INT_MAX : (INT)timeout_ms;
    unsigned able = wanted & OS_PEER_INPUT;

    if (wanted & OS_PEER_SEND) watched.events |= POLLOUT;
    if (wanted & OS_PEER_RECEIVE) watched.events |= POLLIN;
    /* The following send or receive reports the error. */
    if (WSAPoll(&watched, 1, able ? 0 : timeout) != 0) {
        /* Wine reports a reset here, and a normal end of the stream in recv(). */
        if (watched.revents & POLLERR) peer->broken = !peer->datagrams;
        if (watched.revents & (POLLOUT | POLLERR | POLLHUP)) able |= OS_PEER_SEND;
        if (watched.revents & (POLLIN | POLLERR | POLLHUP)) able |= OS_PEER_RECEIVE;
    }
    return able & wanted;
}

enum os_peer_result os_peer_send(struct os_peer *peer, const void *bytes, size_t length,
                                 size_t *sent)
{
    int done = send((SOCKET)peer->handle, bytes, length > INT_MAX ? INT_MAX : (int)length, 0);

    if (done < 0) return os_peer__fail(peer, WSAGetLastError());
    *sent = (size_t)done;
    return OS_PEER_DONE;
}

enum os_peer_result os_peer_receive(struct os_peer *peer, void *bytes, size_t size,
                                    size_t *received)
{
    int done = recv((SOCKET)peer->handle, bytes, size > INT_MAX ? INT_MAX : (int)size, 0);

    if (done == 0 && peer->broken) return os_peer__fail(peer, WSAECONNRESET);
    if (done < 0) return os_peer__fail(peer, WSAGetLastError());
    *received = (size_t)done;
    return done == 0 && !peer->datagrams ? OS_PEER_ENDED : OS_PEER_DONE;
}

void os_peer_finish(struct os_peer *peer)
{
    shutdown((SOCKET)peer->handle, SD_SEND);
}

void os_peer_close(struct os_peer *peer)
{
    closesocket((SOCKET)peer->handle);
}
