/* SPDX-License-Identifier: MIT */
/* rio_sample.c - the Registered I/O sample of 2013 with its defects fixed: UDP echo on port 5050.
 *
 *      rio_sample [PORT]
 *
 * One thread owns the queues and all slots. A slot has memory for one datagram and its address.
 *
 *              receive                  datagram received             send completed
 *      IDLE ------------> RECEIVING --------------------> SENDING --------------------> IDLE
 *                             |   error, or too many pending sends                        ^
 *                             +-----------------------------------------------------------+
 *
 * The system owns a slot's memory from the request until its completion is dequeued. A comment that
 * begins with "2013:" describes the defect of the old sample.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rio_table.h"

enum direction { RECEIVE, SEND };
enum { PACKET_NONE, PACKET_NOTIFY, PACKET_STOP }; /* completion keys */
enum { ENDED = 0, FAILED = 1, NO_RIO = 77 };
enum {
    EACH = 256,         /* requests per direction: without a posted receive a datagram is lost */
    BATCH = 64,         /* less than EACH, so that receives stay posted while a batch is handled */
    DATA_BYTES = 65536, /* 2013: 1,024, and any other length ended the batch */
    ADDRESS_BYTES = 28, /* SOCKADDR_INET; the system reads and writes all bytes */
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
static OVERLAPPED notified; /* identifies the notification's packets; outlives queue and port */
static bool armed;          /* true from notify until its packet is taken */
static rio_cq cq;
static rio_rq rq; /* RIO_NO_RQ after the socket is closed */
static struct slot slots[2 * EACH], *idle[2 * EACH];
static unsigned idle_count, out[2]; /* out: pending requests per direction */
static bool deferred[2];            /* posted, not committed yet */
static unsigned echoed, dropped, lost;

/* 2013: printed only a number and called exit(0). Now the message has the failed step, the number
 * and a remedy, and the exit code differs. */
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

    /* 2013: the published listing lacks this line, so RIOCreateRequestQueue fails with 10045. The
     * flag enables RIO on the socket; socket() cannot set it. */
    udp = WSASocketW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                     WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (udp == INVALID_SOCKET)
        return failed(FAILED, "open a UDP socket", WSAGetLastError(), "is IPv6 switched off?");
    /* 2013: IPv4 only. Now one socket serves both families. */
    setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&off, sizeof off);
    setsockopt(udp, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    /* Unreachable peers cause no socket errors: SIO_UDP_CONNRESET, SIO_UDP_NETRESET. */
    WSAIoctl(udp, 0x9800000C, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    WSAIoctl(udp, 0x9800000F, &off, sizeof off, NULL, 0, &bytes, NULL, NULL);
    if (bind(udp, (const struct sockaddr *)&all, sizeof all) == 0) return ENDED;
    return failed(FAILED, "take the UDP port", WSAGetLastError(),
                  "'netstat -ano -p udp' lists the programs; use another port: rio_sample PORT");
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
                  "it needs Windows 8 or Server 2012 or later. Wine does not have it (10045); a "
                  "layered provider can block it (10022): see 'netsh winsock show catalog'");
}

static int open_queues(void)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};

    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    notification.port.port = port;
    notification.port.key = (void *)(uintptr_t)PACKET_NOTIFY;
    notification.port.overlapped = &notified;
    cq = port ? rio.create_cq(2 * EACH, &notification) : RIO_NO_CQ; /* room for all requests */
    /* Each "1" is the number of pieces per request. RIO has no vectored I/O. */
    rq = cq ? rio.create_rq(udp, EACH, 1, EACH, 1, cq, cq, NULL) : RIO_NO_RQ;
    if (rq) return ENDED;
    return failed(FAILED, "make the queues", WSAGetLastError(),
                  "10045: the socket has no WSA_FLAG_REGISTERED_IO; 10055: memory is exhausted");
}

/* 2013: one registration of 110 MB for all sends. A pending send owns its whole registration, so
 * the data and the address of each slot have separate ones. A received slot can be sent as it is.
 */
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

/* ---- requests. 2013: four threads and a lock, since the queue has none. Now one thread. ---- */

/* 2013: copied the data to the next slice of a ring, even if it was in flight, and sent it to the
 * address that a counter selected. Now the slot is sent with the address that it received. */
