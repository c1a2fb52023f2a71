/* SPDX-License-Identifier: MIT */
/* test_websocket_head.c - request heads of a WebSocket: each is parsed whole, cut at every byte,
 * and byte by byte, and gets the same answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory_faults.h"
#include "websocket_head.h"
#include "websocket_key.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct websocket_head_settings settings;
static char answer[WEBSOCKET_HEAD_ANSWER_BYTES_MAX];
static size_t answer_length;

/* Parses the text, whose first piece has `first` bytes and the others `next`. The bytes after the
 * head must remain. */
static enum websocket_head_result parse(struct websocket_head *head, const char *text,
                                        size_t length, size_t first, size_t next, size_t *rest)
{
    enum websocket_head_result result = WEBSOCKET_HEAD_MORE;
    size_t at = 0, piece = first;

    websocket_head_open(head, &settings);
    answer_length = 0;
    const uint8_t *none = (const uint8_t *)"";
    size_t none_length = 0;
    assert_int_equal(websocket_head_feed(head, &none, &none_length, answer, &answer_length),
                     WEBSOCKET_HEAD_MORE);
    while (result == WEBSOCKET_HEAD_MORE && at < length) {
        if (piece > length - at) piece = length - at;
        uint8_t *copy = malloc(piece);
        const uint8_t *in = copy;
        size_t in_length = piece;
        assert_non_null(copy);
        memcpy(copy, text + at, piece);
        result = websocket_head_feed(head, &in, &in_length, answer, &answer_length);
        assert_ptr_equal(in + in_length, copy + piece);
        at += piece - in_length;
        free(copy);
        piece = next;
    }
    *rest = length - at;
    return result;
}

/* Checks that every cut gives this status; returns the last head, which the caller closes. */
static void check(struct websocket_head *head, const char *text, uint32_t status)
{
    size_t length = strlen(text), rest, whole_rest;
    static char whole[WEBSOCKET_HEAD_ANSWER_BYTES_MAX];

    enum websocket_head_result result = parse(head, text, length, length, 1, &whole_rest);
    if (head->status != status)
        fail_msg("%u (%s) is answered, not %u: %s", head->status, head->why ? head->why : "",
                 status, text);
    assert_int_equal(result == WEBSOCKET_HEAD_MORE, status == 0);
    assert_int_equal(result == WEBSOCKET_HEAD_ACCEPTED, status == 101);
    assert_int_equal(result == WEBSOCKET_HEAD_WEB_PAGE, status == 200);
    size_t whole_length = answer_length;
    memcpy(whole, answer, answer_length);
    for (size_t cut = 1; cut <= length; cut++) {
        if (length > 1000) cut += length / 9;
        websocket_head_close(head);
        if (cut < length)
            parse(head, text, length, cut, SIZE_MAX, &rest);
        else
            parse(head, text, length, 1, 1, &rest);
        assert_int_equal(head->status, status);
        assert_int_equal(answer_length, whole_length);
        assert_memory_equal(answer, whole, whole_length);
        if (status == 101) assert_int_equal(rest, whole_rest);
    }
}

static void check_status(const char *text, uint32_t status)
{
    struct websocket_head head;

    check(&head, text, status);
    websocket_head_close(&head);
}

#define LINES                                                             \
    "Host: game.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define OPENING "GET /play HTTP/1.1\r\n" LINES

static int reset(void **state)
{
    (void)state;
    settings = (struct websocket_head_settings){.path = "/play"};
    return 0;
}

