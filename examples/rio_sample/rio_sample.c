/* SPDX-License-Identifier: MIT */
/* rio_sample.c - the Registered I/O sample of 2013, UDP echo on port 5050, with its defects mended.
 *
 *      rio_sample [PORT]
 *
 * One thread owns the queues, and with them every slot: room for one datagram and its address.
 *
 *              receive                  a datagram came               its send is done
 *      IDLE ------------> RECEIVING --------------------> SENDING --------------------> IDLE
 *                             |   an error came, or too many sends are out                ^
 *                             +-----------------------------------------------------------+
 *
 * From the request until its completion is dequeued a slot's memory is the system's. A comment that
 * begins with "2013:" names what the old sample did in that place.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rio_table.h"

enum {
    RECEIVES = 256, /* posted at any time: a datagram that finds none is lost without a trace */
    SENDS = 256,
    SLOTS = RECEIVES + SENDS,
    BATCH = 64,         /* less than RECEIVES, so that some are posted while a batch is handled */
    DATA_BYTES = 65536, /* 2013: 1,024, and any other length ended the batch. Now any datagram */
    ADDRESS_BYTES = 28, /* SOCKADDR_INET; the system reads and writes all of it */
    SLOT_BYTES = DATA_BYTES + 4096, /* whole pages: a registration pins pages */
    DRAIN_MS = 10000,
};

enum { PACKET_NONE, PACKET_NOTIFY, PACKET_STOP };

/* 2013: exit(0), whatever had happened. */
enum { ENDED = 0, FAILED = 1, WRONG_USAGE = 64, CANNOT_START = 69, NO_RIO = 77 };

struct slot {
    struct rio_piece data;
    struct rio_piece address;
    bool sending;
};

static struct rio_table rio;
static SOCKET udp = INVALID_SOCKET;
static HANDLE port;
static OVERLAPPED notified; /* what a notification's packet carries; outlives queue and port */
static rio_cq cq;
static rio_rq rq;    /* none as soon as the socket is closed */
static bool armed;   /* true from notify until its packet is taken */
static char *memory; /* SLOTS times SLOT_BYTES */
static struct slot slots[SLOTS], *idle[SLOTS];
static unsigned slots_count, idle_count, receiving, sending;
static bool receives_deferred, sends_deferred; /* not committed yet */
static unsigned long long echoed, dropped, lost;

/* ---- errors ---- */

static const char *error_name(int error)
{
    switch (error) {
    case 0: return "no number says more";
    case WSAEACCES: return "WSAEACCES";
    case WSAEINVAL: return "WSAEINVAL";
    case WSAEOPNOTSUPP: return "WSAEOPNOTSUPP";
    case WSAEAFNOSUPPORT: return "WSAEAFNOSUPPORT";
    case WSAEADDRINUSE: return "WSAEADDRINUSE";
    case WSAENOBUFS: return "WSAENOBUFS";
    default: return "a Windows or Winsock error";
    }
}

/* 2013: a bare number. Now what failed, the number, its name, and what to do. */
static int failed(int code, const char *what, int error, const char *hint)
{
    fprintf(stderr, "rio_sample: cannot %s: error %d (%s); %s\n", what, error, error_name(error),
            hint);
    return code;
}

/* ---- starting ---- */

