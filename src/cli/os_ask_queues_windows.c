/* SPDX-License-Identifier: MIT */
/* os_ask_queues_windows.c - questions about the function table, request queues, completion queues
 * and notifications. Each question runs in a process of its own, which owns what it opens until it
 * ends. */
#include "os_ask.h"

#include <stdlib.h>
#include <string.h>

#include "os_desk.h"

/* ---- questions: the table, creating queues ---- */

enum os_answer ask_size_before(void)
{
    static const uint32_t sizes[] = {0, sizeof(struct rio_table), 8};
    int codes[3];
    DWORD bytes;
    SOCKET any = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);

    for (int i = 0; i < 3; i++) {
        struct rio_table table = {.size = sizes[i]};

        codes[i] = desk_load_table(any, &table, sizeof table, &bytes);
        desk_say("cbSize %u before the call: ", (unsigned)sizes[i]);
        desk_say_code(codes[i]);
        desk_say(", cbSize %u after it, %lu bytes; ", (unsigned)table.size, bytes);
    }
    struct rio_table table = {.size = sizeof table};
    int code = desk_load_table(any, &table, sizeof table / 2, &bytes);

    desk_say("with half the room: ");
    desk_say_code(code);
    return codes[0] == 0 && codes[1] == 0 ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_same_table(void)
{
    static const struct {
        const char *what;
        int family, type;
        DWORD flags;
    } kinds[] = {
        {"UDP, IPv4, without the flag", AF_INET, SOCK_DGRAM, WSA_FLAG_OVERLAPPED},
        {"UDP, IPv6", AF_INET6, SOCK_DGRAM, DESK_RIO_SOCKET},
        {"TCP, IPv4", AF_INET, SOCK_STREAM, DESK_RIO_SOCKET},
        {"TCP, IPv6", AF_INET6, SOCK_STREAM, DESK_RIO_SOCKET},
    };

    desk_say("the table of UDP, IPv4, compared with that of a socket of");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rio_table table = {.size = sizeof table};
        DWORD bytes;
        SOCKET any = WSASocketW(kinds[i].family, kinds[i].type, 0, NULL, 0, kinds[i].flags);
        int code = any == INVALID_SOCKET ? WSAGetLastError()
                                         : desk_load_table(any, &table, sizeof table, &bytes);

        desk_say("%s %s: ", i > 0 ? ";" : "", kinds[i].what);
        if (code != 0)
            desk_say_code(code);
        else
            desk_say(memcmp(&table.receive, &desk.rio.receive, sizeof desk.rio - sizeof(void *)) ==
                             0
                         ? "the same"
                         : "ANOTHER");
        if (any != INVALID_SOCKET) closesocket(any);
    }
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_no_flag(void)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    bool expected = true;

    for (int i = 0; i < 2; i++) {
        SOCKET plain = desk_open_flagged(types[i], WSA_FLAG_OVERLAPPED);
        rio_rq rq = desk.rio.create_rq(plain, 1, 1, 1, 1, desk.cq, desk.cq, NULL);

        desk_say("%s socket without the flag: ", i == 0 ? "UDP" : "; TCP");
        if (desk_say_call(rq != RIO_NO_RQ) || WSAGetLastError() != WSAEOPNOTSUPP) expected = false;
    }
    return expected ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

static bool ask__is_refused(const char *what, SOCKET any, uint32_t receives, uint32_t pieces,
                            rio_cq queue, int code)
{
    rio_rq rq = desk.rio.create_rq(any, receives, pieces, receives, pieces, queue, queue, NULL);

    desk_say("%s: ", what);
    return !desk_say_call(rq != RIO_NO_RQ) && WSAGetLastError() == code;
}

enum os_answer ask_bad_numbers(void)
{
    SOCKET udp = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);
    bool expected = ask__is_refused("no requests at all", udp, 0, 1, desk.cq, WSAEINVAL);

    expected &= ask__is_refused("; two pieces a request", udp, 1, 2, desk.cq, WSAEINVAL);
    expected &= ask__is_refused("; no pieces", udp, 1, 0, desk.cq, WSAEINVAL);
    expected &= ask__is_refused("; more than the completion queue holds", udp, DESK_CQ_SIZE, 1,
                                desk.cq, WSAENOBUFS);
    expected &= ask__is_refused("; no completion queue", udp, 1, 1, RIO_NO_CQ, WSAEINVAL);
    return expected ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_second_rq(void)
{
    SOCKET udp = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);

    desk_open_rq(udp);
    desk_say("a second request queue for one socket: ");
    desk_say_call(desk.rio.create_rq(udp, 1, 1, 1, 1, desk.cq, desk.cq, NULL) != RIO_NO_RQ);
    return OS_ANSWER_ANSWERS;
}

/* ---- questions: notification ---- */

enum os_answer ask_notify_polled(void)
{
    rio_cq polled = desk.rio.create_cq(8, NULL);

    desk_must(polled != RIO_NO_CQ, "create a completion queue without notification");
    int code = desk.rio.notify(polled);

