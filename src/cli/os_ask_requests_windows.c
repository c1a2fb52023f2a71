/* SPDX-License-Identifier: MIT */
/* os_ask_requests_windows.c - questions about requests and the contents of their completions. Each
 * question runs in a process of its own, which owns what it opens until it ends. */
#include "os_ask.h"

#include <stdlib.h>
#include <string.h>

#include "os_desk.h"

#define ASK__CONNRESET 0x9800000Cu /* SIO_UDP_CONNRESET; toolchains differ in it */

/* ---- questions: requests ---- */

enum os_answer ask_out_of_range(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_piece past = desk_piece(0, DESK_BUFFER_BYTES - 10, 11);
    int codes[2];

    desk_say("one byte past the registration: receive ");
    codes[0] =
        desk_say_call(desk.rio.receive(pair.rq, &past, 1, 0, NULL) != 0) ? 0 : WSAGetLastError();
    desk_say(", send ");
    codes[1] =
        desk_say_call(desk.rio.send(pair.rq, &past, 1, 0, NULL) != 0) ? 0 : WSAGetLastError();
    desk_say("; a registration of no bytes: ");
    desk_say_call(desk.rio.register_buffer(desk.memory, 0) != RIO_NO_BUFFER);
    for (int i = 0; i < 2; i++)
        if (codes[i] != WSAEINVAL && codes[i] != WSAEFAULT) return OS_ANSWER_DIFFERS;
    return OS_ANSWER_CONFIRMS;
}