static int open_socket(u_short udp_port)
{
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_port = htons(udp_port)};
    DWORD v6_only = 0, exclusive = 1, off = 0, bytes = 0;

    /* 2013: the published listing had lost this line, and RIOCreateRequestQueue refused the socket
     * of everybody who copied it. This flag alone makes a socket RIO's; socket() makes none. */
    udp = WSASocketW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                     WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    /* 2013: IPv4 only. Now one socket for both. */
    if (udp == INVALID_SOCKET ||
        setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&v6_only, sizeof v6_only) != 0)
        return failed(CANNOT_START, "open a UDP socket for IPv6 and IPv4", WSAGetLastError(),
                      "is IPv6 switched off?");
    /* Nobody may take the port from us; and a peer that has left is no error of this socket. These
     * are best effort: 0x9800000C is SIO_UDP_CONNRESET, 0x9800000F SIO_UDP_NETRESET. */
    setsockopt(udp, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&exclusive, sizeof exclusive);
    WSAIoctl(udp, 0x9800000C, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    WSAIoctl(udp, 0x9800000F, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    if (bind(udp, (const struct sockaddr *)&all, sizeof all) != 0)
        return failed(CANNOT_START, "take the UDP port", WSAGetLastError(),
                      "'netstat -ano -p udp' shows who has it; name another: rio_sample PORT");
    return ENDED;
}

static int load_table(void)
{
    GUID name = RIO_TABLE_GUID;
    DWORD bytes = 0;

    rio.size = sizeof rio;
    if (WSAIoctl(udp, RIO_TABLE_IOCTL, &name, sizeof name, &rio, sizeof rio, &bytes, NULL, NULL))
        return failed(
            NO_RIO, "get Registered I/O", WSAGetLastError(),
            "it takes Windows 8 or Server 2012 or later. Wine has none (10045); a layered "
            "provider can stand in its way (10022): see 'netsh winsock show catalog'");
    if (bytes < sizeof rio || !rio.receive_ex || !rio.send_ex || !rio.create_cq || !rio.close_cq ||
        !rio.create_rq || !rio.dequeue || !rio.notify || !rio.register_buffer || !rio.deregister)
        return failed(NO_RIO, "get all of Registered I/O", WSAEOPNOTSUPP,
                      "a layered provider may have cut it: see 'netsh winsock show catalog'");
    return ENDED;
}

static int open_queues(void)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};

    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (!port) return failed(CANNOT_START, "open a port", (int)GetLastError(), "memory is short");
    notification.port.port = port;
    notification.port.key = (void *)(uintptr_t)PACKET_NOTIFY;
    notification.port.overlapped = &notified;
    cq = rio.create_cq(SLOTS, &notification); /* room for all that can be out: it never overflows */
    if (cq == RIO_NO_CQ)
        return failed(CANNOT_START, "create a completion queue", WSAGetLastError(),
                      "10055: memory is short");
    /* Each "1" is one piece a request, all that there is: RIO neither gathers nor scatters. */
    rq = rio.create_rq(udp, RECEIVES, 1, SENDS, 1, cq, cq, NULL);
    if (rq == RIO_NO_RQ)
        return failed(CANNOT_START, "create a request queue", WSAGetLastError(),
                      "10045: the socket was not opened with WSA_FLAG_REGISTERED_IO; 10055: the "
                      "completion queue has no room left, or memory is short");
    return ENDED;
}

/* 2013: one registration of all sends. A send owns the whole registration that it names, until it
 * is done: so data and address of each slot have their own, and a slot is sent as it came. */
static int register_slots(void)
{
    memory = VirtualAlloc(NULL, (size_t)SLOTS * SLOT_BYTES, MEM_COMMIT, PAGE_READWRITE);
    if (!memory)
        return failed(CANNOT_START, "allocate", (int)GetLastError(), "lower RECEIVES and SENDS");
    while (slots_count < SLOTS) {
        struct slot *slot = &slots[slots_count];
        char *bytes = memory + (size_t)slots_count * SLOT_BYTES;

        slot->data.id = rio.register_buffer(bytes, DATA_BYTES);
        slot->address.id = RIO_NO_BUFFER;
        slot->address.length = ADDRESS_BYTES;
        slots_count++; /* from here on stop() deregisters it; it passes over what has no id */
        if (slot->data.id != RIO_NO_BUFFER)
            slot->address.id = rio.register_buffer(bytes + DATA_BYTES, ADDRESS_BYTES);
        if (slot->address.id == RIO_NO_BUFFER)
            return failed(CANNOT_START, "lock the buffers in memory", WSAGetLastError(),
                          "lower RECEIVES and SENDS, or free memory");
        idle[idle_count++] = slot;
    }
    return ENDED;
}