    desk_say("RIONotify on a queue made to be polled: ");
    desk_say_code(code);
    return code == WSAEINVAL ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_notify_twice(void)
{
    int first = desk.rio.notify(desk.cq), second = desk.rio.notify(desk.cq);

    desk_say("on an empty queue: ");
    desk_say_code(first);
    desk_say(", then immediately ");
    desk_say_code(second);
    return first == 0 && second == WSAEALREADY ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_notify_full(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;

    desk_must(desk.rio.notify(desk.cq) == 0, "ask for the first notification");
    desk_must(desk_post_receive(pair.rq, 0, 100, 0), "post a receive");
    desk_peer_sends(&pair, 10);
    desk_must(desk_await_packet(DESK_SOON_MS), "get the first notification");
    int full = desk.rio.notify(desk.cq), again = desk.rio.notify(desk.cq);
    bool came = desk_await_packet(DESK_SOON_MS);

    desk_say("on a queue that holds a result: ");
    desk_say_code(full);
    desk_say(", again before its packet is taken: ");
    desk_say_code(again);
    desk_say("; a packet %s", came ? "came" : "did NOT come");
    desk_say(", a second one %s", desk_await_packet(DESK_NEVER_MS) ? "came too" : "did not");
    int after = desk.rio.notify(desk.cq);

    desk_say("; after taking it: ");
    desk_say_code(after);
    desk_must(desk_await_result(&result, DESK_SOON_MS), "find the result");
    return full == 0 && came && (after == 0 || again == 0) ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_quiet_send(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;

    desk_must(desk.rio.notify(desk.cq) == 0, "ask for a notification");
    desk_must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                      sizeof pair.peer_address) == 0,
              "connect");
    desk_must(desk_post_send(pair.rq, 0, 10, RIO_DONT_NOTIFY), "send");
    bool packet = desk_await_packet(DESK_NEVER_MS), came = desk_await_result(&result, DESK_SOON_MS);

    desk_say("a send with RIO_MSG_DONT_NOTIFY, notification armed: %s packet, ",
             packet ? "a" : "no");
    desk_say_result(came, &result);
    return !packet && came ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

/* ---- questions: capacity of a completion queue ---- */

/* Returns the time until a new request queue fits after one was closed; negative if it never did.
 */
static double ask__room_after_ms(rio_cq queue, double began, int wait_ms)
{
    SOCKET next = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);

    while (desk.rio.create_rq(next, 4, 1, 4, 1, queue, queue, NULL) == RIO_NO_RQ) {
        if (desk_now_ms() - began > wait_ms) {
            closesocket(next);
            return -1;
        }
        Sleep(0);
    }
    double took = desk_now_ms() - began;

    closesocket(next);
    return took;
}

enum os_answer ask_room_after_close(void)
{
    for (int receives = 0; receives <= 2; receives += 2) {
        rio_cq small = desk_open_cq(8);
        SOCKET udp = desk_open_flagged(SOCK_DGRAM, DESK_RIO_SOCKET);
        struct rio_result results[8];

        desk_must(small != RIO_NO_CQ, "create a completion queue");
        desk_bind_to_loopback(udp);
        rio_rq rq = desk.rio.create_rq(udp, 4, 1, 4, 1, small, small, NULL);

        desk_must(rq != RIO_NO_RQ, "create a request queue");
        for (int i = 0; i < receives; i++)
            desk_must(desk_post_receive(rq, i, 100, 0), "post a receive");
        closesocket(udp);
        double took = ask__room_after_ms(small, desk_now_ms(), DESK_SOON_MS);

        desk_say("%s%d receives pending at closesocket: room ", receives ? "; " : "", receives);
        if (took < 0) {
            uint32_t count = desk.rio.dequeue(small, results, 8);

            desk_say("not within %d ms; after dequeuing %u results: ", DESK_SOON_MS,
                     (unsigned)count);
            took = ask__room_after_ms(small, desk_now_ms(), DESK_SOON_MS);
        }
        if (took < 0)
            desk_say("NEVER");
        else
            desk_say("after %.2f ms", took);
    }
    return OS_ANSWER_ANSWERS;
}

/* ---- questions that can crash their process ---- */

enum os_answer ask_close_armed(void)
{
    desk_must(desk.rio.notify(desk.cq) == 0, "ask for a notification");
    desk.rio.close_cq(desk.cq);
    desk_say("RIOCloseCompletionQueue with a notification armed: %s packet",
             desk_await_packet(DESK_NEVER_MS) ? "a" : "no");
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_notify_none(void)
{
    desk_say("RIONotify on RIO_INVALID_CQ: ");
    int code = desk.rio.notify(RIO_NO_CQ);

    desk_say_code(code);
    return code == WSAEINVAL ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_no_rq(void)
{
    desk_say("RIOReceive on RIO_INVALID_RQ: ");
    desk_say_call(desk_post_receive(RIO_NO_RQ, 0, 100, 0));
    return OS_ANSWER_ANSWERS;
}

enum os_answer ask_closed_rq(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;

    desk_must(desk_post_receive(pair.rq, 0, 100, 0), "post a receive");
    closesocket(pair.socket);
    desk_say("COMMIT_ONLY by a request queue whose socket is closed: ");
    desk_say_call(desk.rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    desk_await_result(&result, DESK_SOON_MS);
    desk_say("; when its receive was dequeued: ");
    desk_say_call(desk.rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    return OS_ANSWER_ANSWERS;
}