static bool post(struct slot *slot, enum direction direction, uint32_t bytes)
{
    const struct rio_piece *data = bytes > 0 ? &slot->data : NULL; /* an empty datagram */

    slot->direction = direction; /* before the call, since the request might complete in it */
    slot->data.length = bytes;
    if (!(direction == SEND ? rio.send_ex : rio.receive_ex)(
            rq, data, data != NULL, NULL, &slot->address, NULL, NULL, RIO_DEFER, slot))
        return false; /* the request is not in the queue and does not complete */
    out[direction]++;
    return deferred[direction] = true;
}

/* 2013: one system call per request. Now one per batch and direction; a commit starts only the
 * requests of its direction. */
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

/* 2013: ignored the status. An error loses one datagram (unreachable peer, memory exhausted), or
 * the socket was closed. The server continues. */
static void handle(const struct rio_result *result)
{
    struct slot *slot = (struct slot *)(uintptr_t)result->request_context;
    bool good = result->status == 0;

    out[slot->direction]--;
    if (!good && rq) lost++;
    if (good && slot->direction == SEND) echoed++;
    if (good && slot->direction == RECEIVE) {
        /* A request queue must not be used after its socket is closed. */
        if (rq && out[SEND] < EACH && post(slot, SEND, result->bytes)) return;
        dropped++;
    }
    idle[idle_count++] = slot;
}

/* Waits for a packet and handles a batch. Returns the packet's key, or PACKET_NONE after a failure.
 * 2013: called notify before it handled the batch, so another thread could overtake. Now it calls
 * notify afterwards. No completion is missed: a queue with results notifies immediately. */
static ULONG_PTR step(DWORD wait_ms)
{
    struct rio_result results[BATCH];
    OVERLAPPED *overlapped;
    ULONG_PTR key;
    DWORD bytes;

    if (!armed && rio.notify(cq) != 0) return PACKET_NONE;
    armed = true; /* a second call would fail */
    if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, wait_ms)) return PACKET_NONE;
    if (key != PACKET_NOTIFY) return key;
    armed = false;
    uint32_t count = rio.dequeue(cq, results, BATCH);
    if (count == RIO_CQ_CORRUPT) return PACKET_NONE;
    for (uint32_t i = 0; i < count; i++) handle(&results[i]);
    return key;
}

/* 2013: posted a receive after each send, so a lost send also lost a receive. Now EACH receives are
 * posted, independent of sends. */
static int serve(void)
{
    for (ULONG_PTR key = PACKET_NOTIFY; key != PACKET_STOP; key = step(INFINITE)) {
        while (key != PACKET_NONE && out[RECEIVE] < EACH &&
               post(idle[idle_count - 1], RECEIVE, DATA_BYTES))
            idle_count--;
        if (key == PACKET_NONE || out[RECEIVE] == 0 || !commit())
            return failed(FAILED, "continue", WSAGetLastError(), "start it again");
    }
    return ENDED;
}

/* ---- shutdown: socket, completions, completion queue, registrations; memory and port last ---- */

static int stop(void)
{
    rq = RIO_NO_RQ; /* closing the socket ends it */
    closesocket(udp);
    while (out[RECEIVE] + out[SEND] > 0) /* every pending request completes after some time */
        if (step(DRAIN_MS) == PACKET_NONE)
            return failed(FAILED, "get all requests back", WSAGetLastError(), "report a bug");
    rio.close_cq(cq);
    for (struct slot *slot = slots; slot < slots + 2 * EACH; slot++) {
        rio.deregister(slot->data.id);
        rio.deregister(slot->address.id);
    }
    return ENDED;
}

/* Runs on a console thread. It only posts a packet: the main thread owns the queues. */
static BOOL WINAPI on_console(DWORD event)
{
    PostQueuedCompletionStatus(port, 0, PACKET_STOP, NULL);
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE); /* until main exits */
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
        return code; /* the system releases all resources at exit */
    SetConsoleCtrlHandler(on_console, TRUE);
    getsockname(udp, (struct sockaddr *)&local, &local_bytes);
    printf("rio_sample: echo on UDP port %d; Ctrl-C ends it\n", ntohs(local.sin6_port));
    fflush(stdout);
    code = serve();
    int stopped = stop();
    printf("rio_sample: echoed=%u dropped=%u lost=%u\n", echoed, dropped, lost);
    return code != ENDED ? code : stopped;
}
