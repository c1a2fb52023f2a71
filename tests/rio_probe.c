/* SPDX-License-Identifier: MIT */
/* rio_probe.c - tests undocumented behaviour of Registered I/O on this machine's Windows.
 *
 *      rio_probe                   every question, one line each
 *      rio_probe --question N      one question
 *
 * A line has the test, its result, and the meaning for the rule that the question is about
 * (docs/design/rio-rules.md has all rules):
 *
 *      confirms        as weir expects it
 *      DIFFERS         not as weir expects it
 *      answers         weir is prepared for either result
 *      leaves untried  a requirement of the question was not available
 *
 * Each question runs in a separate process with a time limit. A crash or a hang is a result, too,
 * and does not affect other questions; those most likely to crash come last. The program binds only
 * to the loopback address and needs no privileges. Exit code: 0 all questions ran, whatever their
 * results; 77 Registered I/O is not available; 1 the questions could not run.
 *
 * Build separately, in this folder: cl /std:c17 /W4 /I..\src\net\windows rio_probe.c ws2_32.lib
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "rio_table.h"

enum {
    QUESTION_MS = 30000,      /* time limit of one question's process */
    SOON_MS = 2000,           /* results arrive within this time, if at all */
    NEVER_MS = 500,           /* without a result for this long, none is expected */
    BUFFERS = 16,             /* each with a separate registration */
    BUFFER_BYTES = 64 * 1024, /* whole pages */
    SENDS_BUFFER = 14,        /* holds the address of the datagram being sent */
    RECEIVES_MAX = BUFFERS / 2 - 1,
    SENDS_MAX = BUFFERS,
    CQ_SIZE = 4 * (RECEIVES_MAX + SENDS_MAX),
};

/* A question's result, also the exit code of its process: codes that a crash does not use. */
enum answer { CONFIRMS = 100, DIFFERS, ANSWERS, UNTRIED };

#define RIO_SOCKET (WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)

/* Declarations that differ between toolchains. */
#define PROBE_CONNRESET 0x9800000Cu    /* SIO_UDP_CONNRESET */
#define PROBE_UDP_SEND_MSG_SIZE 2      /* an option of IPPROTO_UDP, and a control message */
#define PROBE_UDP_RECV_MAX_COALESCED 3 /* an option of IPPROTO_UDP */
#define PROBE_TF_REUSE_SOCKET 2u

static struct rio_table rio;
static HANDLE port;
static OVERLAPPED notified;
static rio_cq cq;
static char *memory;
static rio_buffer_id buffers[BUFFERS];

/* ---- output ---- */

static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout); /* now, because the next call may crash the process */
}

static const char *code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{0, "good"},
                 {64, "ERROR_NETNAME_DELETED"},
                 {87, "ERROR_INVALID_PARAMETER"},
                 {234, "ERROR_MORE_DATA"},
                 {258, "WAIT_TIMEOUT"},
                 {995, "WSA_OPERATION_ABORTED"},
                 {997, "WSA_IO_PENDING"},
                 {1231, "ERROR_NETWORK_UNREACHABLE"},
                 {1232, "ERROR_HOST_UNREACHABLE"},
                 {1234, "ERROR_PORT_UNREACHABLE"},
                 {1236, "ERROR_CONNECTION_ABORTED"},
                 {1450, "ERROR_NO_SYSTEM_RESOURCES"},
                 {WSAEACCES, "WSAEACCES"},
                 {WSAEFAULT, "WSAEFAULT"},
                 {WSAEINVAL, "WSAEINVAL"},
                 {WSAEALREADY, "WSAEALREADY"},
                 {WSAENOTSOCK, "WSAENOTSOCK"},
                 {WSAEMSGSIZE, "WSAEMSGSIZE"},
                 {WSAENOPROTOOPT, "WSAENOPROTOOPT"},
                 {WSAEOPNOTSUPP, "WSAEOPNOTSUPP"},
                 {WSAEAFNOSUPPORT, "WSAEAFNOSUPPORT"},
                 {WSAECONNABORTED, "WSAECONNABORTED"},
                 {WSAECONNRESET, "WSAECONNRESET"},
                 {WSAENOBUFS, "WSAENOBUFS"},
                 {WSAEISCONN, "WSAEISCONN"},
                 {WSAENOTCONN, "WSAENOTCONN"},
                 {WSAESHUTDOWN, "WSAESHUTDOWN"},
                 {WSAETIMEDOUT, "WSAETIMEDOUT"},
                 {(int)0xC0000120, "STATUS_CANCELLED"},
                 {(int)0xC000013B, "STATUS_LOCAL_DISCONNECT"},
                 {(int)0xC000020D, "STATUS_CONNECTION_RESET"},
                 {(int)0x80000005, "STATUS_BUFFER_OVERFLOW"},
                 {(int)0xC0000005, "access violation"},
                 {(int)0xC0000409, "fail fast"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code) return names[i].name;
    return "no name here";
}

static void say_code(int code)
{
    if (code < 0)
        say("0x%08X (%s)", (unsigned)code, code_name(code));
    else
        say("%d (%s)", code, code_name(code));
}

/* Prints a call's result: TRUE, or FALSE with the error code. */
static bool say_call(bool good)
{
    int code = WSAGetLastError();

    if (good) {
        say("TRUE");
        return true;
    }
    say("FALSE with ");
    say_code(code);
    WSASetLastError(code);
    return false;
}

static void say_result(bool came, const struct rio_result *result)
{
    if (!came) {
        say("no completion");
        return;
    }
    say("a completion with status ");
    say_code(result->status);
    say(", %u bytes", (unsigned)result->bytes);
}

/* Requires a precondition of the question. */
static void must(bool good, const char *what)
{
    int code = WSAGetLastError();

    if (good) return;
    say("cannot %s: ", what);
    say_code(code);
    exit(UNTRIED);
}

/* ---- the table, the queue, the buffers ---- */

static int load_table(SOCKET any, struct rio_table *table, DWORD table_bytes, DWORD *bytes)
{
    GUID name = RIO_TABLE_GUID;

    *bytes = 0;
    return WSAIoctl(any, RIO_TABLE_IOCTL, &name, sizeof name, table, table_bytes, bytes, NULL,
                    NULL) == 0
               ? 0
               : WSAGetLastError();
}

static int load_main_table(void)
{
    DWORD bytes;
    SOCKET any = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, RIO_SOCKET);
    int code = any == INVALID_SOCKET ? WSAGetLastError() : 0;

    rio.size = sizeof rio;
    if (code == 0) code = load_table(any, &rio, sizeof rio, &bytes);
    if (any != INVALID_SOCKET) closesocket(any);
    return code;
}

