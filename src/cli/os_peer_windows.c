/* SPDX-License-Identifier: MIT */
/* os_peer_windows.c - the connected socket of `weir send`. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <limits.h>

#include "os_error.h"
#include "os_peer.h"
#include "os_peer_input.h"
#include "os_thread.h"

static enum os_peer_result os_peer__fail(struct os_peer *peer, int error)
{
    if (error == WSAEWOULDBLOCK || error == WSAEINTR) return OS_PEER_NOT_NOW;
    os_error_text(error, peer->why, sizeof peer->why);
    return OS_PEER_FAILED;
}

bool os_peer_open(struct os_peer *peer, struct os_attempt *connected, bool datagrams)
{
    *peer = (struct os_peer){
        .handle = connected->handle, .event = connected->event, .datagrams = datagrams};
    if (WSAEventSelect((SOCKET)peer->handle, peer->event, FD_READ | FD_CLOSE) == 0) return true;
    os_peer__fail(peer, WSAGetLastError());
    os_peer_close(peer);
    return false;
}

/* Returns what the socket is ready for. Waits for it until the timeout. */
static unsigned os_peer__poll(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms)
{
    WSAPOLLFD watched = {.fd = (SOCKET)peer->handle};
    unsigned able = 0;

    if (wanted & OS_PEER_SEND) watched.events |= POLLOUT;
    if (wanted & OS_PEER_RECEIVE) watched.events |= POLLIN;
    /* The following send or receive reports the error. */
    if (WSAPoll(&watched, 1, timeout_ms > INT_MAX ? INT_MAX : (INT)timeout_ms) != 0) {
        /* Wine reports a reset here, and a normal end of the stream in recv(). */
        if (watched.revents & POLLERR) peer->broken = !peer->datagrams;
        if (watched.revents & (POLLOUT | POLLERR | POLLHUP)) able |= OS_PEER_SEND;
        if (watched.revents & (POLLIN | POLLERR | POLLHUP)) able |= OS_PEER_RECEIVE;
    }
    return able & wanted;
}

/* Returns what is ready now. */
static unsigned os_peer__ready(struct os_peer *peer, unsigned wanted)
{
    unsigned able = os_peer__poll(peer, wanted, 0);

    if (wanted & OS_PEER_INPUT) {
        HANDLE input = os_peer_input_event();
        /* Without the thread, os_peer_read_input() reports the error. */
        if (!input || WaitForSingleObject(input, 0) == WAIT_OBJECT_0) able |= OS_PEER_INPUT;
    }
    return able;
}

/* Waits until the socket can have been read from or closed, or until input is there. Returns false
 * after the deadline. */
static bool os_peer__sleep(struct os_peer *peer, unsigned wanted, uint64_t deadline_ms)
{
    HANDLE watched[2] = {peer->event, wanted & OS_PEER_INPUT ? os_peer_input_event() : NULL};
    uint64_t now_ms = os_now_ms(), left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    DWORD timeout = deadline_ms == OS_NO_DEADLINE ? INFINITE
                    : left_ms < INFINITE          ? (DWORD)left_ms
                                                  : INFINITE - 1;
    WSANETWORKEVENTS events;

    if (WaitForMultipleObjects(watched[1] ? 2 : 1, watched, FALSE, timeout) == WAIT_TIMEOUT)
        return false;
    WSAEnumNetworkEvents((SOCKET)peer->handle, peer->event, &events); /* resets the event */
    return true;
}

unsigned os_peer_wait(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms)
{
    uint64_t deadline_ms = timeout_ms == UINT32_MAX ? OS_NO_DEADLINE : os_now_ms() + timeout_ms;
    unsigned able = os_peer__ready(peer, wanted);

    if (able != 0) return able;
    /* The event does not report that the socket can be sent to if the last send took a part. */
    if (wanted & OS_PEER_SEND) return os_peer__poll(peer, wanted, timeout_ms);
    while (able == 0 && os_peer__sleep(peer, wanted, deadline_ms))
        able = os_peer__ready(peer, wanted);
    return able;
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
    WSACloseEvent(peer->event);
}

int os_peer_read_input(void *bytes, size_t size, size_t *length, bool *ended)
{
    return os_peer_input_take(bytes, size, length, ended);
}
