/* SPDX-License-Identifier: MIT */
/* os_desk_windows.c - what the questions about Registered I/O share: output, one completion queue
 * with registered buffers, waiting with time limits, and pairs of sockets on the loopback address.
 * The process of a question owns everything until it ends. */
#include "os_desk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_stream.h"

struct desk desk;

/* ---- output ---- */

void desk_say(const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if ((size_t)length >= sizeof text) length = (int)sizeof text - 1;
    (void)os_write(1, text, (size_t)length); /* now: the next call may crash the process */
}

static const char *desk__code_name(int code)
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

void desk_say_code(int code)
{
    if (code < 0)
        desk_say("0x%08X (%s)", (unsigned)code, desk__code_name(code));
    else
        desk_say("%d (%s)", code, desk__code_name(code));
}

/* Prints a call's result: TRUE, or FALSE with the error code. */
bool desk_say_call(bool good)
{
    int code = WSAGetLastError();

    if (good) {
        desk_say("TRUE");
        return true;
    }
    desk_say("FALSE with ");
    desk_say_code(code);
    WSASetLastError(code);
    return false;
}

void desk_say_result(bool came, const struct rio_result *result)
{
    if (!came) {
        desk_say("no completion");
        return;
    }
    desk_say("a completion with status ");
    desk_say_code(result->status);
    desk_say(", %u bytes", (unsigned)result->bytes);
}

/* Requires a precondition of the question. */
void desk_must(bool good, const char *what)
{
    int code = WSAGetLastError();

    if (good) return;
    desk_say("cannot %s: ", what);
    desk_say_code(code);
    exit(OS_ANSWER_UNTRIED); /* tidy: allow exit - a process answers one question */
}

/* ---- the table, the queue, the buffers ---- */

int desk_load_table(SOCKET any, struct rio_table *table, DWORD table_bytes, DWORD *bytes)
{
    GUID name = RIO_TABLE_GUID;

    *bytes = 0;
    return WSAIoctl(any, RIO_TABLE_IOCTL, &name, sizeof name, table, table_bytes, bytes, NULL,
                    NULL) == 0
               ? 0
               : WSAGetLastError();
}

static int desk__load_main_table(void)
{
    DWORD bytes;
    SOCKET any = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, DESK_RIO_SOCKET);
    int code = any == INVALID_SOCKET ? WSAGetLastError() : 0;

    desk.rio.size = sizeof desk.rio;
    if (code == 0) code = desk_load_table(any, &desk.rio, sizeof desk.rio, &bytes);
    if (any != INVALID_SOCKET) closesocket(any);
    return code;
}

rio_cq desk_open_cq(uint32_t size)
{
    struct rio_notification notification = {.type = RIO_NOTIFY_BY_PORT};

    notification.port.port = desk.port;
    notification.port.key = &desk.port;
    notification.port.overlapped = &desk.notified;
    return desk.rio.create_cq(size, &notification);
}

void desk_open(void)
{
    desk_must(desk__load_main_table() == 0, "get Registered I/O");
    desk.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    desk_must(desk.port != NULL, "open a port");
    desk.cq = desk_open_cq(DESK_CQ_SIZE);
    desk_must(desk.cq != RIO_NO_CQ, "create a completion queue");
    desk.memory = VirtualAlloc(NULL, DESK_BUFFERS * DESK_BUFFER_BYTES, MEM_COMMIT, PAGE_READWRITE);
    desk_must(desk.memory != NULL, "allocate");
    for (int i = 0; i < DESK_BUFFERS; i++) {
        desk.buffers[i] = desk.rio.register_buffer(desk.memory + (size_t)i * DESK_BUFFER_BYTES,
                                                   DESK_BUFFER_BYTES);
        desk_must(desk.buffers[i] != RIO_NO_BUFFER, "register a buffer");
    }
}

struct rio_piece desk_piece(int buffer, uint32_t offset, uint32_t length)
{
    return (struct rio_piece){.id = desk.buffers[buffer], .offset = offset, .length = length};
}

void *desk_context(int buffer)
{
    return (void *)(uintptr_t)(buffer + 1);
}

bool desk_post_receive(rio_rq rq, int buffer, uint32_t length, uint32_t flags)
{
    struct rio_piece data = desk_piece(buffer, 0, length);

    return desk.rio.receive(rq, &data, 1, flags, desk_context(buffer)) != 0;
}

bool desk_post_send(rio_rq rq, int buffer, uint32_t length, uint32_t flags)
{
    struct rio_piece data = desk_piece(buffer, 0, length);

    return desk.rio.send(rq, &data, 1, flags, desk_context(buffer)) != 0;
}

/* ---- waiting, with time limits ---- */

double desk_now_ms(void)
{
    LARGE_INTEGER count, frequency;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart * 1000.0 / (double)frequency.QuadPart;
}