static rio_cq open_cq(uint32_t size)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};

    notification.port.port = port;
    notification.port.key = &port;
    notification.port.overlapped = &notified;
    return rio.create_cq(size, &notification);
}

static void open_desk(void)
{
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    must(port != NULL, "open a port");
    cq = open_cq(CQ_SIZE);
    must(cq != RIO_NO_CQ, "create a completion queue");
    memory = VirtualAlloc(NULL, BUFFERS * BUFFER_BYTES, MEM_COMMIT, PAGE_READWRITE);
    must(memory != NULL, "allocate");
    for (int i = 0; i < BUFFERS; i++) {
        buffers[i] = rio.register_buffer(memory + (size_t)i * BUFFER_BYTES, BUFFER_BYTES);
        must(buffers[i] != RIO_NO_BUFFER, "register a buffer");
    }
}

static struct rio_piece piece(int buffer, uint32_t offset, uint32_t length)
{
    return (struct rio_piece){.id = buffers[buffer], .offset = offset, .length = length};
}

static void *context(int buffer)
{
    return (void *)(uintptr_t)(buffer + 1);
}

static bool post_receive(rio_rq rq, int buffer, uint32_t length, uint32_t flags)
{
    struct rio_piece data = piece(buffer, 0, length);

    return rio.receive(rq, &data, 1, flags, context(buffer)) != 0;
}

static bool post_send(rio_rq rq, int buffer, uint32_t length, uint32_t flags)
{
    struct rio_piece data = piece(buffer, 0, length);

    return rio.send(rq, &data, 1, flags, context(buffer)) != 0;
}

/* ---- waiting, with time limits ---- */

static double now_ms(void)
{
    LARGE_INTEGER count, frequency;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart * 1000.0 / (double)frequency.QuadPart;
}

/* Polls, so that it depends on no notification. */
static bool await_result(struct rio_result *result, int wait_ms)
{
    double until = now_ms() + wait_ms;

    memset(result, 0, sizeof *result);
    for (;;) {
        uint32_t count = rio.dequeue(cq, result, 1);

        if (count == RIO_CQ_CORRUPT) say("(the completion queue is corrupt) ");
        if (count == 1) return true;
        if (count == RIO_CQ_CORRUPT || now_ms() > until) return false;
        Sleep(1);
    }
}

static bool await_packet(DWORD wait_ms)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *overlapped = NULL;

    GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, wait_ms);
    return overlapped == &notified;
}

static bool await_overlapped(OVERLAPPED *overlapped, DWORD wait_ms)
{
    return WaitForSingleObject(overlapped->hEvent, wait_ms) == WAIT_OBJECT_0;
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(u_short network_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = network_port};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static struct sockaddr_in bind_to_loopback(SOCKET any)
{
    struct sockaddr_in address = loopback(0);
    int bytes = sizeof address;

    must(bind(any, (const struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(getsockname(any, (struct sockaddr *)&address, &bytes) == 0, "read an address");
    return address;
}

/* Gives an ordinary socket of the test a time limit for blocking calls. */
static SOCKET bounded(SOCKET any)
{
    DWORD wait_ms = SOON_MS;

    must(any != INVALID_SOCKET, "open a socket");
    setsockopt(any, SOL_SOCKET, SO_RCVTIMEO, (const char *)&wait_ms, sizeof wait_ms);
    setsockopt(any, SOL_SOCKET, SO_SNDTIMEO, (const char *)&wait_ms, sizeof wait_ms);
    return any;
}

static SOCKET open_flagged(int type, DWORD flags)
{
    SOCKET opened = WSASocketW(AF_INET, type, 0, NULL, 0, flags);

    must(opened != INVALID_SOCKET, "open a socket");
    return opened;
}

static rio_rq open_rq(SOCKET any)
{
    rio_rq rq = rio.create_rq(any, RECEIVES_MAX, 1, SENDS_MAX, 1, cq, cq, NULL);

    must(rq != RIO_NO_RQ, "create a request queue");
    return rq;
}

struct pair {
    SOCKET socket; /* the RIO socket */
    rio_rq rq;
    struct sockaddr_in address;
    SOCKET peer; /* an ordinary socket */
    struct sockaddr_in peer_address;
};

static struct pair open_datagrams(void)
{
    struct pair pair = {.socket = open_flagged(SOCK_DGRAM, RIO_SOCKET)};

    pair.address = bind_to_loopback(pair.socket);
    pair.rq = open_rq(pair.socket);
    pair.peer = bounded(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    pair.peer_address = bind_to_loopback(pair.peer);
    return pair;
}

static SOCKET open_listener(DWORD flags, struct sockaddr_in *address)
{
    SOCKET listener = open_flagged(SOCK_STREAM, flags);
    int window_bytes = 64 * 1024; /* so that a peer that does not read blocks its sender soon */

    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, (const char *)&window_bytes, sizeof window_bytes);
    *address = bind_to_loopback(listener);
    must(listen(listener, 8) == 0, "listen");
    return listener;
}

/* The RIO socket connects, so that the test does not need AcceptEx. */
static struct pair open_stream(void)
{
    struct pair pair = {.socket = open_flagged(SOCK_STREAM, RIO_SOCKET)};
    SOCKET listener = open_listener(WSA_FLAG_OVERLAPPED, &pair.peer_address);

    must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                 sizeof pair.peer_address) == 0,
         "connect");
    pair.peer = bounded(accept(listener, NULL, NULL));
    closesocket(listener);
    pair.rq = open_rq(pair.socket);
    return pair;
}

static void peer_sends(const struct pair *pair, int bytes)
{
    static const char data[BUFFER_BYTES] = {0};

    must(sendto(pair->peer, data, bytes, 0, (const struct sockaddr *)&pair->address,
                sizeof pair->address) == bytes,
         "send from the ordinary socket");
}

static bool post_send_to(const struct pair *pair, int buffer, uint32_t length,
                         const struct sockaddr_in *to, int address_buffer,
                         const struct rio_piece *control)
{
    uint32_t offset = BUFFER_BYTES - 64;
    struct rio_piece data = piece(buffer, 0, length);
    struct rio_piece address = piece(address_buffer, offset, sizeof(SOCKADDR_INET));
    char *bytes = memory + (size_t)address_buffer * BUFFER_BYTES + offset;

    memset(bytes, 0, sizeof(SOCKADDR_INET));
    memcpy(bytes, to, sizeof *to);
    return rio.send_ex(pair->rq, &data, 1, NULL, &address, control, NULL, 0, context(buffer)) != 0;
}

/* ---- questions: the table, creating queues ---- */

static enum answer ask_size_before(void)
{
    static const uint32_t sizes[] = {0, sizeof(struct rio_table), 8};
    int codes[3];
    DWORD bytes;
    SOCKET any = open_flagged(SOCK_DGRAM, RIO_SOCKET);

    for (int i = 0; i < 3; i++) {
        struct rio_table table = {.size = sizes[i]};

        codes[i] = load_table(any, &table, sizeof table, &bytes);
        say("cbSize %u before the call: ", (unsigned)sizes[i]);
        say_code(codes[i]);
        say(", cbSize %u after it, %lu bytes; ", (unsigned)table.size, bytes);
    }
    struct rio_table table = {.size = sizeof table};
    int code = load_table(any, &table, sizeof table / 2, &bytes);

    say("with half the room: ");
    say_code(code);
    return codes[0] == 0 && codes[1] == 0 ? CONFIRMS : DIFFERS;
}

static enum answer ask_same_table(void)
{
    static const struct {
        const char *what;
        int family, type;
        DWORD flags;
    } kinds[] = {
        {"UDP, IPv4, without the flag", AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED},
        {"UDP, IPv6", AF_INET6, SOCK_DGRAM, RIO_SOCKET},
        {"TCP, IPv4", AF_INET, SOCK_STREAM, RIO_SOCKET},
        {"TCP, IPv6", AF_INET6, SOCK_STREAM, RIO_SOCKET},
    };

    say("the table of UDP, IPv4, compared with that of a socket of");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rio_table table = {.size = sizeof table};
        DWORD bytes;
        SOCKET any = WSASocketW(kinds[i].family, kinds[i].type, 0, NULL, 0, kinds[i].flags);
        int code = any == INVALID_SOCKET ? WSAGetLastError()
                                         : load_table(any, &table, sizeof table, &bytes);

        say("%s %s: ", i > 0 ? ";" : "", kinds[i].what);
        if (code != 0)
            say_code(code);
        else
            say(memcmp(&table.receive, &rio.receive, sizeof rio - sizeof(void *)) == 0 ? "the same"
                                                                                       : "ANOTHER");
        if (any != INVALID_SOCKET) closesocket(any);
    }
    return ANSWERS;
}

static enum answer ask_no_flag(void)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    bool expected = true;

    for (int i = 0; i < 2; i++) {
        SOCKET plain = open_flagged(types[i], WSA_FLAG_OVERLAPPED);
        rio_rq rq = rio.create_rq(plain, 1, 1, 1, 1, cq, cq, NULL);

        say("%s socket without the flag: ", i == 0 ? "UDP" : "; TCP");
        if (say_call(rq != RIO_NO_RQ) || WSAGetLastError() != WSAEOPNOTSUPP) expected = false;
    }
    return expected ? CONFIRMS : DIFFERS;
}

