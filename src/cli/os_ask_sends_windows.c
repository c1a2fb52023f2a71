/* SPDX-License-Identifier: MIT */
/* os_ask_sends_windows.c - questions about pending sends of a connection: when they complete, and
 * what becomes of them at the end. Each question runs in a process of its own, which owns what it
 * opens until it ends. */
#include "os_ask.h"

#include "os_desk.h"

#define ASK__ROUNDS 20
#define ASK__SMALL_BYTES 100
#define ASK__LARGE_SENDS 12 /* of one buffer each: more than the peer's window */

/* ---- when sends complete ---- */

/* Waits for a completion without sleeping, so that the time is exact. Returns false at the limit.
 */
static bool ask__spin(struct rio_result *result)
{
    double until = desk_now_ms() + DESK_SOON_MS;

    while (desk.rio.dequeue(desk.cq, result, 1) != 1)
        if (desk_now_ms() > until) return false;
    return true;
}

struct ask__times {
    double least, most, sum;
    int count;
};

static void ask__add(struct ask__times *times, double ms)
{
    if (times->count == 0 || ms < times->least) times->least = ms;
    if (ms > times->most) times->most = ms;
    times->sum += ms;
    times->count++;
}

static void ask__say_times(const struct ask__times *times)
{
    if (times->count == 0)
        desk_say("never");
    else
        desk_say("%.3f to %.3f ms, %.3f on average", times->least, times->most,
                 times->sum / times->count);
}

/* The time from the post of `count` sends to the completion of the last; negative: never. */
static double ask__sends_ms(const struct desk_pair *pair, int count)
{
    struct rio_result result;
    double began = desk_now_ms();

    for (int i = 0; i < count; i++)
        desk_must(desk_post_send(pair->rq, i, ASK__SMALL_BYTES, 0), "post a send");
    for (int i = 0; i < count; i++)
        if (!ask__spin(&result)) return -1;
    return desk_now_ms() - began;
}

/* The same for overlapped sends, of another connection without RIO. */
static double ask__plain_send_ms(SOCKET from)
{
    static char bytes[ASK__SMALL_BYTES];
    static OVERLAPPED sending;
    WSABUF buffer = {.len = sizeof bytes, .buf = bytes};
    DWORD count;
    double began = desk_now_ms();

    if (!sending.hEvent) sending.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (WSASend(from, &buffer, 1, &count, 0, &sending, NULL) != 0 &&
        WSAGetLastError() != WSA_IO_PENDING)
        return -1;
    return desk_await_overlapped(&sending, DESK_SOON_MS) ? desk_now_ms() - began : -1;
}