/* Polls, so that it depends on no notification. */
bool desk_await_result(struct rio_result *result, int wait_ms)
{
    double until = desk_now_ms() + wait_ms;

    memset(result, 0, sizeof *result);
    for (;;) {
        uint32_t count = desk.rio.dequeue(desk.cq, result, 1);

        if (count == RIO_CQ_CORRUPT) desk_say("(the completion queue is corrupt) ");
        if (count == 1) return true;
        if (count == RIO_CQ_CORRUPT || desk_now_ms() > until) return false;
        Sleep(1);
    }
}

bool desk_await_packet(DWORD wait_ms)
{
    DWORD bytes;
    ULONG_PTR key;
    OVERLAPPED *overlapped = NULL;

    GetQueuedCompletionStatus(desk.port, &bytes, &key, &overlapped, wait_ms);
    return overlapped == &desk.notified;
}

bool desk_await_overlapped(OVERLAPPED *overlapped, DWORD wait_ms)
{
    return WaitForSingleObject(overlapped->hEvent, wait_ms) == WAIT_OBJECT_0;
}

/* ---- sockets ---- */

struct sockaddr_in desk_loopback(u_short network_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = network_port};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

struct sockaddr_in desk_bind_to_loopback(SOCKET any)
{
    struct sockaddr_in address = desk_loopback(0);
    int bytes = sizeof address;

    desk_must(bind(any, (const struct sockaddr *)&address, sizeof address) == 0, "bind");
    desk_must(getsockname(any, (struct sockaddr *)&address, &bytes) == 0, "read an address");
    return address;
}

/* Gives an ordinary socket of the test a time limit for blocking calls. */
SOCKET desk_bounded(SOCKET any)
{
    DWORD wait_ms = DESK_SOON_MS;

    desk_must(any != INVALID_SOCKET, "open a socket");
    setsockopt(any, SOL_SOCKET, SO_RCVTIMEO, (const char *)&wait_ms, sizeof wait_ms);
    setsockopt(any, SOL_SOCKET, SO_SNDTIMEO, (const char *)&wait_ms, sizeof wait_ms);
    return any;
}

SOCKET desk_open_flagged(int type, DWORD flags)
{
    SOCKET opened = WSASocketW(AF_INET, type, 0, NULL, 0, flags);

    desk_must(opened != INVALID_SOCKET, "open a socket");
    return opened;
}

rio_rq desk_open_rq(SOCKET any)
{
    rio_rq rq =
        desk.rio.create_rq(any, DESK_RECEIVES_MAX, 1, DESK_SENDS_MAX, 1, desk.cq, desk.cq, NULL);

    desk_must(rq != RIO_NO_RQ, "create a request queue");
    return rq;
}

struct desk_pair desk_open_datagrams(void)
{
    struct desk_pair pair = {.socket = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET)};

    pair.address = desk_bind_to_loopback(pair.socket);
    pair.rq = desk_open_rq(pair.socket);
    pair.peer = desk_bounded(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    pair.peer_address = desk_bind_to_loopback(pair.peer);
    return pair;
}

SOCKET desk_open_listener(DWORD flags, struct sockaddr_in *address)
{
    SOCKET listener = desk_open_flagged(SOCK_STREAM, flags);
    int window_bytes = 64 * 1024; /* so that a peer that does not read blocks its sender soon */

    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, (const char *)&window_bytes, sizeof window_bytes);
    *address = desk_bind_to_loopback(listener);
    desk_must(listen(listener, 8) == 0, "listen");
    return listener;
}

/* The RIO socket connects, so that the test does not need AcceptEx. */
struct desk_pair desk_open_stream(void)
{
    struct desk_pair pair = {.socket = desk_open_flagged(SOCK_STREAM, DESK_RIO_SOCKET)};
    SOCKET listener = desk_open_listener(WSA_FLAG_OVERLAPPED, &pair.peer_address);

    desk_must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                      sizeof pair.peer_address) == 0,
              "connect");
    pair.peer = desk_bounded(accept(listener, NULL, NULL));
    closesocket(listener);
    pair.rq = desk_open_rq(pair.socket);
    return pair;
}

void desk_peer_sends(const struct desk_pair *pair, int bytes)
{
    static const char data[DESK_BUFFER_BYTES] = {0};

    desk_must(sendto(pair->peer, data, bytes, 0, (const struct sockaddr *)&pair->address,
                     sizeof pair->address) == bytes,
              "send from the ordinary socket");
}

bool desk_post_send_to(const struct desk_pair *pair, int buffer, uint32_t length,
                       const struct sockaddr_in *to, int address_buffer,
                       const struct rio_piece *control)
{
    uint32_t offset = DESK_BUFFER_BYTES - 64;
    struct rio_piece data = desk_piece(buffer, 0, length);
    struct rio_piece address = desk_piece(address_buffer, offset, sizeof(SOCKADDR_INET));
    char *bytes = desk.memory + (size_t)address_buffer * DESK_BUFFER_BYTES + offset;

    memset(bytes, 0, sizeof(SOCKADDR_INET));
    memcpy(bytes, to, sizeof *to);
    return desk.rio.send_ex(pair->rq, &data, 1, NULL, &address, control, NULL, 0,
                            desk_context(buffer)) != 0;
}
