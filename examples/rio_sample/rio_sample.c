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

enum direction { RECEIVE, SEND };
enum { PACKET_NONE, PACKET_NOTIFY, PACKET_STOP }; /* of the port's packets */
enum { ENDED = 0, FAILED = 1, NO_RIO = 77 };
enum {
    EACH = 256,         /* requests a direction: a datagram that finds no receive is lost */
    BATCH = 64,         /* less than EACH, so that some are posted while a batch is handled */
    DATA_BYTES = 65536, /* 2013: 1,024, and any other length ended the batch. Now any datagram */
    ADDRESS_BYTES = 28, /* SOCKADDR_INET; the system reads and writes all of it */
    ENTRY_BYTES = DATA_BYTES + 4096, /* whole pages: a registration pins pages */
    DRAIN_MS = 10000,
};

struct slot {
    struct rio_piece data, address;
    enum direction direction;
};

static struct rio_table rio;
static SOCKET udp;
static HANDLE port;
static OVERLAPPED notified; /* what a notification's packet carries; outlives queue and port */
static bool armed;          /* true from notify until its packet is taken */
static rio_cq cq;
static rio_rq rq; /* none as soon as the socket is closed */
static struct slot slots[2 * EACH], *idle[2 * EACH];
static unsigned idle_count, out[2]; /* requests under way, by direction */
static bool deferred[2];            /* posted, not committed yet */
static unsigned echoed, dropped, lost;

/* 2013: a bare number, and exit(0). Now what failed, the number, what to do, and a code. */
static int failed(int code, const char *what, int error, const char *hint)
{
    fprintf(stderr, "rio_sample: cannot %s: error %d; %s\n", what, error, hint);
    return code;
}

/* ---- starting ---- */

static int open_socket(u_short udp_port)
{
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_port = htons(udp_port)};
    DWORD off = 0, on = 1, bytes;

    /* 2013: the published listing had lost this line, and RIOCreateRequestQueue refused the socket
     * of everybody who copied it (10045). This flag makes a socket RIO's; socket() makes none. */
    udp = WSASocketW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                     WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (udp == INVALID_SOCKET)
        return failed(FAILED, "open a UDP socket", WSAGetLastError(), "is IPv6 switched off?");
    /* 2013: IPv4 only. Now one socket for both families. */
    setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&off, sizeof off);
    setsockopt(udp, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    /* A peer that is gone is no error of this socket: SIO_UDP_CONNRESET, SIO_UDP_NETRESET. */
    WSAIoctl(udp, 0x9800000C, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    WSAIoctl(udp, 0x9800000F, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    if (bind(udp, (const struct sockaddr *)&all, sizeof all) == 0) return ENDED;
    return failed(FAILED, "take the UDP port", WSAGetLastError(),
                  "'netstat -ano -p udp' shows who has it; name another: rio_sample PORT");
}

static int load_table(void)
{
    GUID name = RIO_TABLE_GUID;
    DWORD bytes;

    rio.size = sizeof rio;
    if (WSAIoctl(udp, RIO_TABLE_IOCTL, &name, sizeof name, &rio, sizeof rio, &bytes, NULL, NULL) ==
        0)
        return ENDED;
    return failed(NO_RIO, "get Registered I/O", WSAGetLastError(),
                  "it takes Windows 8 or Server 2012 or later. Wine has none (10045); a layered "
                  "provider can stand in its way (10022): see 'netsh winsock show catalog'");
}

static int open_queues(void)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};

    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    notification.port.port = port;
    notification.port.key = (void *)(uintptr_t)PACKET_NOTIFY;
    notification.port.overlapped = &notified;
    cq = port ? rio.create_cq(2 * EACH, &notification) : RIO_NO_CQ; /* room for all that is out */
    /* Each "1" is one piece a request, all that there is: RIO neither gathers nor scatters. */
    rq = cq ? rio.create_rq(udp, EACH, 1, EACH, 1, cq, cq, NULL) : RIO_NO_RQ;
    if (rq) return ENDED;
    return failed(FAILED, "make the queues", WSAGetLastError(),
                  "10045: the socket has no WSA_FLAG_REGISTERED_IO; 10055: memory is short");
}

/* 2013: one registration of all sends, 110 MB of it. A send owns all of the registration that it
 * names: so data and address of each slot have their own, and a slot is sent as it came. */
static int register_slots(void)
{
    char *bytes =
        VirtualAlloc(NULL, sizeof slots / sizeof *slots * ENTRY_BYTES, MEM_COMMIT, PAGE_READWRITE);

    for (struct slot *slot = slots; bytes && slot < slots + 2 * EACH;
         slot++, bytes += ENTRY_BYTES) {
        slot->data.id = rio.register_buffer(bytes, DATA_BYTES);
        slot->address.id = rio.register_buffer(bytes + DATA_BYTES, ADDRESS_BYTES);
        slot->address.length = ADDRESS_BYTES;
        if (slot->data.id == RIO_NO_BUFFER || slot->address.id == RIO_NO_BUFFER) break;
        idle[idle_count++] = slot;
    }
    if (idle_count == 2 * EACH) return ENDED;
    return failed(FAILED, "lock memory", WSAGetLastError(), "lower EACH, or free memory");
}

/* ---- requests. 2013: four threads and a lock, as the queue has none. Now one thread. ---- */

/* 2013: copied into the next slice of a ring, in flight or not, beside the address that a counter
 * had come to. Now the slot goes back as it came, with the address that it came with. */