/* The example of RFC 6455, section 1.2. */
static void the_answer_is_that_of_the_standard(void **state)
{
    char accept[WEBSOCKET_ACCEPT_LENGTH + 1];

    (void)state;
    websocket_key_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    check_status(OPENING "\r\n", 101);
    answer[answer_length] = '\0';
    assert_string_equal(answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static void the_bytes_behind_the_head_remain(void **state)
{
    struct websocket_head head;
    size_t rest;
    static const char text[] = OPENING "\r\n\x81\x80GET / HTTP/1.1\r\n\r\n";

    (void)state;
    check(&head, text, 101);
    websocket_head_close(&head);
    assert_int_equal(parse(&head, text, sizeof text - 1, sizeof text - 1, 1, &rest),
                     WEBSOCKET_HEAD_ACCEPTED);
    assert_int_equal(rest, sizeof text - 1 - strlen(OPENING "\r\n"));
    websocket_head_close(&head);
}

static void requests_and_their_status(void **state)
{
    static const struct {
        const char *text;
        uint32_t status;
    } tests[] = {
        {"", 0},
        {"GET /play", 0},
        {OPENING, 0},
        {OPENING "\r", 0},
        {OPENING "X-Other: 1\r\n\r\n", 101},
        {OPENING "X-A-Name-That-Is-Longer-Than-Any-That-Matters: 1\r\n\r\n", 101},
        {OPENING "Sec-WebSocket-Protocol-That-Is-Longer: a b\r\n\r\n", 101},
        {"GET /play?room=1&name=ada HTTP/1.1\r\n" LINES "\r\n", 101},
        {"GET /play? HTTP/1.1\r\n" LINES "\r\n", 101},
        {"GET / HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET /pla HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET /play/ HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET /Play HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET /../play HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET /%70lay HTTP/1.1\r\n" LINES "\r\n", 404},
        {"GET http://game.example/play HTTP/1.1\r\n" LINES "\r\n", 404},
        {"POST /play HTTP/1.1\r\n" LINES "\r\n", 405},
        {"HEAD /play HTTP/1.1\r\n" LINES "\r\n", 405},
        {"OPTIONS /play HTTP/1.1\r\n" LINES "\r\n", 405},
        {"GET /play HTTP/1.0\r\n" LINES "\r\n", 505},
        {"GET /play HTTP/1.1\r\nHost: a\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websockex\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 426},
        {"GET /play HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400},
        {OPENING "Content-Length: 0\r\n\r\n", 101},
        {OPENING "Content-Length: 5\r\n\r\nhello", 400},
        {OPENING "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {OPENING "Host: other.example\r\n\r\n", 400},
        {OPENING "Sec-WebSocket-Version: 8\r\n\r\n", 400},
        {OPENING "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400},
        {OPENING "Origin: http://game.example\r\nOrigin: http://game.example\r\n\r\n", 400},
        {OPENING "Connection: keep-alive\r\n\r\n", 101},
        {OPENING "Upgrade: other\r\n\r\n", 101},
        {OPENING "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101},
        {OPENING "Sec-WebSocket-Protocol: a b\r\n\r\n", 400},
        {OPENING "Sec-WebSocket-Protocol: \xc3\xa9\r\n\r\n", 400},
        {OPENING "Sec-WebSocket-Protocol: a;b\r\n\r\n", 400},
        {OPENING "Sec-WebSocket-Protocol: chat, game\r\n\r\n", 101},
        {"hello\n", 400},
        {"\x16\x03\x01\x02", 400},
        {"GET /play HTTP/9\r\n\r\n", 400},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"GET /play\r\n\r\n", 505},
        {"GET /play HTTP/1.1\r\nHost game.example\r\n\r\n", 400},
        {"GET /pl\x01y HTTP/1.1\r\n\r\n", 400},
        {"GET /play?a=\xc3\xa9 HTTP/1.1\r\n" LINES "\r\n", 400},
        {"GET /play?a=\tb HTTP/1.1\r\n" LINES "\r\n", 400},
        {"GET /play?a=\fb HTTP/1.1\r\n" LINES "\r\n", 400},
        {"GET /play HTTP/1.1\r\nX-Other: 1\n" LINES "\r\n", 400},
        {OPENING "X-Other: 1\r\r\n", 400},
        {OPENING "X Other: 1\r\n\r\n", 400},
        {OPENING "X-Other : 1\r\n\r\n", 400},
        {OPENING " X-Other: 1\r\n\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tests); i++) check_status(tests[i].text, tests[i].status);
}

static void blanks_around_a_value_do_not_belong_to_it(void **state)
{
    struct websocket_head head;

    (void)state;
    check(&head,
          "GET /play HTTP/1.1\r\nHost: \tgame.example\t \r\nUpgrade:websocket \r\n"
          "Connection: \t Upgrade\t\r\nSec-WebSocket-Version: 13 \r\nX-Other: 1 \r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==  \r\nOrigin: http://game.example \r\n"
          "Cookie: a=1 \r\nCookie: b=2; c=3\t\r\nAuthorization: \t \r\n\r\n",
          101);
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_HOST), "game.example");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_COOKIE), "a=1; b=2; c=3");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_AUTHORIZATION), "");
    websocket_head_close(&head);
}

static void folded_lines_are_refused(void **state)
{
    (void)state;
    check_status(OPENING "Origin: http://game.\r\n example\r\n\r\n", 400);
    check_status(OPENING "Cookie: a=1;\r\n\tb=2\r\n\r\n", 400);
    check_status(OPENING "X-Other: a\r\n b\r\n\r\n", 400);
}

static void names_and_tokens_ignore_case(void **state)
{
    (void)state;
    check_status("GET /play HTTP/1.1\r\nHOST: a\r\nUPGRADE: WebSocket\r\n"
                 "connection: keep-alive, uPgRaDe\r\nsec-websocket-KEY: "
                 "dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION:13\r\n\r\n",
                 101);
}

static void other_versions_get_the_right_one(void **state)
{
    static const char *const versions[] = {"", "8", "12", "14", "13, 8", "013", "13 ,", "x"};
    char text[400];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        snprintf(text, sizeof text,
                 "GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: %s\r\n\r\n",
                 versions[i]);
        check_status(text, 426);
        answer[answer_length] = '\0';
        assert_non_null(strstr(answer, "\r\nSec-WebSocket-Version: 13\r\n"));
        assert_non_null(strstr(answer, "\r\nUpgrade: websocket\r\n"));
    }
}

static void keys_are_16_bytes_of_base64(void **state)
{
    static const struct {
        const char *key;
        bool is_valid;
    } keys[] = {
        {"dGhlIHNhbXBsZSBub25jZQ==", true},
        {"AAAAAAAAAAAAAAAAAAAAAA==", true},
        {"//////////////////////==", false},
        {"+++++++++++++++++++++w==", true},
        {"dGhlIHNhbXBsZSBub25jZR==", false},
        {"dGhlIHNhbXBsZSBub25jZQ=", false},
        {"dGhlIHNhbXBsZSBub25jZQ", false},
        {"dGhlIHNhbXBsZSBub25j", false},
        {"dGhlIHNhbXBsZSBub25jZQ===", false},
        {"dGhlIHNhbXBsZS-ub25jZQ==", false},
        {"dGhlIHNhbXBsZSBub25jZQ==x", false},
        {"", false},
        {"==", false},
    };
    char text[400];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        snprintf(text, sizeof text,
                 "GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
                 keys[i].key);
        check_status(text, keys[i].is_valid ? 101 : 400);
    }
    check_status("GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n",
                 400);
}

