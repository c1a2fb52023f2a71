/* SPDX-License-Identifier: MIT */
/* os_ask_sockets_windows.c - questions about other calls on a socket of RIO, accepting, and
 * segmented datagrams. Each question runs in a process of its own, which owns what it opens until
 * it ends. */
#include "os_ask.h"

#include <stdlib.h>
#include <string.h>

#include "os_desk.h"

/* Declarations that differ between toolchains. */
#define ASK__UDP_SEND_MSG_SIZE 2      /* an option of IPPROTO_UDP, and a control message */
#define ASK__UDP_RECV_MAX_COALESCED 3 /* an option of IPPROTO_UDP */
#define ASK__TF_REUSE_SOCKET 2u

/* ---- questions: other calls on a RIO socket ---- */

enum os_answer ask_plain_calls(void)
{
    struct desk_pair pair = desk_open_stream();
    char bytes[16] = "mixed", got[16];
    WSABUF buffer = {.len = 5, .buf = bytes};
    DWORD count = 0, flags = 0;
    OVERLAPPED sending = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    OVERLAPPED receiving = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};

    desk_say("WSASend on a socket with a request queue: ");
    desk_say_call(WSASend(pair.socket, &buffer, 1, &count, 0, &sending, NULL) == 0);
    desk_say(", the peer got %d bytes", recv(pair.peer, got, sizeof got, 0));
    buffer.len = sizeof bytes;
    desk_say("; WSARecv: ");
    desk_say_call(WSARecv(pair.socket, &buffer, 1, &count, &flags, &receiving, NULL) == 0);
    desk_must(send(pair.peer, "answer", 6, 0) == 6, "send from the peer");
    bool came = desk_await_overlapped(&receiving, DESK_SOON_MS);

    desk_say(", it %s", came ? "completed with " : "did not complete");
    if (came)
        desk_say("%lu bytes, status 0x%08lX", (unsigned long)receiving.InternalHigh,
                 (unsigned long)receiving.Internal);
    TerminateProcess(GetCurrentProcess(),
                     OS_ANSWER_ANSWERS); /* the kernel may still write to this stack */
    return OS_ANSWER_ANSWERS;
}

struct accepted {
    SOCKET listener, socket, client;
    struct sockaddr_in address;
};

static void *ask__extension(SOCKET any, GUID name)
{
    void *function = NULL;
    DWORD bytes;

    desk_must(WSAIoctl(any, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &function,
                       sizeof function, &bytes, NULL, NULL) == 0,
              "find an extension function");
    return function;
}