static bool is_refused(const char *what, SOCKET any, uint32_t receives, uint32_t pieces,
                       rio_cq queue, int code)
{
    rio_rq rq = rio.create_rq(any, receives, pieces, receives, pieces, queue, queue, NULL);

    say("%s: ", what);
    return !say_call(rq != RIO_NO_RQ) && WSAGetLastError() == code;
}

static enum answer ask_bad_numbers(void)
{
    SOCKET udp = open_flagged(SOCK_DGRAM, RIO_SOCKET);
    bool expected = is_refused("no requests at all", udp, 0, 1, cq, WSAEINVAL);

    expected &= is_refused("; two pieces a request", udp, 1, 2, cq, WSAEINVAL);
    expected &= is_refused("; no pieces", udp, 1, 0, cq, WSAEINVAL);
    expected &=
        is_refused("; more than the completion queue holds", udp, CQ_SIZE, 1, cq, WSAENOBUFS);
    expected &= is_refused("; no completion queue", udp, 1, 1, RIO_NO_CQ, WSAEINVAL);
    return expected ? CONFIRMS : DIFFERS;
}

static enum answer ask_second_rq(void)
{
    SOCKET udp = open_flagged(SOCK_DGRAM, RIO_SOCKET);

    open_rq(udp);
    say("a second request queue for one socket: ");
    say_call(rio.create_rq(udp, 1, 1, 1, 1, cq, cq, NULL) != RIO_NO_RQ);
    return ANSWERS;
}

/* ---- questions: notification ---- */

static enum answer ask_notify_polled(void)
{
    rio_cq polled = rio.create_cq(8, NULL);

    must(polled != RIO_NO_CQ, "create a completion queue without notification");
    int code = rio.notify(polled);

    say("RIONotify on a queue made to be polled: ");
    say_code(code);
    return code == WSAEINVAL ? CONFIRMS : DIFFERS;
}

static enum answer ask_notify_twice(void)
{
    int first = rio.notify(cq), second = rio.notify(cq);

    say("on an empty queue: ");
    say_code(first);
    say(", then immediately ");
    say_code(second);
    return first == 0 && second == WSAEALREADY ? CONFIRMS : DIFFERS;
}

static enum answer ask_notify_full(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;

    must(rio.notify(cq) == 0, "ask for the first notification");
    must(post_receive(pair.rq, 0, 100, 0), "post a receive");
    peer_sends(&pair, 10);
    must(await_packet(SOON_MS), "get the first notification");
    int full = rio.notify(cq), again = rio.notify(cq);
    bool came = await_packet(SOON_MS);

    say("on a queue that holds a result: ");
    say_code(full);
    say(", again before its packet is taken: ");
    say_code(again);
    say("; a packet %s", came ? "came" : "did NOT come");
    say(", a second one %s", await_packet(NEVER_MS) ? "came too" : "did not");
    int after = rio.notify(cq);

    say("; after taking it: ");
    say_code(after);
    must(await_result(&result, SOON_MS), "find the result");
    return full == 0 && came && (after == 0 || again == 0) ? CONFIRMS : DIFFERS;
}

static enum answer ask_quiet_send(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;

    must(rio.notify(cq) == 0, "ask for a notification");
    must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                 sizeof pair.peer_address) == 0,
         "connect");
    must(post_send(pair.rq, 0, 10, RIO_DONT_NOTIFY), "send");
    bool packet = await_packet(NEVER_MS), came = await_result(&result, SOON_MS);

    say("a send with RIO_MSG_DONT_NOTIFY, notification armed: %s packet, ", packet ? "a" : "no");
    say_result(came, &result);
    return !packet && came ? CONFIRMS : DIFFERS;
}