static void check_origin(const char *host, const char *origin, uint32_t status)
{
    char text[600];

    snprintf(text, sizeof text,
             "GET /play HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Origin: %s\r\n\r\n",
             host, origin);
    check_status(text, status);
}

static void web_pages_of_the_same_host_may_connect(void **state)
{
    (void)state;
    check_origin("game.example", "http://game.example", 101);
    check_origin("game.example", "https://game.example", 101);
    check_origin("GAME.example", "http://game.EXAMPLE", 101);
    check_origin("game.example:7080", "http://game.example:7080", 101);
    check_origin("[::1]:7080", "http://[::1]:7080", 101);
    check_origin("game.example:80", "http://game.example", 101);
    check_origin("game.example:443", "https://game.example", 101);
    check_origin("game.example:443", "http://game.example", 403);
    check_origin("game.example:7080", "http://game.example", 403);
    check_origin("game.example", "http://game.example:7080", 403);
    check_origin("game.example", "http://evil-game.example", 403);
    check_origin("game.example", "http://game.example.evil.example", 403);
    check_origin("game.example", "http://game.exampl", 403);
    check_origin("game.example", "http://game.example/", 403);
    check_origin("game.example", "http://game.exampel", 403);
    check_origin("game.example", "null", 403);
    check_origin("game.example", "", 403);
    check_origin("game.example", "game.example", 403);
    check_origin("game.example", "ftp://game.example", 403);
    check_origin("game.example", "file://", 403);
    check_origin("", "http://", 403);
    check_origin("127.0.0.1:7080", "http://evil.example", 403);
}

static void listed_origins_are_compared_exactly(void **state)
{
    static const char *const origins[] = {"https://a.example", "http://b.example:8080", "null"};

    (void)state;
    settings.origins = origins;
    settings.origins_count = COUNT_OF(origins);
    check_origin("game.example", "https://a.example", 101);
    check_origin("game.example", "http://b.example:8080", 101);
    check_origin("game.example", "null", 101);
    check_origin("game.example", "http://a.example", 403);
    check_origin("game.example", "https://A.example", 403);
    check_origin("game.example", "https://a.example:443", 403);
    check_origin("game.example", "https://a.example.evil.example", 403);
    check_origin("game.example", "https://sub.a.example", 403);
    check_origin("game.example", "http://game.example", 403);
    check_status(OPENING "\r\n", 101); /* no browser */
}