static SOCKET ask__plain_connection(void)
{
    struct sockaddr_in address;
    SOCKET listener = desk_open_listener(WSA_FLAG_OVERLAPPED, &address);
    SOCKET from = desk_open_flagged(SOCK_STREAM, WSA_FLAG_OVERLAPPED);

    desk_must(connect(from, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
    desk_must(accept(listener, NULL, NULL) != INVALID_SOCKET, "accept");
    return from;
}

enum os_answer ask_silent_peer(void)
{
    struct desk_pair pair = desk_open_stream();
    SOCKET plain = ask__plain_connection();
    struct ask__times rio = {0}, overlapped = {0};

    for (int i = 0; i < ASK__ROUNDS; i++) {
        double ms = ask__sends_ms(&pair, 1), plain_ms = ask__plain_send_ms(plain);
        if (ms >= 0) ask__add(&rio, ms);
        if (plain_ms >= 0) ask__add(&overlapped, plain_ms);
    }
    desk_say("%d sends to a peer that neither reads nor answers complete after ", ASK__ROUNDS);
    ask__say_times(&rio);
    desk_say("; by WSASend, ");
    ask__say_times(&overlapped);
    return OS_ANSWER_ANSWERS;
}

/* Reads and drops what a number of small sends sent. */
static void ask__read_sends(SOCKET peer, int count)
{
    static char piece[DESK_BUFFER_BYTES];

    for (int left = count * ASK__SMALL_BYTES, got = 0; left > 0; left -= got) {
        got = recv(peer, piece, left < (int)sizeof piece ? left : (int)sizeof piece, 0);
        if (got <= 0) return;
    }
}

enum os_answer ask_sends_in_flight(void)
{
    static const int counts[] = {1, 2, 4, 8, 14};
    struct desk_pair pair = desk_open_stream();
    bool complete = true;

    desk_say("sends posted together, until the last one completes:");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct ask__times times = {0};

        for (int round = 0; round < ASK__ROUNDS; round++) {
            double ms = ask__sends_ms(&pair, counts[i]);
            if (ms >= 0) ask__add(&times, ms);
        }
        ask__read_sends(pair.peer, ASK__ROUNDS * counts[i]);
        desk_say("%s %d: ", i > 0 ? ";" : "", counts[i]);
        ask__say_times(&times);
        complete &= times.count == ASK__ROUNDS;
    }
    return complete ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

/* ---- what becomes of them ---- */

/* Posts more than the peer's window, while the peer reads nothing. Returns the number of bytes. */
static long long ask__fill(const struct desk_pair *pair)
{
    for (int i = 0; i < ASK__LARGE_SENDS; i++)
        desk_must(desk_post_send(pair->rq, i, DESK_BUFFER_BYTES, 0), "post a send");
    return (long long)ASK__LARGE_SENDS * DESK_BUFFER_BYTES;
}

/* Takes completions until none comes for a while; prints their number and the last status. Returns
 * the number of those that succeeded. */
static int ask__say_completions(void)
{
    struct rio_result result;
    int came = 0, good = 0;
    int32_t status = 0;

    while (came < ASK__LARGE_SENDS && desk_await_result(&result, DESK_NEVER_MS)) {
        came++;
        if (result.status == 0)
            good++;
        else
            status = result.status;
    }
    desk_say("%d of %d sends complete, %d of them well", came, ASK__LARGE_SENDS, good);
    if (came > good) {
        desk_say(", others with ");
        desk_say_code(status);
    }
    return good;
}

/* Reads until the end; prints the bytes and how the connection ended. Returns whether it ended by
 * FIN; *bytes: the number of bytes. */
static bool ask__say_end(SOCKET peer, long long *bytes)
{
    static char piece[DESK_BUFFER_BYTES];
    int count;

    for (*bytes = 0; (count = recv(peer, piece, sizeof piece, 0)) > 0;) *bytes += count;
    int code = count == 0 ? 0 : WSAGetLastError();
    desk_say("the peer got %lld bytes, then ", *bytes);
    if (count == 0)
        desk_say("FIN");
    else if (code == WSAECONNRESET)
        desk_say("RST");
    else
        desk_say_code(code);
    return count == 0;
}

enum os_answer ask_close_with_sends(void)
{
    struct desk_pair pair = desk_open_stream();
    long long posted = ask__fill(&pair), got;

    closesocket(pair.socket);
    desk_say("of %lld bytes that were posted before closesocket: ", posted);
    ask__say_completions();
    desk_say("; ");
    ask__say_end(pair.peer, &got);
    desk_say("; when it has read: ");
    ask__say_completions();
    return OS_ANSWER_ANSWERS; /* weir resets such a connection before the close */
}

enum os_answer ask_finish_with_sends(void)
{
    struct desk_pair pair = desk_open_stream();
    long long posted = ask__fill(&pair), got;
    bool finished = shutdown(pair.socket, SD_SEND) == 0;

    desk_say("of %lld bytes that were posted before shutdown(SD_SEND), ", posted);
    desk_say_call(finished);
    desk_say(": ");
    bool ended = ask__say_end(pair.peer, &got);
    desk_say("; ");
    int good = ask__say_completions();
    return finished && ended && got == posted && good == ASK__LARGE_SENDS ? OS_ANSWER_CONFIRMS
                                                                          : OS_ANSWER_DIFFERS;
}