/* ---- requests. 2013: four threads and a lock, as the queue has none. Now one thread. ---- */

/* A refused request is not in the queue and will not complete. But if the error says that it is
 * under way, the slot stays the system's: better lost than written into by two. */
static bool is_posted(rio_bool good)
{
    return good || WSAGetLastError() == WSA_IO_PENDING;
}

static bool post_receive(struct slot *slot)
{
    slot->sending = false; /* before the call: it may be complete when the call returns */
    slot->data.length = DATA_BYTES;
    if (!is_posted(
            rio.receive_ex(rq, &slot->data, 1, NULL, &slot->address, NULL, NULL, RIO_DEFER, slot)))
        return false;
    receiving++;
    return receives_deferred = true;
}

/* 2013: copied into the next slice of a ring, in flight or not, beside the address that a counter
 * had come to. Now the slot goes back as it came, with the address that it came with. */
static bool post_send(struct slot *slot, uint32_t bytes)
{
    slot->sending = true;
    slot->data.length = bytes;
    if (!is_posted(rio.send_ex(rq, bytes > 0 ? &slot->data : NULL, bytes > 0, NULL, &slot->address,
                               NULL, NULL, RIO_DEFER, slot)))
        return false;
    sending++;
    return sends_deferred = true;
}

/* 2013: a receive was posted when a send was done, so a lost send cost a receive. Now as many as
 * ever are posted, whatever the sends do. False: there is none, and nothing would ever wake us. */
static bool refill(void)
{
    while (receiving < RECEIVES && idle_count > 0 && post_receive(idle[idle_count - 1]))
        idle_count--;
    return receiving > 0;
}

/* 2013: every request rang the kernel's bell. Now once a batch; each direction for itself, as
 * neither carries the other's along. */
static bool commit(void)
{
    if (receives_deferred &&
        !rio.receive_ex(rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_COMMIT_ONLY, NULL))
        return false;
    if (sends_deferred && !rio.send_ex(rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_COMMIT_ONLY, NULL))
        return false;
    receives_deferred = sends_deferred = false;
    return true;
}

/* ---- completions ---- */

/* 2013: the status was never read. An error costs its own datagram (the peer is unreachable, the
 * answer too long for its path, memory short), or the socket was closed. It ends no server. */
static void handle(const struct rio_result *result)
{
    struct slot *slot = (struct slot *)(uintptr_t)result->request_context;
    bool good = result->status == 0 && result->bytes <= DATA_BYTES;

    if (!good && rq) lost++;
    if (slot->sending) {
        sending--;
        if (good) echoed++;
    } else {
        receiving--;
        /* Nothing is sent once the socket is closed: a dead request queue is not to be touched. */
        if (good && rq && sending < SENDS && post_send(slot, result->bytes)) return;
        if (good) dropped++;
    }
    idle[idle_count++] = slot;
}

/* How many; RIO_CQ_CORRUPT: the queue is lost, which only a bug of ours can bring about. */
static uint32_t dequeue(void)
{
    struct rio_result results[BATCH];
    uint32_t count = rio.dequeue(cq, results, BATCH);

    if (count == RIO_CQ_CORRUPT) return count;
    for (uint32_t i = 0; i < count; i++) handle(&results[i]); /* every one: none is left behind */
    return count;
}

/* 2013: before the batch was handled, which let the next thread overtake. Now after it. What came
 * in between is not missed: a queue that holds something notifies at once. */
static int arm(void)
{
    int error = armed ? 0 : rio.notify(cq); /* never twice: that is an error */

    armed = error == 0 || error == WSAEALREADY;
    return armed ? 0 : error;
}