static void a_star_allows_all_origins(void **state)
{
    static const char *const origins[] = {"*"};

    (void)state;
    settings.origins = origins;
    settings.origins_count = 1;
    check_origin("game.example", "http://evil.example", 101);
    check_origin("game.example", "null", 101);
}

static void check_subprotocol(const char *lines, const char *chosen)
{
    struct websocket_head head;
    char text[600], expected[100];

    snprintf(text, sizeof text, OPENING "%s\r\n", lines);
    check(&head, text, 101);
    answer[answer_length] = '\0';
    if (chosen) {
        snprintf(expected, sizeof expected, "\r\nSec-WebSocket-Protocol: %s\r\n\r\n", chosen);
        assert_non_null(strstr(answer, expected));
        assert_string_equal(head.subprotocol, chosen);
    } else {
        assert_null(strstr(answer, "Protocol:"));
        assert_null(head.subprotocol);
    }
    websocket_head_close(&head);
}

static void the_servers_favourite_subprotocol_is_chosen(void **state)
{
    static const char *const subprotocols[] = {"game2", "game", "binary"};

    (void)state;
    check_subprotocol("Sec-WebSocket-Protocol: game\r\n", NULL);
    settings.subprotocols = subprotocols;
    settings.subprotocols_count = COUNT_OF(subprotocols);
    check_subprotocol("", NULL);
    check_subprotocol("Sec-WebSocket-Protocol: game\r\n", "game");
    check_subprotocol("Sec-WebSocket-Protocol: game,game2\r\n", "game2");
    check_subprotocol("Sec-WebSocket-Protocol: binary , game\r\n", "game");
    check_subprotocol("Sec-WebSocket-Protocol: binary\t,\tgame\t,x\r\n", "game");
    check_subprotocol("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: binary\r\n",
                      "binary");
    check_subprotocol("Sec-WebSocket-Protocol: GAME\r\n", NULL);
    check_subprotocol("Sec-WebSocket-Protocol: game3, gam\r\n", NULL);
    check_subprotocol("Sec-WebSocket-Protocol: \r\n", NULL);
    check_subprotocol("Sec-WebSocket-Protocol: ,,game\r\n", "game");
}

static void values_are_kept(void **state)
{
    struct websocket_head head;

    (void)state;
    check(&head,
          "GET /play?room=1 HTTP/1.1\r\nCookie: a=1\r\n" LINES
          "Cookie: b=2\r\nAuthorization: Basic Zm9v\r\nX-Forwarded-For: 1.2.3.4\r\n"
          "Cookie: c=3\r\nCookie: d=4\r\nOrigin: http://game.example\r\n\r\n",
          101);
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_URL), "/play?room=1");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_HOST), "game.example");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_COOKIE), "a=1; b=2; c=3; d=4");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_AUTHORIZATION), "Basic Zm9v");
    assert_string_equal(websocket_head_value(&head, WEBSOCKET_HEAD_ORIGIN), "http://game.example");
    assert_null(websocket_head_value(&head, WEBSOCKET_HEAD_PROTOCOL));
    websocket_head_close(&head);
    assert_null(websocket_head_value(&head, WEBSOCKET_HEAD_URL));
}

/* A request that is being built. */
static char built[3 * WEBSOCKET_HEAD_BYTES_MAX];
static size_t built_length;

static void begin_request(void)
{
    built_length = (size_t)snprintf(built, sizeof built, "%s", OPENING);
}

/* Adds a header line with a value of `length` bytes. */
static void add_line(const char *name, size_t length)
{
    built_length +=
        (size_t)snprintf(built + built_length, sizeof built - built_length, "%s: ", name);
    memset(built + built_length, 'x', length);
    built_length += length;
    built_length += (size_t)snprintf(built + built_length, sizeof built - built_length, "\r\n");
}

static void check_request(uint32_t status)
{
    memcpy(built + built_length, "\r\n", 3);
    check_status(built, status);
}

static void heads_have_8_kib_and_64_lines(void **state)
{
    size_t fixed = strlen(OPENING) + strlen("X: \r\n\r\n");

    (void)state;
    for (size_t length = WEBSOCKET_HEAD_BYTES_MAX - 1; length < WEBSOCKET_HEAD_BYTES_MAX + 3;
         length++) {
        begin_request();
        add_line("X", length - fixed);
        check_request(length <= WEBSOCKET_HEAD_BYTES_MAX ? 101 : 431);
    }
    for (unsigned lines = 63; lines <= 65; lines++) {
        begin_request();
        for (unsigned i = 5; i < lines; i++) add_line("X", 1);
        check_request(lines <= 64 ? 101 : 431);
    }
    begin_request();
    for (int i = 0; i < 58; i++) add_line("Cookie", 110);
    check_request(101);
    begin_request();
    for (int i = 0; i < 15; i++) add_line("Cookie", 480);
    check_request(101);
    begin_request();
    for (int i = 0; i < 29; i++) {
        add_line("Cookie", 200);
        add_line("Sec-WebSocket-Protocol", 1);
    }
    check_request(431); /* each line begins a copy: together they would need more than 16 KiB */
    memset(built, 'x', sizeof built - 1);
    memcpy(built, "GET /", 5);
    check_status(built, 431);
}

