/* SPDX-License-Identifier: MIT */
/* os_ask_limits_windows.c - questions about costs and limits, resizing, threads, binding, and the
 * local address of datagrams. Each question runs in a process of its own, which owns what it opens
 * until it ends. */
#include "os_ask.h"

#include <string.h>

#include "os_desk.h"

/* ---- costs and limits ---- */

enum {
    ASK__REGISTRATIONS = 256,
    ASK__QUEUES = 64,
    ASK__REGION_BYTES = 1024 * 1024,
    ASK__REGIONS_MAX = 256, /* this machine has other programs, too */
    ASK__REGIONS_MIN = 64,  /* weir needs at least that many for a large server */
    ASK__CQ_SIZE = 65536,
};

enum os_answer ask_costs(void)
{
    rio_buffer_id ids[ASK__REGISTRATIONS];
    char *bytes = VirtualAlloc(NULL, (size_t)ASK__REGISTRATIONS * DESK_BUFFER_BYTES, MEM_COMMIT,
                               PAGE_READWRITE);
    double began = desk_now_ms();

    desk_must(bytes != NULL, "allocate");
    for (size_t i = 0; i < ASK__REGISTRATIONS; i++) {
        ids[i] = desk.rio.register_buffer(bytes + i * DESK_BUFFER_BYTES, DESK_BUFFER_BYTES);
        desk_must(ids[i] != RIO_NO_BUFFER, "register a buffer");
    }
    double registered = desk_now_ms();
    for (int i = 0; i < ASK__REGISTRATIONS; i++) desk.rio.deregister(ids[i]);
    double deregistered = desk_now_ms();
    rio_cq queue = desk_open_cq(ASK__CQ_SIZE);
    double opened = desk_now_ms();
    desk_must(queue != RIO_NO_CQ, "create a large completion queue");
    for (int i = 0; i < ASK__QUEUES; i++) {
        SOCKET any = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);
        desk_must(desk.rio.create_rq(any, 64, 1, 64, 1, queue, queue, NULL) != RIO_NO_RQ,
                  "create a request queue");
    }
    desk_say("a registration of 64 KiB %.1f us, its end %.1f us; a completion queue of %d entries "
             "%.1f us; a socket with a request queue of 128 requests %.1f us",
             (registered - began) * 1000 / ASK__REGISTRATIONS,
             (deregistered - registered) * 1000 / ASK__REGISTRATIONS, ASK__CQ_SIZE,
             (opened - deregistered) * 1000, (desk_now_ms() - opened) * 1000 / ASK__QUEUES);
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_limits(void)
{
    int count = 0;
    DWORD code = 0;

    while (count < ASK__REGIONS_MAX) {
        char *bytes = VirtualAlloc(NULL, ASK__REGION_BYTES, MEM_COMMIT, PAGE_READWRITE);
        if (!bytes) {
            code = GetLastError();
            break;
        }
        if (desk.rio.register_buffer(bytes, ASK__REGION_BYTES) == RIO_NO_BUFFER) {
            code = (DWORD)WSAGetLastError();
            break;
        }
        count++;
    }
    desk_say("registered %d times 1 MiB of %d that were tried", count, ASK__REGIONS_MAX);
    if (count < ASK__REGIONS_MAX) {
        desk_say("; the next one: ");
        desk_say_code((int)code);
    }
    return count >= ASK__REGIONS_MIN ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

/* ---- resizing ---- */

enum os_answer ask_resize_armed(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;

    desk_must(desk_post_receive(pair.rq, 0, 100, 0), "post a receive");
    desk_must(desk.rio.notify(desk.cq) == 0, "ask for a notification");
    desk_say("while a receive is pending and the notification armed: RIOResizeCompletionQueue ");
    bool grown = desk_say_call(desk.rio.resize_cq(desk.cq, 2 * DESK_CQ_SIZE) != 0);
    desk_say(", RIOResizeRequestQueue ");
    grown &=
        desk_say_call(desk.rio.resize_rq(pair.rq, 2 * DESK_RECEIVES_MAX, 2 * DESK_SENDS_MAX) != 0);
    desk_peer_sends(&pair, 10);
    bool packet = desk_await_packet(DESK_SOON_MS);
    bool came = desk_await_result(&result, DESK_SOON_MS);
    desk_say("; a datagram: %s packet, ", packet ? "a" : "NO");
    desk_say_result(came, &result);
    return grown && packet && came && result.status == 0 ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

/* ---- threads ---- */

#define ASK__COMMITS 100

static struct ask__committer {
    rio_rq rq;
    volatile LONG due; /* 1: commit; -1: end */
    double ms;         /* spent in the calls */
    int failures;
} ask__committer;

static void ask__commit(void)
{
    double began = desk_now_ms();

    if (!desk.rio.send(ask__committer.rq, NULL, 0, RIO_COMMIT_ONLY, NULL))
        ask__committer.failures++;
    ask__committer.ms += desk_now_ms() - began;
}

static DWORD WINAPI ask__commit_when_due(void *unused)
{
    (void)unused;
    for (;;) {
        LONG due = InterlockedCompareExchange(&ask__committer.due, 2, 1);
        if (due == -1) return 0;
        if (due != 1) continue;
        ask__commit();
        InterlockedExchange(&ask__committer.due, 0);
    }
}

/* Sends deferred datagrams, each with a commit on this thread or the other. Prints the times. */
static bool ask__say_commits(const struct desk_pair *pair, bool other)
{
    struct rio_result result;
    int came = 0;
    double began = desk_now_ms();

    ask__committer.ms = 0;
    ask__committer.failures = 0;
    for (int i = 0; i < ASK__COMMITS; i++) {
        desk_must(desk_post_send(pair->rq, 0, 10, RIO_DEFER), "post a deferred send");
        if (other) {
            InterlockedExchange(&ask__committer.due, 1);
            while (ask__committer.due != 0) YieldProcessor();
        } else {
            ask__commit();
        }
        came += desk_await_result(&result, DESK_SOON_MS);
    }
    desk_say("by %s thread %.2f us in the call, %.2f us in all, %d failed, %d of %d completed",
             other ? "another" : "the same", ask__committer.ms * 1000 / ASK__COMMITS,
             (desk_now_ms() - began) * 1000 / ASK__COMMITS, ask__committer.failures, came,
             ASK__COMMITS);
    return came == ASK__COMMITS && ask__committer.failures == 0;
}

enum os_answer ask_other_thread(void)
{
    struct desk_pair pair = desk_open_datagrams();
    HANDLE thread = CreateThread(NULL, 0, ask__commit_when_due, NULL, 0, NULL);

    desk_must(thread != NULL, "start a thread");
    desk_must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                      sizeof pair.peer_address) == 0,
              "connect");
    ask__committer.rq = pair.rq;
    desk_say("a commit of one send: ");
    bool good = ask__say_commits(&pair, false);
    desk_say("; ");
    good &= ask__say_commits(&pair, true);
    InterlockedExchange(&ask__committer.due, -1);
    WaitForSingleObject(thread, DESK_SOON_MS);
    return good ? OS_ANSWER_ANSWERS : OS_ANSWER_DIFFERS;
}