static void ask__accept_client(struct accepted *accepted)
{
    static char area[2 * (sizeof(SOCKADDR_INET) + 16)];
    static OVERLAPPED overlapped;
    GUID name = WSAID_ACCEPTEX;
    void *found = ask__extension(accepted->listener, name);
    LPFN_ACCEPTEX accept_ex;
    DWORD bytes;

    memcpy(&accept_ex, &found, sizeof accept_ex);
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    desk_must(accept_ex(accepted->listener, accepted->socket, area, 0, sizeof area / 2,
                        sizeof area / 2, &bytes, &overlapped) ||
                  WSAGetLastError() == WSA_IO_PENDING,
              "post an accept");
    accepted->client = desk_bounded(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    desk_must(connect(accepted->client, (const struct sockaddr *)&accepted->address,
                      sizeof accepted->address) == 0,
              "connect");
    desk_must(desk_await_overlapped(&overlapped, DESK_SOON_MS), "accept");
    desk_must(setsockopt(accepted->socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                         (const char *)&accepted->listener, sizeof accepted->listener) == 0,
              "set SO_UPDATE_ACCEPT_CONTEXT");
}

static struct accepted ask__open_accepted(DWORD listener_flags)
{
    struct accepted accepted = {.socket = desk_open_flagged(SOCK_STREAM, DESK_RIO_SOCKET)};

    accepted.listener = desk_open_listener(listener_flags, &accepted.address);
    ask__accept_client(&accepted);
    return accepted;
}

enum os_answer ask_plain_listener(void)
{
    bool came[2] = {false, false};

    for (int flagged = 1; flagged >= 0; flagged--) {
        struct accepted accepted =
            ask__open_accepted(flagged ? DESK_RIO_SOCKET : WSA_FLAG_OVERLAPPED);
        rio_rq rq = desk.rio.create_rq(accepted.socket, 1, 1, 1, 1, desk.cq, desk.cq, NULL);
        struct rio_result result;

        desk_say("%slistener %s the flag: RIOCreateRequestQueue ", flagged ? "" : "; ",
                 flagged ? "with" : "WITHOUT");
        if (!desk_say_call(rq != RIO_NO_RQ)) continue;
        desk_say(", RIOReceive ");
        if (!desk_say_call(desk_post_receive(rq, flagged, 100, 0))) continue;
        desk_must(send(accepted.client, "hello", 5, 0) == 5, "send from the client");
        came[flagged] = desk_await_result(&result, DESK_SOON_MS);
        desk_say(", ");
        desk_say_result(came[flagged], &result);
    }
    return came[1] && !came[0] ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_plain_accept(void)
{
    static const DWORD flags[] = {DESK_RIO_SOCKET, WSA_FLAG_OVERLAPPED};

    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address;
        SOCKET listener = desk_open_listener(flags[i], &address);
        SOCKET client = desk_bounded(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));

        desk_must(connect(client, (const struct sockaddr *)&address, sizeof address) == 0,
                  "connect");
        SOCKET accepted = accept(listener, NULL, NULL);

        desk_must(accepted != INVALID_SOCKET, "accept");
        desk_say("%saccept() on a listener %s the flag: RIOCreateRequestQueue ", i == 0 ? "" : "; ",
                 i == 0 ? "with" : "without");
        desk_say_call(desk.rio.create_rq(accepted, 1, 1, 1, 1, desk.cq, desk.cq, NULL) !=
                      RIO_NO_RQ);
    }
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_reuse(void)
{
    static OVERLAPPED overlapped;
    struct accepted accepted = ask__open_accepted(DESK_RIO_SOCKET);
    struct rio_result result;
    GUID name = WSAID_DISCONNECTEX;
    void *found = ask__extension(accepted.listener, name);
    LPFN_DISCONNECTEX disconnect;
    rio_rq rq = desk_open_rq(accepted.socket);

    memcpy(&disconnect, &found, sizeof disconnect);
    closesocket(accepted.client);
    desk_must(desk_post_receive(rq, 0, 100, 0) && desk_await_result(&result, DESK_SOON_MS),
              "see the client leave");
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    desk_say("DisconnectEx to use the socket again: ");
    bool good = disconnect(accepted.socket, &overlapped, ASK__TF_REUSE_SOCKET, 0) != 0;

    if (!desk_say_call(good) && WSAGetLastError() != WSA_IO_PENDING) return OS_ANSWER_ANSWERS;
    if (!good && !desk_await_overlapped(&overlapped, DESK_SOON_MS)) {
        desk_say(", not done within %d ms", DESK_SOON_MS);
        return OS_ANSWER_ANSWERS;
    }
    ask__accept_client(&accepted);
    desk_say("; accepted again; a second request queue: ");
    desk_say_call(desk.rio.create_rq(accepted.socket, 1, 1, 1, 1, desk.cq, desk.cq, NULL) !=
                  RIO_NO_RQ);
    desk_say("; a receive by the first one: ");
    if (!desk_say_call(desk_post_receive(rq, 1, 100, 0))) return OS_ANSWER_ANSWERS;
    desk_must(send(accepted.client, "hello", 5, 0) == 5, "send from the client");
    desk_say(", ");
    desk_say_result(desk_await_result(&result, DESK_SOON_MS), &result);
    return OS_ANSWER_ANSWERS;
}

/* ---- questions: segmentation of datagrams ---- */

/* Writes a RIO_CMSG_BUFFER with one DWORD; returns its length. All parts are aligned to the size of
 * a pointer. */
static uint32_t ask__put_control(char *control, int type, DWORD value)
{
    WSACMSGHDR header = {
        .cmsg_len = sizeof header + sizeof value, .cmsg_level = IPPROTO_UDP, .cmsg_type = type};
    ULONG total = (ULONG)(sizeof(void *) + sizeof header + sizeof(void *));

    memset(control, 0, total);
    memcpy(control, &total, sizeof total);
    memcpy(control + sizeof(void *), &header, sizeof header);
    memcpy(control + sizeof(void *) + sizeof header, &value, sizeof value);
    return total;
}

enum os_answer ask_segments_out(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;
    struct rio_piece control = desk_piece(DESK_SENDS_BUFFER, 0, 0);
    char got[4000];
    int bytes;

    control.length = ask__put_control(desk.memory + (size_t)DESK_SENDS_BUFFER * DESK_BUFFER_BYTES,
                                      ASK__UDP_SEND_MSG_SIZE, 1000);
    desk_say("RIOSendEx of 2500 bytes with the control message UDP_SEND_MSG_SIZE 1000: ");
    desk_say_call(
        desk_post_send_to(&pair, 0, 2500, &pair.peer_address, DESK_SENDS_BUFFER, &control));
    bool came = desk_await_result(&result, DESK_SOON_MS);

    desk_say(", ");
    desk_say_result(came, &result);
    desk_say("; the peer got datagrams of");
    while ((bytes = recv(pair.peer, got, sizeof got, 0)) >= 0) desk_say(" %d", bytes);
    desk_say(" bytes");
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_segments_in(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;
    struct rio_piece data = desk_piece(0, 0, DESK_BUFFER_BYTES), control = desk_piece(1, 0, 256);
    const char *bytes = desk.memory + DESK_BUFFER_BYTES;
    DWORD most = 60000;
    ULONG total;
    WSACMSGHDR header;

    desk_say("UDP_RECV_MAX_COALESCED_SIZE on a RIO socket: ");
    desk_say_call(setsockopt(pair.socket, IPPROTO_UDP, ASK__UDP_RECV_MAX_COALESCED,
                             (const char *)&most, sizeof most) == 0);
    desk_say("; RIOReceiveEx with a control piece: ");
    if (!desk_say_call(
            desk.rio.receive_ex(pair.rq, &data, 1, NULL, NULL, &control, NULL, 0, NULL) != 0))
        return OS_ANSWER_ANSWERS;
    desk_peer_sends(&pair, 100);
    bool came = desk_await_result(&result, DESK_SOON_MS);

    memcpy(&total, bytes, sizeof total);
    memcpy(&header, bytes + sizeof(void *), sizeof header);
    desk_say(", ");
    desk_say_result(came, &result);
    desk_say("; TotalLength %lu", total);
    if (total >= sizeof(void *) + sizeof header)
        desk_say(", first message level %d type %d", header.cmsg_level, header.cmsg_type);
    return OS_ANSWER_ANSWERS;
}