enum os_answer ask_flags(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_piece data = desk_piece(0, 0, 100);
    bool expected = true;

    desk_say("an unknown flag: ");
    expected &= !desk_say_call(desk.rio.receive(pair.rq, &data, 1, 0x80, NULL) != 0);
    desk_say("; COMMIT_ONLY with data: ");
    expected &= !desk_say_call(desk.rio.receive(pair.rq, &data, 1, RIO_COMMIT_ONLY, NULL) != 0);
    desk_say("; WAITALL on UDP: ");
    expected &= !desk_say_call(desk.rio.receive(pair.rq, &data, 1, RIO_WAITALL, NULL) != 0);
    desk_say("; COMMIT_ONLY with nothing to commit: ");
    expected &= desk_say_call(desk.rio.receive(pair.rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0);
    return expected ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

/* Sends repeatedly from eight registrations; prints how often the call returned FALSE, and with
 * which error. */
static void ask__say_sends(const struct desk_pair *pair, int *pending)
{
    struct rio_result result;
    int good = 0, full = 0, others = 0, buffer = DESK_BUFFERS / 2, fresh = buffer + 1;

    for (int i = 0; i < 5000; i++) {
        if (desk_post_send(pair->rq, buffer, 100, 0)) {
            good++;
            if (fresh < DESK_BUFFERS)
                buffer = fresh++;
            else if (desk_await_result(&result, DESK_SOON_MS))
                buffer = (int)result.request_context - 1;
            else
                break;
        } else {
            int code = WSAGetLastError();

            *(code == WSAENOBUFS ? &full : code == WSA_IO_PENDING ? pending : &others) += 1;
        }
    }
    desk_say("; of 5000 sends %d TRUE, FALSE with 10055 %d, with 997 %d, with others %d", good,
             full, *pending, others);
}

enum os_answer ask_too_many(void)
{
    struct desk_pair pair = desk_open_datagrams();
    int pending = 0;

    for (int i = 0; i < DESK_RECEIVES_MAX; i++)
        desk_must(desk_post_receive(pair.rq, i, 1, 0), "post as many receives as were asked for");
    desk_say("one receive too many: ");
    bool expected = !desk_say_call(desk_post_receive(pair.rq, DESK_RECEIVES_MAX, 1, 0)) &&
                    WSAGetLastError() == WSAENOBUFS;

    desk_must(connect(pair.socket, (const struct sockaddr *)&pair.peer_address,
                      sizeof pair.peer_address) == 0,
              "connect");
    ask__say_sends(&pair, &pending);
    return expected && pending == 0 ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum start { START_NEVER, START_BY_ITSELF, START_BY_SENDS, START_BY_RECEIVES };

/* What a deferred receive completes by. Both commits are made, whether or not it has completed;
 * *committed: they succeeded. */
static enum start ask__start_of_deferred(const struct desk_pair *pair, bool *committed)
{
    struct rio_result result;
    enum start start = desk_await_result(&result, DESK_NEVER_MS) ? START_BY_ITSELF : START_NEVER;

    *committed = desk.rio.send(pair->rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0;
    if (start == START_NEVER && desk_await_result(&result, DESK_NEVER_MS)) start = START_BY_SENDS;
    *committed &= desk.rio.receive(pair->rq, NULL, 0, RIO_COMMIT_ONLY, NULL) != 0;
    if (start == START_NEVER && desk_await_result(&result, DESK_SOON_MS)) start = START_BY_RECEIVES;
    return start;
}

enum os_answer ask_defer(void)
{
    static const char *const texts[] = {
        [START_NEVER] = "NEVER",
        [START_BY_ITSELF] = "without any commit",
        [START_BY_SENDS] = "by a commit of SENDS",
        [START_BY_RECEIVES] =
            "by a commit of receives, and neither before nor by a commit of sends",
    };
    struct desk_pair pair = desk_open_datagrams();
    bool committed;

    desk_must(desk_post_receive(pair.rq, 0, 100, RIO_DEFER), "post a deferred receive");
    desk_peer_sends(&pair, 10);
    enum start start = ask__start_of_deferred(&pair, &committed);

    desk_say("a deferred receive and a datagram for it: it completed %s", texts[start]);
    if (start == START_BY_RECEIVES) return committed ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
    return start == START_NEVER ? OS_ANSWER_DIFFERS : OS_ANSWER_CONFIRMS;
}

enum os_answer ask_one_registration(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;
    char got[200];

    memset(desk.memory, 'x', 100);
    desk_say("RIOSendEx with data and address in one registration: ");
    desk_say_call(desk_post_send_to(&pair, 0, 100, &pair.peer_address, 0, NULL));
    bool came = desk_await_result(&result, DESK_SOON_MS);
    int bytes = recv(pair.peer, got, sizeof got, 0);

    desk_say(", ");
    desk_say_result(came, &result);
    desk_say("; the peer got %d bytes", bytes);
    return came && result.status == 0 && bytes == 100 && memcmp(got, desk.memory, 100) == 0
               ? OS_ANSWER_CONFIRMS
               : OS_ANSWER_DIFFERS;
}

static DWORD WINAPI ask__post_and_exit(void *of)
{
    const struct desk_pair *pair = of;

    return desk_post_receive(pair->rq, 0, 100, 0);
}

enum os_answer ask_thread_exit(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;
    DWORD posted = 0;
    HANDLE thread = CreateThread(NULL, 0, ask__post_and_exit, &pair, 0, NULL);

    desk_must(thread && WaitForSingleObject(thread, DESK_SOON_MS) == WAIT_OBJECT_0, "run a thread");
    GetExitCodeThread(thread, &posted);
    desk_must(posted, "post a receive from a thread");
    bool early = desk_await_result(&result, DESK_NEVER_MS);

    desk_say("a receive whose thread has ended: ");
    if (!early) {
        desk_peer_sends(&pair, 10);
        desk_say("still pending; when a datagram came, ");
    }
    desk_say_result(early || desk_await_result(&result, DESK_SOON_MS), &result);
    return OS_ANSWER_ANSWERS;
}

/* ---- questions: contents of completions ---- */

enum os_answer ask_ends(void)
{
    struct desk_pair pair = desk_open_stream();
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    struct rio_result fin, reset, late;

    desk_must(desk_post_receive(pair.rq, 0, 100, 0), "post a receive");
    shutdown(pair.peer, SD_SEND);
    bool fin_came = desk_await_result(&fin, DESK_SOON_MS);

    desk_say("the peer's FIN: ");
    desk_say_result(fin_came, &fin);
    pair = desk_open_stream();
    desk_must(desk_post_receive(pair.rq, 1, 100, 0), "post a receive");
    setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
    closesocket(pair.peer);
    bool reset_came = desk_await_result(&reset, DESK_SOON_MS);

    desk_say("; the peer's reset: ");
    desk_say_result(reset_came, &reset);
    desk_say("; a send after it: ");
    if (desk_say_call(desk_post_send(pair.rq, 2, 10, 0))) {
        desk_say(", ");
        desk_say_result(desk_await_result(&late, DESK_SOON_MS), &late);
    }
    return fin_came && fin.status == 0 && fin.bytes == 0 && reset_came &&
                   (reset.status == WSAECONNRESET || reset.status == 64 ||
                    reset.status == (int32_t)0xC000020D)
               ? OS_ANSWER_CONFIRMS
               : OS_ANSWER_DIFFERS;
}

/* Closes with pending receives; prints the number of completions, their status and delay. */
static bool ask__is_drained(const char *what, const struct desk_pair *pair)
{
    struct rio_result result;
    int came = 0;
    int32_t status = 0;

    for (int i = 0; i < 4; i++) desk_must(desk_post_receive(pair->rq, i, 100, 0), "post a receive");
    closesocket(pair->socket);
    double began = desk_now_ms(), last = began;

    for (; came < 4 && desk_await_result(&result, DESK_SOON_MS); came++) {
        status = result.status;
        last = desk_now_ms();
    }
    desk_say("%s: %d of 4 receives complete after closesocket, the last %.1f ms later with ", what,
             came, last - began);
    desk_say_code(status);
    return came == 4 && status != 0;
}

enum os_answer ask_close(void)
{
    struct desk_pair stream = desk_open_stream(), datagrams = desk_open_datagrams();
    bool expected = ask__is_drained("TCP", &stream);

    expected &= ask__is_drained("; UDP", &datagrams);
    return expected ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}

enum os_answer ask_close_deferred(void)
{
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result result;
    int came = 0;

    for (int i = 0; i < 2; i++)
        desk_must(desk_post_receive(pair.rq, i, 100, RIO_DEFER), "post a deferred receive");
    closesocket(pair.socket);
    while (came < 2 && desk_await_result(&result, DESK_SOON_MS)) came++;
    desk_say("of 2 deferred, never committed receives %d completed after closesocket", came);
    if (came > 0) {
        desk_say(", with status ");
        desk_say_code(result.status);
    }
    return OS_ANSWER_ANSWERS;
}

/* The datagram was larger than the 100 bytes of its receive, and the result tells so. */
static bool ask__tells_cut(bool came, const struct rio_result *result)
{
    return came && (result->status == WSAEMSGSIZE || result->status == 234 || result->bytes > 100 ||
                    result->status == (int32_t)0x80000005);
}

static bool ask__is_whole(bool came, const struct rio_result *result, uint32_t bytes)
{
    return came && result->status == 0 && result->bytes == bytes;
}

enum os_answer ask_datagram_sizes(void)
{
    static const char *const texts[] = {"1000 bytes into room for 100", "; an empty datagram",
                                        "; the one after them"};
    static const int sizes[] = {1000, 0, 50};
    struct desk_pair pair = desk_open_datagrams();
    struct rio_result results[3];
    bool came[3];

    for (int i = 0; i < 3; i++) desk_must(desk_post_receive(pair.rq, i, 100, 0), "post a receive");
    for (int i = 0; i < 3; i++) desk_peer_sends(&pair, sizes[i]);
    for (int i = 0; i < 3; i++) came[i] = desk_await_result(&results[i], DESK_SOON_MS);
    for (int i = 0; i < 3; i++) {
        desk_say("%s: ", texts[i]);
        desk_say_result(came[i], &results[i]);
    }
    return ask__tells_cut(came[0], &results[0]) && ask__is_whole(came[1], &results[1], 0) &&
                   came[2] && results[2].bytes == 50
               ? OS_ANSWER_CONFIRMS
               : OS_ANSWER_DIFFERS;
}

enum os_answer ask_unreachable(void)
{
    bool reported = false;

    for (int on = 1; on >= 0; on--) {
        struct desk_pair pair = desk_open_datagrams();
        struct rio_result sent, received;
        BOOL setting = on;
        DWORD bytes;

        desk_must(WSAIoctl(pair.socket, ASK__CONNRESET, &setting, sizeof setting, NULL, 0, &bytes,
                           NULL, NULL) == 0,
                  "set SIO_UDP_CONNRESET");
        closesocket(pair.peer); /* its port is closed now */
        desk_must(desk_post_receive(pair.rq, 0, 100, 0), "post a receive");
        desk_must(desk_post_send_to(&pair, 1, 10, &pair.peer_address, DESK_SENDS_BUFFER, NULL),
                  "send");
        desk_must(desk_await_result(&sent, DESK_SOON_MS), "complete the send");
        bool came = desk_await_result(&received, DESK_NEVER_MS);

        desk_say("%sSIO_UDP_CONNRESET %s, a datagram to a closed port: send ", on ? "" : "; ",
                 on ? "on" : "off");
        desk_say_code(sent.status);
        desk_say(", pending receive: ");
        desk_say_result(came, &received);
        if (!on && (came || sent.status != 0)) reported = true;
    }
    return reported ? OS_ANSWER_DIFFERS : OS_ANSWER_CONFIRMS;
}

/* Waits for up to sends_max completions of full buffers. Returns their number, and counts those
 * with fewer bytes. */
static int ask__await_sends(int sends_max, int wait_ms, int *cut)
{
    struct rio_result result;
    int count = 0;

    for (; count < sends_max && desk_await_result(&result, wait_ms); count++)
        *cut += result.bytes != DESK_BUFFER_BYTES;
    return count;
}

static long long ask__read_all(SOCKET peer, long long bytes_max)
{
    static char sink[DESK_BUFFER_BYTES];
    long long got = 0;

    while (got < bytes_max) {
        int bytes = recv(peer, sink, sizeof sink, 0);

        if (bytes <= 0) break;
        got += bytes;
    }
    return got;
}

enum os_answer ask_slow_peer(void)
{
    struct desk_pair pair = desk_open_stream();
    int cut = 0;

    for (int i = 0; i < DESK_BUFFERS; i++)
        desk_must(desk_post_send(pair.rq, i, DESK_BUFFER_BYTES, 0), "post a send");
    int before = ask__await_sends(DESK_BUFFERS, DESK_NEVER_MS, &cut);
    long long got = ask__read_all(pair.peer, (long long)DESK_BUFFERS * DESK_BUFFER_BYTES);
    int after = ask__await_sends(DESK_BUFFERS - before, DESK_SOON_MS, &cut);

    desk_say(
        "of 16 sends of 64 KiB to a peer that does not read (64 KiB of window) %d completed; %d "
        "more once it read all %lld KiB; %d with fewer bytes than asked",
        before, after, got / 1024, cut);
    return before < DESK_BUFFERS && before + after == DESK_BUFFERS && cut == 0 ? OS_ANSWER_CONFIRMS
                                                                               : OS_ANSWER_DIFFERS;
}

enum os_answer ask_after_shutdown(void)
{
    struct desk_pair pair = desk_open_stream();
    struct rio_result result;
    bool reported = false;

    shutdown(pair.socket, SD_SEND);
    desk_say("a send after SD_SEND: ");
    if (desk_say_call(desk_post_send(pair.rq, 0, 10, 0))) {
        bool came = desk_await_result(&result, DESK_SOON_MS);

        desk_say(", ");
        desk_say_result(came, &result);
        reported = came && result.status != 0;
    } else {
        reported = true;
    }
    desk_must(desk_post_receive(pair.rq, 1, 100, 0), "post a receive");
    desk_must(send(pair.peer, "hello", 5, 0) == 5, "send from the peer");
    desk_say("; a receive then: ");
    desk_say_result(desk_await_result(&result, DESK_SOON_MS), &result);
    shutdown(pair.socket, SD_RECEIVE);
    desk_say("; a receive after SD_RECEIVE: ");
    if (desk_say_call(desk_post_receive(pair.rq, 2, 100, 0))) {
        desk_say(", ");
        desk_say_result(desk_await_result(&result, DESK_SOON_MS), &result);
    }
    return reported ? OS_ANSWER_CONFIRMS : OS_ANSWER_DIFFERS;
}