static bool post(struct slot *slot, enum direction direction, uint32_t bytes)
{
    const struct rio_piece *data = bytes > 0 ? &slot->data : NULL; /* an empty datagram */

    slot->direction = direction; /* before the call: it may be complete when that returns */
    slot->data.length = bytes;
    if (!(direction == SEND ? rio.send_ex : rio.receive_ex)(
            rq, data, data != NULL, NULL, &slot->address, NULL, NULL, RIO_DEFER, slot))
        return false; /* it is not in the queue, and will not complete */
    out[direction]++;
    return deferred[direction] = true;
}

/* 2013: every request rang the kernel's bell. Now once a batch; each direction for itself, as
 * neither carries the other's along. */
static bool commit(void)
{
    bool good = (!deferred[RECEIVE] ||
                 rio.receive_ex(rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_COMMIT_ONLY, NULL)) &&
                (!deferred[SEND] ||
                 rio.send_ex(rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_COMMIT_ONLY, NULL));

    deferred[RECEIVE] = deferred[SEND] = false;
    return good;
}

/* ---- completions ---- */

/* 2013: the status was never read. An error costs its own datagram (the peer is unreachable, memory
 * is short), or the socket was closed. It ends no server. */
static void handle(const struct rio_result *result)
{
    struct slot *slot = (struct slot *)(uintptr_t)result->request_context;
    bool good = result->status == 0;

    out[slot->direction]--;
    if (!good && rq) lost++;
    if (good && slot->direction == SEND) echoed++;
    if (good && slot->direction == RECEIVE) {
        /* Nothing is sent once the socket is closed: a dead queue is not to be touched. */
        if (rq && out[SEND] < EACH && post(slot, SEND, result->bytes)) return;
        dropped++;
    }
    idle[idle_count++] = slot;
}

/* Waits for a packet and handles a batch. Returns the packet's key; PACKET_NONE: it failed.
 * 2013: notified again before the batch was handled, which let the next thread overtake. Now after
 * it. What came in between is not missed: a queue that holds something notifies at once. */
static ULONG_PTR step(DWORD wait_ms)
{
    struct rio_result results[BATCH];
    OVERLAPPED *overlapped;
    ULONG_PTR key;
    DWORD bytes;

    if (!armed && rio.notify(cq) != 0) return PACKET_NONE;
    armed = true; /* never twice: that is an error */
    if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, wait_ms)) return PACKET_NONE;
    if (key != PACKET_NOTIFY) return key;
    armed = false;
    uint32_t count = rio.dequeue(cq, results, BATCH);
    if (count == RIO_CQ_CORRUPT) return PACKET_NONE;
    for (uint32_t i = 0; i < count; i++) handle(&results[i]); /* none is left behind */
    return key;
}

/* 2013: a receive was posted when a send was done, so a lost send cost a receive. Now as many as
 * ever are posted, whatever the sends do. */
static int serve(void)
{
    for (ULONG_PTR key = PACKET_NOTIFY; key != PACKET_STOP; key = step(INFINITE)) {
        while (key != PACKET_NONE && out[RECEIVE] < EACH &&
               post(idle[idle_count - 1], RECEIVE, DATA_BYTES))
            idle_count--;
        if (key == PACKET_NONE || out[RECEIVE] == 0 || !commit())
            return failed(FAILED, "go on", WSAGetLastError(), "start it again");
    }
    return ENDED;
}

/* ---- ending: socket, completions, completion queue, registrations; memory and port last ---- */

static int stop(void)
{
    rq = RIO_NO_RQ; /* it dies with the socket */
    closesocket(udp);
    while (out[RECEIVE] + out[SEND] > 0) /* all that was out comes back, some time later */
        if (step(DRAIN_MS) == PACKET_NONE)
            return failed(FAILED, "get all requests back", WSAGetLastError(), "report a bug");
    rio.close_cq(cq);
    for (struct slot *slot = slots; slot < slots + 2 * EACH; slot++) {
        rio.deregister(slot->data.id);
        rio.deregister(slot->address.id);
    }
    return ENDED;
}

/* On a thread of the console's. It may send a packet, no more: the queues are the main thread's. */
static BOOL WINAPI on_console(DWORD event)
{
    PostQueuedCompletionStatus(port, 0, PACKET_STOP, NULL);
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE); /* main ends it */
    return TRUE;
}

int main(int argc, char **argv)
{
    struct sockaddr_in6 local = {0};
    int local_bytes = sizeof local, code;
    WSADATA winsock;

    if ((code = WSAStartup(MAKEWORD(2, 2), &winsock)) != 0)
        return failed(FAILED, "start Winsock", code, "is there a network?");
    if ((code = open_socket((u_short)(argc > 1 ? strtoul(argv[1], NULL, 10) : 5050))) != ENDED ||
        (code = load_table()) != ENDED || (code = open_queues()) != ENDED ||
        (code = register_slots()) != ENDED)
        return code; /* the system takes back what was opened */
    SetConsoleCtrlHandler(on_console, TRUE);
    getsockname(udp, (struct sockaddr *)&local, &local_bytes);
    printf("rio_sample: echo on UDP port %d; Ctrl-C ends it\n", ntohs(local.sin6_port));
    fflush(stdout);
    code = serve();
    int stopped = stop();
    printf("rio_sample: echoed=%u dropped=%u lost=%u\n", echoed, dropped, lost);
    return code != ENDED ? code : stopped;
}