/* ---- questions: requests ---- */

static enum answer ask_out_of_range(void)
{
    struct pair pair = open_datagrams();
    struct rio_piece past = piece(0, BUFFER_BYTES - 10, 11);
    int codes[2];

    say("one byte past the registration: receive ");
    codes[0] = say_call(rio.receive(pair.rq, &past, 1, 0, NULL) != 0) ? 0 : WSAGetLastError();
    say(", send ");
    codes[1] = say_call(rio.send(pair.rq, &past, 1, 0, NULL) != 0) ? 0 : WSAGetLastError();
    say("; a registration of no bytes: ");
    say_call(rio.register_buffer(memory, 0) != RIO_NO_BUFFER);
    for (int i = 0; i < 2; i++)
        if (codes[i] != WSAEINVAL && codes[i] != WSAEFAULT) return DIFFERS;
    return CONFIRMS;
}

static enum answer ask_flags(void)
{
    struct pair pair = open_datagrams();
    struct rio_piece data = piece(0, 0, 100);
    bool expected = true;

    say("an unknown flag: ");
    expected &= !say_call(rio.receive(pair.rq, &data, 1, 0x80, NULL) != 0);
    say("; COMMIT_ONLY with data: ");
    expected &= !say_call(rio.receive(pair.rq, &data, 1, RIO_COMMIT_ONLY, NULL) != 0);
    say("; WAITALL on UDP: ");
    expected &= !say_call(rio.receive(pair.rq, &data, 1, RIO_WAITALL, NULL) != 0);
    say("; COMMIT_ONLY with nothing to commit: ");
    expected &= say_call(rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    return expected ? CONFIRMS : DIFFERS;
}

/* Sends repeatedly from eight registrations; prints how often the call returned FALSE, and with
 * which error. */
static void say_sends(const struct pair *pair, int *pending)
{
    struct rio_result result;
    int good = 0, full = 0, others = 0, buffer = BUFFERS / 2, fresh = buffer + 1;

    for (int i = 0; i < 5000; i++) {
        if (post_send(pair->rq, buffer, 100, 0)) {
            good++;
            if (fresh < BUFFERS)
                buffer = fresh++;
            else if (await_result(&result, SOON_MS))
                buffer = (int)result.request_context - 1;
            else
                break;
        } else {
            int code = WSAGetLastError();

            *(code == WSAENOBUFS ? &full : code == WSA_IO_PENDING ? pending : &others) += 1;
        }
    }
    say("; of 5000 sends %d TRUE, FALSE with 10055 %d, with 997 %d, with others %d", good, full,
        *pending, others);
}

static enum answer ask_too_many(void)
{
    struct pair pair = open_datagrams();
    int pending = 0;

    for (int i = 0; i < RECEIVES_MAX; i++)
        must(post_receive(pair.rq, i, 1, 0), "post as many receives as were asked for");
    say("one receive too many: ");
    bool expected =
        !say_call(post_receive(pair.rq, RECEIVES_MAX, 1, 0)) && WSAGetLastError() == WSAENOBUFS;

    must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                 sizeof pair.peer_address) == 0,
         "connect");
    say_sends(&pair, &pending);
    return expected && pending == 0 ? CONFIRMS : DIFFERS;
}

enum start { START_NEVER, START_BY_ITSELF, START_BY_SENDS, START_BY_RECEIVES };

/* What a deferred receive completes by. Both commits are made, whether or not it has completed;
 * *committed: they succeeded. */
static enum start start_of_deferred(const struct pair *pair, bool *committed)
{
    struct rio_result result;
    enum start start = await_result(&result, NEVER_MS) ? START_BY_ITSELF : START_NEVER;