/* The key of the next packet; PACKET_NONE: none came in time. */
static ULONG_PTR next_packet(DWORD wait_ms)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *overlapped = NULL;

    if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, wait_ms) && !overlapped)
        return PACKET_NONE;
    if (key == PACKET_NOTIFY) armed = false;
    return key;
}

static int serve(void)
{
    for (;;) {
        if (!refill() || !commit())
            return failed(FAILED, "post requests", WSAGetLastError(), "start it again");
        int error = arm();
        if (error) return failed(FAILED, "be notified", error, "start it again");
        ULONG_PTR key = next_packet(INFINITE);
        if (key == PACKET_STOP) return ENDED;
        if (key == PACKET_NONE)
            return failed(FAILED, "wait", (int)GetLastError(), "start it again");
        if (dequeue() == RIO_CQ_CORRUPT)
            return failed(FAILED, "read the completion queue", 0, "it is corrupt: report a bug");
    }
}

/* ---- ending: socket, completions, completion queue, registrations, memory, port ---- */

/* Every request that was out when the socket closed still comes back, some time later. */
static bool drain(void)
{
    while (receiving + sending > 0) {
        uint32_t count = dequeue();

        if (count == RIO_CQ_CORRUPT) return false;
        if (count == 0 && (arm() != 0 || next_packet(DRAIN_MS) == PACKET_NONE)) return false;
    }
    return true;
}

static int stop(void)
{
    rq = RIO_NO_RQ; /* it dies with the socket */
    if (udp != INVALID_SOCKET) closesocket(udp);
    if (!drain()) {
        fprintf(stderr, "rio_sample: %u requests never came back; their memory is left alone\n",
                receiving + sending);
        return FAILED;
    }
    if (cq) rio.close_cq(cq);
    for (unsigned i = 0; i < slots_count; i++) {
        rio.deregister(slots[i].data.id);
        rio.deregister(slots[i].address.id);
    }
    if (memory) VirtualFree(memory, 0, MEM_RELEASE);
    if (port) CloseHandle(port);
    WSACleanup();
    return ENDED;
}

/* On a thread of the console's. It may send a packet, no more: the queues are the main thread's. */
static BOOL WINAPI on_console(DWORD event)
{
    PostQueuedCompletionStatus(port, 0, PACKET_STOP, NULL);
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE); /* the window closes: the process dies when this returns, or main does */
    return TRUE;
}

int main(int argc, char **argv)
{
    struct sockaddr_in6 local = {0};
    int local_bytes = sizeof local, code, stopped;
    WSADATA winsock;
    char *end = NULL;
    unsigned long udp_port = argc > 1 ? strtoul(argv[1], &end, 10) : 5050;

    if (argc > 2 || (end && (end == argv[1] || *end != '\0')) || udp_port > 65535) {
        fprintf(stderr, "rio_sample: usage: rio_sample [PORT], PORT from 0 (any) to 65535\n");
        return WRONG_USAGE;
    }
    if ((code = WSAStartup(MAKEWORD(2, 2), &winsock)) != 0)
        return failed(CANNOT_START, "start Winsock", code, "is there a network?");
    if ((code = open_socket((u_short)udp_port)) == ENDED && (code = load_table()) == ENDED &&
        (code = open_queues()) == ENDED && (code = register_slots()) == ENDED) {
        SetConsoleCtrlHandler(on_console, TRUE);
        getsockname(udp, (struct sockaddr *)&local, &local_bytes);
        printf("rio_sample: echo on UDP port %d; Ctrl-C ends it\n", ntohs(local.sin6_port));
        fflush(stdout);
        code = serve();
        SetConsoleCtrlHandler(on_console, FALSE); /* before the port goes that it posts to */
    }
    stopped = stop();
    if (code == ENDED || code == FAILED)
        printf("rio_sample: echoed=%llu dropped=%llu lost=%llu\n", echoed, dropped, lost);
    return code != ENDED ? code : stopped;
}