static void the_web_page_is_served_without_upgrade(void **state)
{
    struct websocket_head head;

    (void)state;
    settings.web_page = (const uint8_t *)"<p>hello";
    settings.web_page_length = 8;
    check(&head, "GET /play HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    answer[answer_length] = '\0';
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                "Cache-Control: no-cache\r\n"
                                "Content-Type: text/html; charset=utf-8\r\n"
                                "X-Content-Type-Options: nosniff\r\n"
                                "Content-Security-Policy: frame-ancestors 'self'\r\n"
                                "Content-Length: 8\r\n\r\n");
    assert_false(websocket_head_is_head(&head));
    websocket_head_close(&head);
    check(&head, "HEAD /play?x HTTP/1.1\r\n" LINES "\r\n", 200);
    assert_true(websocket_head_is_head(&head));
    websocket_head_close(&head);
    check_status("GET /other HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    check_status("GET /play/../play HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    check_status("GET /play HTTP/1.1\r\n\r\n", 400);
    check_status("POST /play HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    answer[answer_length] = '\0';
    assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
    check_status(OPENING "\r\n", 101);
}

static void answers_of_refused_requests(void **state)
{
    (void)state;
    check_status("POST /play HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    answer[answer_length] = '\0';
    assert_string_equal(answer, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n"
                                "Allow: GET\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Length: 23\r\n\r\nthe method must be GET\n");
    check_status("HEAD /play HTTP/1.1\r\nHost: a\r\n\r\n", 405);
    answer[answer_length] = '\0';
    assert_string_equal(answer, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n"
                                "Allow: GET\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Length: 23\r\n\r\n");
}

static void without_memory_the_answer_is_503(void **state)
{
    struct websocket_head head;
    size_t rest;

    (void)state;
    begin_request();
    add_line("Cookie", 500);
    add_line("Connection", 1);
    add_line("Cookie", 10);
    memcpy(built + built_length, "\r\n", 3);
    uint64_t before = memory_allocations_count();
    parse(&head, built, strlen(built), SIZE_MAX, 1, &rest);
    uint64_t count = memory_allocations_count() - before;
    assert_int_equal(head.status, 101);
    assert_in_range(count, 2, 6);
    websocket_head_close(&head);
    for (uint64_t nth = 1; nth <= count; nth++) {
        memory_fail_nth(nth, 0);
        parse(&head, built, strlen(built), SIZE_MAX, 1, &rest);
        memory_fail_nth(0, 0);
        assert_int_equal(head.status, 503);
        websocket_head_close(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_answer_is_that_of_the_standard, reset),
        cmocka_unit_test_setup(the_bytes_behind_the_head_remain, reset),
        cmocka_unit_test_setup(requests_and_their_status, reset),
        cmocka_unit_test_setup(blanks_around_a_value_do_not_belong_to_it, reset),
        cmocka_unit_test_setup(folded_lines_are_refused, reset),
        cmocka_unit_test_setup(names_and_tokens_ignore_case, reset),
        cmocka_unit_test_setup(other_versions_get_the_right_one, reset),
        cmocka_unit_test_setup(keys_are_16_bytes_of_base64, reset),
        cmocka_unit_test_setup(web_pages_of_the_same_host_may_connect, reset),
        cmocka_unit_test_setup(listed_origins_are_compared_exactly, reset),
        cmocka_unit_test_setup(a_star_allows_all_origins, reset),
        cmocka_unit_test_setup(the_servers_favourite_subprotocol_is_chosen, reset),
        cmocka_unit_test_setup(values_are_kept, reset),
        cmocka_unit_test_setup(heads_have_8_kib_and_64_lines, reset),
        cmocka_unit_test_setup(the_web_page_is_served_without_upgrade, reset),
        cmocka_unit_test_setup(answers_of_refused_requests, reset),
        cmocka_unit_test_setup(without_memory_the_answer_is_503, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