/* ---- binding ---- */

/* Binds another exclusive socket to the address. Returns 0 or the error number. */
static int ask__bind_exclusively(const struct sockaddr_in *address)
{
    SOCKET any = desk_open_flagged(SOCK_STREAM, DESK_RIO_SOCKET);
    const int on = 1;

    setsockopt(any, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    int code =
        bind(any, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : WSAGetLastError();
    closesocket(any);
    return code;
}

/* Opens an exclusive listener and one connection of it, and closes the listener. */
static SOCKET ask__open_lingering(struct sockaddr_in *address, SOCKET *client)
{
    const int on = 1;
    SOCKET listener = desk_open_flagged(SOCK_STREAM, DESK_RIO_SOCKET);

    setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    *address = desk_bind_to_loopback(listener);
    desk_must(listen(listener, 8) == 0, "listen");
    *client = desk_bounded(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    desk_must(connect(*client, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    SOCKET accepted = accept(listener, NULL, NULL);
    desk_must(accepted != INVALID_SOCKET, "accept");
    closesocket(listener);
    return accepted;
}

enum os_answer ask_exclusive_bind(void)
{
    struct sockaddr_in address;
    SOCKET client, accepted = ask__open_lingering(&address, &client);
    char byte;

    desk_say("an exclusive bind to the port of a closed listener, its connection established: ");
    desk_say_code(ask__bind_exclusively(&address));
    shutdown(accepted, SD_SEND); /* this side closes first, and keeps TIME_WAIT */
    (void)recv(client, &byte, 1, 0);
    closesocket(client);
    (void)recv(accepted, &byte, 1, 0);
    closesocket(accepted);
    double began = desk_now_ms();
    int code = ask__bind_exclusively(&address);
    desk_say("; in TIME_WAIT: ");
    desk_say_code(code);
    while (code != 0 && desk_now_ms() < began + DESK_SOON_MS)
        code = ask__bind_exclusively(&address);
    desk_say(code == 0 ? ", possible after %.0f ms" : ", still so after %.0f ms",
             desk_now_ms() - began);
    return OS_ANSWER_ANSWERS; /* weir tries again for a while */
}

/* ---- overlapped calls ---- */

enum os_answer ask_calls_without_queue(void)
{
    static char bytes[100], got[100];
    static OVERLAPPED sending, receiving;
    struct sockaddr_in address;
    SOCKET listener = desk_open_listener(WSA_FLAG_OVERLAPPED, &address);
    SOCKET flagged = desk_open_flagged(SOCK_STREAM, DESK_RIO_SOCKET);
    WSABUF buffer = {.len = sizeof bytes, .buf = bytes};
    DWORD count, flags = 0;

    desk_must(connect(flagged, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
    SOCKET peer = desk_bounded(accept(listener, NULL, NULL));
    sending.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    receiving.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    desk_say("WSASend on a socket with the flag and no request queue: ");
    desk_say_call(WSASend(flagged, &buffer, 1, &count, 0, &sending, NULL) == 0);
    desk_say(", the peer got %d bytes", recv(peer, got, sizeof got, 0));
    desk_say("; WSARecv: ");
    desk_say_call(WSARecv(flagged, &buffer, 1, &count, &flags, &receiving, NULL) == 0);
    desk_must(send(peer, "answer", 6, 0) == 6, "send from the peer");
    desk_say(", it %s",
             desk_await_overlapped(&receiving, DESK_SOON_MS) ? "completed" : "did not complete");
    return OS_ANSWER_ANSWERS; /* weir makes no such call */
}

/* ---- the local address of datagrams ---- */

/* Writes a RIO_CMSG_BUFFER with one IP_PKTINFO. Returns its length. All parts are aligned to the
 * size of a pointer. */
static uint32_t ask__put_source(char *control, u_long source)
{
    IN_PKTINFO info = {.ipi_addr.s_addr = source};
    WSACMSGHDR header = {
        .cmsg_len = sizeof header + sizeof info, .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    ULONG total = (ULONG)(sizeof(void *) + sizeof header + sizeof info);

    memset(control, 0, total);
    memcpy(control, &total, sizeof total);
    memcpy(control + sizeof(void *), &header, sizeof header);
    memcpy(control + sizeof(void *) + sizeof header, &info, sizeof info);
    return total;
}

/* Receives a datagram with its control messages. Returns whether they name the local address. */
static bool ask__say_received(const struct desk_pair *pair)
{
    struct rio_result result;
    struct rio_piece data = desk_piece(0, 0, 100), control = desk_piece(1, 0, 256);
    const char *bytes = desk.memory + DESK_BUFFER_BYTES;
    WSACMSGHDR header;
    IN_PKTINFO info;
    ULONG total;

    memset(desk.memory + DESK_BUFFER_BYTES, 0, 256);
    desk_must(desk.rio.receive_ex(pair->rq, &data, 1, NULL, NULL, &control, NULL, 0, NULL) != 0,
              "post a receive with a control piece");
    desk_peer_sends(pair, 10);
    bool came = desk_await_result(&result, DESK_SOON_MS);
    memcpy(&total, bytes, sizeof total);
    memcpy(&header, bytes + sizeof(void *), sizeof header);
    memcpy(&info, bytes + sizeof(void *) + sizeof header, sizeof info);
    desk_say("a receive: ");
    desk_say_result(came, &result);
    desk_say(", TotalLength %lu", total);
    if (total < sizeof(void *) + sizeof header + sizeof info) return false;
    desk_say(", message level %d type %d, address 0x%08lX", header.cmsg_level, header.cmsg_type,
             (unsigned long)ntohl(info.ipi_addr.s_addr));
    return came && header.cmsg_level == IPPROTO_IP && header.cmsg_type == IP_PKTINFO &&
           info.ipi_addr.s_addr == htonl(INADDR_LOOPBACK);
}

enum os_answer ask_local_address(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_piece control = desk_piece(DESK_SENDS_BUFFER, 0, 0);
    char *control_bytes = desk.memory + (size_t)DESK_SENDS_BUFFER * DESK_BUFFER_BYTES;
    struct rio_result result;
    struct sockaddr_in from = {0};
    int from_bytes = sizeof from;
    const int on = 1;
    char got[200];

    desk_must(setsockopt(pair.socket, IPPROTO_IP, IP_PKTINFO, (const char *)&on, sizeof on) == 0,
              "set IP_PKTINFO");
    bool named = ask__say_received(&pair);
    control.length = ask__put_source(control_bytes, htonl(INADDR_LOOPBACK));
    desk_say("; a send with IP_PKTINFO: ");
    desk_say_call(
        desk_post_send_to(&pair, 2, 100, &pair.peer_address, DESK_SENDS_BUFFER, &control));
    bool came = desk_await_result(&result, DESK_SOON_MS);
    int bytes = recvfrom(pair.peer, got, sizeof got, 0, (struct sockaddr *)&from, &from_bytes);
    desk_say(", ");
    desk_say_result(came, &result);
    desk_say("; the peer got %d bytes from 0x%08lX", bytes,
             (unsigned long)ntohl(from.sin_addr.s_addr));
    return named && came && result.status == 0 && bytes == 100 ? OS_ANSWER_CONFIRMS
                                                               : OS_ANSWER_DIFFERS;
}