    *committed = rio.send(pair->rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0;
    if (start == START_NEVER && await_result(&result, NEVER_MS)) start = START_BY_SENDS;
    *committed &= rio.receive(pair->rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0;
    if (start == START_NEVER && await_result(&result, SOON_MS)) start = START_BY_RECEIVES;
    return start;
}

static enum answer ask_defer(void)
{
    static const char *const texts[] = {
        [START_NEVER] = "NEVER",
        [START_BY_ITSELF] = "without any commit",
        [START_BY_SENDS] = "by a commit of SENDS",
        [START_BY_RECEIVES] =
            "by a commit of receives, and neither before nor by a commit of sends",
    };
    struct pair pair = open_datagrams();
    bool committed;

    must(post_receive(pair.rq, 0, 100, RIO_DEFER), "post a deferred receive");
    peer_sends(&pair, 10);
    enum start start = start_of_deferred(&pair, &committed);

    say("a deferred receive and a datagram for it: it completed %s", texts[start]);
    if (start == START_BY_RECEIVES) return committed ? CONFIRMS : DIFFERS;
    return start == START_NEVER ? DIFFERS : CONFIRMS;
}

static enum answer ask_one_registration(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;
    char got[200];

    memset(memory, 'x', 100);
    say("RIOSendEx with data and address in one registration: ");
    say_call(post_send_to(&pair, 0, 100, &pair.peer_address, 0, NULL));
    bool came = await_result(&result, SOON_MS);
    int bytes = recv(pair.peer, got, sizeof got, 0);

    say(", ");
    say_result(came, &result);
    say("; the peer got %d bytes", bytes);
    return came && result.status == 0 && bytes == 100 && memcmp(got, memory, 100) == 0 ? CONFIRMS
                                                                                       : DIFFERS;
}

static DWORD WINAPI post_and_exit(void *of)
{
    const struct pair *pair = of;

    return post_receive(pair->rq, 0, 100, 0);
}

static enum answer ask_thread_exit(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;
    DWORD posted = 0;
    HANDLE thread = CreateThread(NULL, 0, post_and_exit, &pair, 0, NULL);

    must(thread && WaitForSingleObject(thread, SOON_MS) == WAIT_OBJECT_0, "run a thread");
    GetExitCodeThread(thread, &posted);
    must(posted, "post a receive from a thread");
    bool early = await_result(&result, NEVER_MS);

    say("a receive whose thread has ended: ");
    if (!early) {
        peer_sends(&pair, 10);
        say("still pending; when a datagram came, ");
    }
    say_result(early || await_result(&result, SOON_MS), &result);
    return ANSWERS;
}

/* ---- questions: contents of completions ---- */

static enum answer ask_ends(void)
{
    struct pair pair = open_stream();
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    struct rio_result fin, reset, late;

    must(post_receive(pair.rq, 0, 100, 0), "post a receive");
    shutdown(pair.peer, SD_SEND);
    bool fin_came = await_result(&fin, SOON_MS);

    say("the peer's FIN: ");
    say_result(fin_came, &fin);
    pair = open_stream();
    must(post_receive(pair.rq, 1, 100, 0), "post a receive");
    setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
    closesocket(pair.peer);
    bool reset_came = await_result(&reset, SOON_MS);

    say("; the peer's reset: ");
    say_result(reset_came, &reset);
    say("; a send after it: ");
    if (say_call(post_send(pair.rq, 2, 10, 0))) {
        say(", ");
        say_result(await_result(&late, SOON_MS), &late);
    }
    return fin_came && fin.status == 0 && fin.bytes == 0 && reset_came &&
                   (reset.status == WSAECONNRESET || reset.status == 64 ||
                    reset.status == (int32_t)0xC000020D)
               ? CONFIRMS
               : DIFFERS;
}

/* Closes with pending receives; prints the number of completions, their status and delay. */
static bool is_drained(const char *what, const struct pair *pair)
{
    struct rio_result result;
    int came = 0;
    int32_t status = 0;

    for (int i = 0; i < 4; i++) must(post_receive(pair->rq, i, 100, 0), "post a receive");
    closesocket(pair->socket);
    double began = now_ms(), last = began;

    for (; came < 4 && await_result(&result, SOON_MS); came++) {
        status = result.status;
        last = now_ms();
    }
    say("%s: %d of 4 receives complete after closesocket, the last %.1f ms later with ", what, came,
        last - began);
    say_code(status);
    return came == 4 && status != 0;
}

static enum answer ask_close(void)
{
    struct pair stream = open_stream(), datagrams = open_datagrams();
    bool expected = is_drained("TCP", &stream);

    expected &= is_drained("; UDP", &datagrams);
    return expected ? CONFIRMS : DIFFERS;
}

static enum answer ask_close_deferred(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;
    int came = 0;

    for (int i = 0; i < 2; i++)
        must(post_receive(pair.rq, i, 100, RIO_DEFER), "post a deferred receive");
    closesocket(pair.socket);
    while (came < 2 && await_result(&result, SOON_MS)) came++;
    say("of 2 deferred, never committed receives %d completed after closesocket", came);
    if (came > 0) {
        say(", with status ");
        say_code(result.status);
    }
    return ANSWERS;
}

/* The datagram was larger than the 100 bytes of its receive, and the result tells so. */
static bool tells_cut(bool came, const struct rio_result *result)
{
    return came && (result->status == WSAEMSGSIZE || result->status == 234 || result->bytes > 100 ||
                    result->status == (int32_t)0x80000005);
}

static bool is_whole(bool came, const struct rio_result *result, uint32_t bytes)
{
    return came && result->status == 0 && result->bytes == bytes;
}

static enum answer ask_datagram_sizes(void)
{
    static const char *const texts[] = {"1000 bytes into room for 100", "; an empty datagram",
                                        "; the one after them"};
    static const int sizes[] = {1000, 0, 50};
    struct pair pair = open_datagrams();
    struct rio_result results[3];
    bool came[3];

    for (int i = 0; i < 3; i++) must(post_receive(pair.rq, i, 100, 0), "post a receive");
    for (int i = 0; i < 3; i++) peer_sends(&pair, sizes[i]);
    for (int i = 0; i < 3; i++) came[i] = await_result(&results[i], SOON_MS);
    for (int i = 0; i < 3; i++) {
        say("%s: ", texts[i]);
        say_result(came[i], &results[i]);
    }
    return tells_cut(came[0], &results[0]) && is_whole(came[1], &results[1], 0) && came[2] &&
                   results[2].bytes == 50
               ? CONFIRMS
               : DIFFERS;
}

static enum answer ask_unreachable(void)
{
    bool reported = false;

    for (int on = 1; on >= 0; on--) {
        struct pair pair = open_datagrams();
        struct rio_result sent, received;
        BOOL setting = on;
        DWORD bytes;

        must(WSAIoctl(pair.socket, PROBE_CONNRESET, &setting, sizeof setting, NULL, 0, &bytes, NULL,
                      NULL) == 0,
             "set SIO_UDP_CONNRESET");
        closesocket(pair.peer); /* its port is closed now */
        must(post_receive(pair.rq, 0, 100, 0), "post a receive");
        must(post_send_to(&pair, 1, 10, &pair.peer_address, SENDS_BUFFER, NULL), "send");
        must(await_result(&sent, SOON_MS), "complete the send");
        bool came = await_result(&received, NEVER_MS);

        say("%sSIO_UDP_CONNRESET %s, a datagram to a closed port: send ", on ? "" : "; ",
            on ? "on" : "off");
        say_code(sent.status);
        say(", pending receive: ");
        say_result(came, &received);
        if (!on && (came || sent.status != 0)) reported = true;
    }
    return reported ? DIFFERS : CONFIRMS;
}

/* Waits for up to sends_max completions of full buffers. Returns their number, and counts those
 * with fewer bytes. */
static int await_sends(int sends_max, int wait_ms, int *cut)
{
    struct rio_result result;
    int count = 0;

    for (; count < sends_max && await_result(&result, wait_ms); count++)
        *cut += result.bytes != BUFFER_BYTES;
    return count;
}

static long long read_all(SOCKET peer, long long bytes_max)
{
    static char sink[BUFFER_BYTES];
    long long got = 0;

    while (got < bytes_max) {
        int bytes = recv(peer, sink, sizeof sink, 0);

        if (bytes <= 0) break;
        got += bytes;
    }
    return got;
}

static enum answer ask_slow_peer(void)
{
    struct pair pair = open_stream();
    int cut = 0;

    for (int i = 0; i < BUFFERS; i++) must(post_send(pair.rq, i, BUFFER_BYTES, 0), "post a send");
    int before = await_sends(BUFFERS, NEVER_MS, &cut);
    long long got = read_all(pair.peer, (long long)BUFFERS * BUFFER_BYTES);
    int after = await_sends(BUFFERS - before, SOON_MS, &cut);

    say("of 16 sends of 64 KiB to a peer that does not read (64 KiB of window) %d completed; %d "
        "more once it read all %lld KiB; %d with fewer bytes than asked",
        before, after, got / 1024, cut);
    return before < BUFFERS && before + after == BUFFERS && cut == 0 ? CONFIRMS : DIFFERS;
}

static enum answer ask_after_shutdown(void)
{
    struct pair pair = open_stream();
    struct rio_result result;
    bool reported = false;

    shutdown(pair.socket, SD_SEND);
    say("a send after SD_SEND: ");
    if (say_call(post_send(pair.rq, 0, 10, 0))) {
        bool came = await_result(&result, SOON_MS);

        say(", ");
        say_result(came, &result);
        reported = came && result.status != 0;
    } else {
        reported = true;
    }
    must(post_receive(pair.rq, 1, 100, 0), "post a receive");
    must(send(pair.peer, "hello", 5, 0) == 5, "send from the peer");
    say("; a receive then: ");
    say_result(await_result(&result, SOON_MS), &result);
    shutdown(pair.socket, SD_RECEIVE);
    say("; a receive after SD_RECEIVE: ");
    if (say_call(post_receive(pair.rq, 2, 100, 0))) {
        say(", ");
        say_result(await_result(&result, SOON_MS), &result);
    }
    return reported ? CONFIRMS : DIFFERS;
}

/* ---- questions: capacity of a completion queue ---- */

/* Returns the time until a new request queue fits after one was closed; negative if it never did.
 */
static double room_after_ms(rio_cq queue, double began, int wait_ms)
{
    SOCKET next = open_flagged(SOCK_DGRAM, RIO_SOCKET);

    while (rio.create_rq(next, 4, 1, 4, 1, queue, queue, NULL) == RIO_NO_RQ) {
        if (now_ms() - began > wait_ms) {
            closesocket(next);
            return -1;
        }
        Sleep(0);
    }
    double took = now_ms() - began;

    closesocket(next);
    return took;
}

static enum answer ask_room_after_close(void)
{
    for (int receives = 0; receives <= 2; receives += 2) {
        rio_cq small = open_cq(8);
        SOCKET udp = open_flagged(SOCK_DGRAM, RIO_SOCKET);
        struct rio_result results[8];

        must(small != RIO_NO_CQ, "create a completion queue");
        bind_to_loopback(udp);
        rio_rq rq = rio.create_rq(udp, 4, 1, 4, 1, small, small, NULL);

        must(rq != RIO_NO_RQ, "create a request queue");
        for (int i = 0; i < receives; i++) must(post_receive(rq, i, 100, 0), "post a receive");
        closesocket(udp);
        double took = room_after_ms(small, now_ms(), SOON_MS);

        say("%s%d receives pending at closesocket: room ", receives ? "; " : "", receives);
        if (took < 0) {
            uint32_t count = rio.dequeue(small, results, 8);

            say("not within %d ms; after dequeuing %u results: ", SOON_MS, (unsigned)count);
            took = room_after_ms(small, now_ms(), SOON_MS);
        }
        if (took < 0)
            say("NEVER");
        else
            say("after %.2f ms", took);
    }
    return ANSWERS;
}

/* ---- questions: other calls on a RIO socket ---- */

static enum answer ask_plain_calls(void)
{
    struct pair pair = open_stream();
    char bytes[16] = "mixed", got[16];
    WSABUF buffer = {.len = 5, .buf = bytes};
    DWORD count = 0, flags = 0;
    OVERLAPPED sending = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    OVERLAPPED receiving = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};

    say("WSASend on a socket with a request queue: ");
    say_call(WSASend(pair.socket, &buffer, 1, &count, 0, &sending, NULL) == 0);
    say(", the peer got %d bytes", recv(pair.peer, got, sizeof got, 0));
    buffer.len = sizeof bytes;
    say("; WSARecv: ");
    say_call(WSARecv(pair.socket, &buffer, 1, &count, &flags, &receiving, NULL) == 0);
    must(send(pair.peer, "answer", 6, 0) == 6, "send from the peer");
    bool came = await_overlapped(&receiving, SOON_MS);

    say(", it %s", came ? "completed with " : "did not complete");
    if (came)
        say("%lu bytes, status 0x%08lX", (unsigned long)receiving.InternalHigh,
            (unsigned long)receiving.Internal);
    TerminateProcess(GetCurrentProcess(), ANSWERS); /* the kernel may still write to this stack */
    return ANSWERS;
}

struct accepted {
    SOCKET listener, socket, client;
    struct sockaddr_in address;
};

static void *extension(SOCKET any, GUID name)
{
    void *function = NULL;
    DWORD bytes;

    must(WSAIoctl(any, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &function,
                  sizeof function, &bytes, NULL, NULL) == 0,
         "find an extension function");
    return function;
}

static void accept_client(struct accepted *accepted)
{
    static char area[2 * (sizeof(SOCKADDR_INET) + 16)];
    static OVERLAPPED overlapped;
    GUID name = WSAID_ACCEPTEX;
    void *found = extension(accepted->listener, name);
    LPFN_ACCEPTEX accept_ex;
    DWORD bytes;

    memcpy(&accept_ex, &found, sizeof accept_ex);
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    must(accept_ex(accepted->listener, accepted->socket, area, 0, sizeof area / 2, sizeof area / 2,
                   &bytes, &overlapped) ||
             WSAGetLastError() == WSA_IO_PENDING,
         "post an accept");
    accepted->client = bounded(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    must(connect(accepted->client, (const struct sockaddr *)&accepted->address,
                 sizeof accepted->address) == 0,
         "connect");
    must(await_overlapped(&overlapped, SOON_MS), "accept");
    must(setsockopt(accepted->socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                    (const char *)&accepted->listener, sizeof accepted->listener) == 0,
         "set SO_UPDATE_ACCEPT_CONTEXT");
}

static struct accepted open_accepted(DWORD listener_flags)
{
    struct accepted accepted = {.socket = open_flagged(SOCK_STREAM, RIO_SOCKET)};

    accepted.listener = open_listener(listener_flags, &accepted.address);
    accept_client(&accepted);
    return accepted;
}

static enum answer ask_plain_listener(void)
{
    bool came[2] = {false, false};

    for (int flagged = 1; flagged >= 0; flagged--) {
        struct accepted accepted = open_accepted(flagged ? RIO_SOCKET : WSA_FLAG_OVERLAPPED);
        rio_rq rq = rio.create_rq(accepted.socket, 1, 1, 1, 1, cq, cq, NULL);
        struct rio_result result;

        say("%slistener %s the flag: RIOCreateRequestQueue ", flagged ? "" : "; ",
            flagged ? "with" : "WITHOUT");
        if (!say_call(rq != RIO_NO_RQ)) continue;
        say(", RIOReceive ");
        if (!say_call(post_receive(rq, flagged, 100, 0))) continue;
        must(send(accepted.client, "hello", 5, 0) == 5, "send from the client");
        came[flagged] = await_result(&result, SOON_MS);
        say(", ");
        say_result(came[flagged], &result);
    }
    return came[1] && !came[0] ? CONFIRMS : DIFFERS;
}

static enum answer ask_plain_accept(void)
{
    static const DWORD flags[] = {RIO_SOCKET, WSA_FLAG_OVERLAPPED};

    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address;
        SOCKET listener = open_listener(flags[i], &address);
        SOCKET client = bounded(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));

        must(connect(client, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
        SOCKET accepted = accept(listener, NULL, NULL);

        must(accepted != INVALID_SOCKET, "accept");
        say("%saccept() on a listener %s the flag: RIOCreateRequestQueue ", i == 0 ? "" : "; ",
            i == 0 ? "with" : "without");
        say_call(rio.create_rq(accepted, 1, 1, 1, 1, cq, cq, NULL) != RIO_NO_RQ);
    }
    return ANSWERS;
}

static enum answer ask_reuse(void)
{
    static OVERLAPPED overlapped;
    struct accepted accepted = open_accepted(RIO_SOCKET);
    struct rio_result result;
    GUID name = WSAID_DISCONNECTEX;
    void *found = extension(accepted.listener, name);
    LPFN_DISCONNECTEX disconnect;
    rio_rq rq = open_rq(accepted.socket);

    memcpy(&disconnect, &found, sizeof disconnect);
    closesocket(accepted.client);
    must(post_receive(rq, 0, 100, 0) && await_result(&result, SOON_MS), "see the client leave");
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    say("DisconnectEx to use the socket again: ");
    bool good = disconnect(accepted.socket, &overlapped, PROBE_TF_REUSE_SOCKET, 0) != 0;

    if (!say_call(good) && WSAGetLastError() != WSA_IO_PENDING) return ANSWERS;
    if (!good && !await_overlapped(&overlapped, SOON_MS)) {
        say(", not done within %d ms", SOON_MS);
        return ANSWERS;
    }
    accept_client(&accepted);
    say("; accepted again; a second request queue: ");
    say_call(rio.create_rq(accepted.socket, 1, 1, 1, 1, cq, cq, NULL) != RIO_NO_RQ);
    say("; a receive by the first one: ");
    if (!say_call(post_receive(rq, 1, 100, 0))) return ANSWERS;
    must(send(accepted.client, "hello", 5, 0) == 5, "send from the client");
    say(", ");
    say_result(await_result(&result, SOON_MS), &result);
    return ANSWERS;
}

/* ---- questions: segmentation of datagrams ---- */

/* Writes a RIO_CMSG_BUFFER with one DWORD; returns its length. All parts are aligned to the size of
 * a pointer. */
static uint32_t put_control(char *control, int type, DWORD value)
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

static enum answer ask_segments_out(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;
    struct rio_piece control = piece(SENDS_BUFFER, 0, 0);
    char got[4000];
    int bytes;

    control.length =
        put_control(memory + (size_t)SENDS_BUFFER * BUFFER_BYTES, PROBE_UDP_SEND_MSG_SIZE, 1000);
    say("RIOSendEx of 2500 bytes with the control message UDP_SEND_MSG_SIZE 1000: ");
    say_call(post_send_to(&pair, 0, 2500, &pair.peer_address, SENDS_BUFFER, &control));
    bool came = await_result(&result, SOON_MS);

    say(", ");
    say_result(came, &result);
    say("; the peer got datagrams of");
    while ((bytes = recv(pair.peer, got, sizeof got, 0)) >= 0) say(" %d", bytes);
    say(" bytes");
    return ANSWERS;
}

static enum answer ask_segments_in(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;
    struct rio_piece data = piece(0, 0, BUFFER_BYTES), control = piece(1, 0, 256);
    const char *bytes = memory + BUFFER_BYTES;
    DWORD most = 60000;
    ULONG total;
    WSACMSGHDR header;

    say("UDP_RECV_MAX_COALESCED_SIZE on a RIO socket: ");
    say_call(setsockopt(pair.socket, IPPROTO_UDP, PROBE_UDP_RECV_MAX_COALESCED, (const char *)&most,
                        sizeof most) == 0);
    say("; RIOReceiveEx with a control piece: ");
    if (!say_call(rio.receive_ex(pair.rq, &data, 1, NULL, NULL, &control, NULL, 0, NULL) != 0))
        return ANSWERS;
    peer_sends(&pair, 100);
    bool came = await_result(&result, SOON_MS);

    memcpy(&total, bytes, sizeof total);
    memcpy(&header, bytes + sizeof(void *), sizeof header);
    say(", ");
    say_result(came, &result);
    say("; TotalLength %lu", total);
    if (total >= sizeof(void *) + sizeof header)
        say(", first message level %d type %d", header.cmsg_level, header.cmsg_type);
    return ANSWERS;
}

/* ---- questions that can crash their process ---- */

static enum answer ask_close_armed(void)
{
    must(rio.notify(cq) == 0, "ask for a notification");
    rio.close_cq(cq);
    say("RIOCloseCompletionQueue with a notification armed: %s packet",
        await_packet(NEVER_MS) ? "a" : "no");
    return ANSWERS;
}

static enum answer ask_notify_none(void)
{
    say("RIONotify on RIO_INVALID_CQ: ");
    int code = rio.notify(RIO_NO_CQ);

    say_code(code);
    return code == WSAEINVAL ? CONFIRMS : DIFFERS;
}

static enum answer ask_no_rq(void)
{
    say("RIOReceive on RIO_INVALID_RQ: ");
    say_call(post_receive(RIO_NO_RQ, 0, 100, 0));
    return ANSWERS;
}

static enum answer ask_closed_rq(void)
{
    struct pair pair = open_datagrams();
    struct rio_result result;

    must(post_receive(pair.rq, 0, 100, 0), "post a receive");
    closesocket(pair.socket);
    say("COMMIT_ONLY by a request queue whose socket is closed: ");
    say_call(rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    await_result(&result, SOON_MS);
    say("; when its receive was dequeued: ");
    say_call(rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    return ANSWERS;
}

/* ---- running the questions ---- */

static const struct question {
    const char *rules; /* rules of docs/design/rio-rules.md */
    const char *about;
    enum answer (*ask)(void);
} questions[] = {
    {"G3", "must cbSize be set", ask_size_before},
    {"G6", "one table for all families", ask_same_table},
    {"S8", "sockets without WSA_FLAG_REGISTERED_IO", ask_no_flag},
    {"S8 Q3 Q7", "request queues that cannot be", ask_bad_numbers},
    {"S10", "two request queues for one socket", ask_second_rq},
    {"N5", "notification of a polled queue", ask_notify_polled},
    {"N4", "RIONotify twice", ask_notify_twice},
    {"N2 N4", "RIONotify when there is something already", ask_notify_full},
    {"N3", "RIO_MSG_DONT_NOTIFY", ask_quiet_send},
    {"B5", "pieces out of range", ask_out_of_range},
    {"F3 F11 F12", "flags", ask_flags},
    {"Q5 F13", "too many requests; FALSE with 997", ask_too_many},
    {"F1 F5", "what starts a deferred receive", ask_defer},
    {"B10", "one registration for data and address", ask_one_registration},
    {"T9", "requests of a thread that ended", ask_thread_exit},
    {"E1 E3", "status of FIN and reset", ask_ends},
    {"E3 X2 X3", "status after closesocket", ask_close},
    {"X4", "deferred requests at closesocket", ask_close_deferred},
    {"U7 E2", "oversize and empty datagrams", ask_datagram_sizes},
    {"U8", "unreachable ports", ask_unreachable},
    {"E7 E8", "sends to a peer that does not read", ask_slow_peer},
    {"X13", "requests after shutdown", ask_after_shutdown},
    {"Q11", "when closing gives room back", ask_room_after_close},
    {"S4", "a listener without the flag", ask_plain_listener},
    {"S5", "accept() instead of AcceptEx", ask_plain_accept},
    {"U12", "segmented sends", ask_segments_out},
    {"U12", "coalesced receives", ask_segments_in},
    {"A16", "DisconnectEx, and the socket again", ask_reuse},
    {"S11", "WSASend and WSARecv on a RIO socket", ask_plain_calls},
    {"X10", "closing an armed queue", ask_close_armed},
    {"N5", "notification of no queue", ask_notify_none},
    {"X5", "a request by no request queue", ask_no_rq},
    {"X5", "a commit after closesocket", ask_closed_rq},
};

#define QUESTIONS (sizeof questions / sizeof questions[0])

/* Ends a crashed process immediately, without a dialog, with the exception code as exit code. */
static LONG WINAPI on_crash(EXCEPTION_POINTERS *exception)
{
    TerminateProcess(GetCurrentProcess(), exception->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

static int ask(size_t number)
{
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    SetUnhandledExceptionFilter(on_crash);
    must(load_main_table() == 0, "get Registered I/O");
    open_desk();
    enum answer answer = questions[number - 1].ask();

    return (int)answer;
}

static const char *verdict(DWORD code)
{
    switch (code) {
    case CONFIRMS: return "confirms";
    case DIFFERS: return "DIFFERS from";
    case ANSWERS: return "answers";
    case UNTRIED: return "leaves untried";
    default: return NULL;
    }
}

/* Runs a question's process and returns its exit code in *code; false if it could not be started.
 */
static bool run_question(size_t number, DWORD *code)
{
    wchar_t program[MAX_PATH], command[MAX_PATH + 40];
    STARTUPINFOW how = {.cb = sizeof how};
    PROCESS_INFORMATION process;

    if (GetModuleFileNameW(NULL, program, MAX_PATH) >= MAX_PATH) return false;
    swprintf(command, sizeof command / sizeof command[0], L"\"%ls\" --question %u", program,
             (unsigned)number);
    if (!CreateProcessW(program, command, NULL, NULL, TRUE, 0, NULL, NULL, &how, &process))
        return false;
    *code = WAIT_TIMEOUT;
    if (WaitForSingleObject(process.hProcess, QUESTION_MS) == WAIT_OBJECT_0)
        GetExitCodeProcess(process.hProcess, code);
    else
        TerminateProcess(process.hProcess, WAIT_TIMEOUT);
    WaitForSingleObject(process.hProcess, SOON_MS);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return true;
}

static int ask_all(void)
{
    int counts[4] = {0}, ended = 0;

    for (size_t i = 0; i < QUESTIONS; i++) {
        DWORD code;

        say("%2u %s [%s]: ", (unsigned)i + 1, questions[i].about, questions[i].rules);
        if (!run_question(i + 1, &code)) {
            printf("cannot start its process: error %lu\n", GetLastError());
            return 1;
        }
        if (verdict(code)) {
            counts[code - CONFIRMS]++;
            say(" -> %s %s\n", verdict(code), questions[i].rules);
        } else {
            ended++;
            say("%s", code == WAIT_TIMEOUT ? " -> STOOD STILL, ended after the limit: "
                                           : " -> ENDED ITS PROCESS: ");
            say_code((int)code);
            say(" [%s]\n", questions[i].rules);
        }
    }
    say("rio_probe: %d questions: %d confirm, %d differ, %d answer, %d untried, %d ended or stood "
        "still\n",
        (int)QUESTIONS, counts[0], counts[1], counts[2], counts[3], ended);
    return 0;
}

static void say_system(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = ntdll ? GetProcAddress(ntdll, "RtlGetVersion") : NULL;
    LONG(WINAPI * get_version)(OSVERSIONINFOW *);
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};

    if (!found) return;
    memcpy(&get_version, &found, sizeof get_version);
    get_version(&version);
    say("rio_probe: Windows %lu.%lu.%lu%s, %u-bit\n", version.dwMajorVersion,
        version.dwMinorVersion, version.dwBuildNumber,
        GetProcAddress(ntdll, "wine_get_version") ? " as reported by Wine" : "",
        (unsigned)(8 * sizeof(void *)));
}

int main(int argc, char **argv)
{
    WSADATA winsock;
    int code = WSAStartup(MAKEWORD(2, 2), &winsock);

    if (code != 0) {
        fprintf(stderr, "rio_probe: cannot start Winsock: error %d\n", code);
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "--question") == 0) {
        unsigned long number = strtoul(argv[2], NULL, 10);

        if (number >= 1 && number <= QUESTIONS) return ask(number);
    }
    if (argc != 1) {
        fprintf(stderr, "rio_probe: usage: rio_probe [--question N], N from 1 to %u\n",
                (unsigned)QUESTIONS);
        return 1;
    }
    say_system();
    code = load_main_table();
    if (code == 0) return ask_all();
    say("rio_probe: Registered I/O is refused here: ");
    say_code(code);
    say("; it takes Windows 8 or Server 2012 or later (10045: as on Wine; 10022: an older Windows, "
        "or a layered provider, see 'netsh winsock show catalog'). Nothing was asked.\n");
    return 77;
}
