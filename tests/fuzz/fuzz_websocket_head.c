/* SPDX-License-Identifier: MIT */
/* fuzz_websocket_head.c - request heads of a WebSocket: how they are cut changes neither the answer
 * nor the bytes that remain, and an answer has no lines that the client wrote.
 *
 * input: bytes 0 and 1 are the cuts, the rest is the stream; it follows a valid request without
 *             its last line if byte 0 is odd
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "websocket_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum websocket_head_result result;
    char answer[WEBSOCKET_HEAD_ANSWER_BYTES_MAX];
    size_t answer_length, used;
};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* An answer is a head with known lines. */
static void check_answer(const struct outcome *outcome)
{
    static const char *const lines[] = {
        "HTTP/1.1 ",       "Connection: ",
        "Upgrade: ",       "Sec-WebSocket-",
        "Cache-Control: ", "Content-Type:",
        "Content-Length",  "Allow: ",
        "X-Content-Type",  "Content-Security-Policy: ",
    };
    const char *at = outcome->answer, *end = outcome->answer + outcome->answer_length;

    while (end - at > 2 && memcmp(at, "\r\n", 2) != 0) {
        int is_known = 0;
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            is_known |= strncmp(at, lines[i], strlen(lines[i])) == 0;
        if (!is_known) fail("an answer has an unknown line");
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at) fail("a line of an answer does not end");
        at++;
    }
}

static void parse(const uint8_t *data, size_t size, size_t first, size_t next,
                  struct outcome *outcome)
{
    static const char *const subprotocols[] = {"game", "binary"};
    const struct websocket_head_settings settings = {.path = "/play",
                                                     .subprotocols = subprotocols,
                                                     .subprotocols_count = 2,
                                                     .web_page = (const uint8_t *)"page",
                                                     .web_page_length = 4};
    struct websocket_head head;
    size_t at = 0, piece = first;

    websocket_head_open(&head, &settings);
    *outcome = (struct outcome){.result = WEBSOCKET_HEAD_MORE};
    while (outcome->result == WEBSOCKET_HEAD_MORE && at < size) {
        if (piece > size - at) piece = size - at;
        uint8_t *copy = malloc(piece > 0 ? piece : 1);
        const uint8_t *in = copy;
        size_t length = piece;
        if (!copy) abort();
        memcpy(copy, data + at, piece);
        outcome->result =
            websocket_head_feed(&head, &in, &length, outcome->answer, &outcome->answer_length);
        at += piece - length;
        free(copy);
        piece = next;
    }
    /* A request that is refused can be refused earlier or later, but not differently. */
    outcome->used = outcome->result == WEBSOCKET_HEAD_REFUSED ? 0 : at;
    if (outcome->result != WEBSOCKET_HEAD_MORE) check_answer(outcome);
    websocket_head_close(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char request[] =
        "GET /play?a=b HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    static uint8_t stream[sizeof request + 2 * WEBSOCKET_HEAD_BYTES_MAX];
    static struct outcome whole, cut;

    if (size < 2 || size > 2 * WEBSOCKET_HEAD_BYTES_MAX) return 0;
    size_t length = data[0] & 1 ? sizeof request - 1 : 0;
    memcpy(stream, request, length);
    memcpy(stream + length, data + 2, size - 2);
    length += size - 2;
    parse(stream, length, SIZE_MAX, SIZE_MAX, &whole);
    const size_t firsts[] = {(size_t)data[0] + 1, 1}, nexts[] = {(size_t)data[1] + 1, 1};
    for (size_t i = 0; i < 2; i++) {
        parse(stream, length, firsts[i], nexts[i], &cut);
        if (cut.result != whole.result) fail("the cut changes the result");
        if (cut.used != whole.used) fail("the cut changes what remains");
        if (cut.answer_length != whole.answer_length ||
            memcmp(cut.answer, whole.answer, cut.answer_length) != 0)
            fail("the cut changes the answer");
    }
    return 0;
}
