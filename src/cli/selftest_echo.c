/* SPDX-License-Identifier: MIT */
/* selftest_echo.c - a server and its client in one process: every byte that comes back is compared.
 * Each server listens on ports that the system chooses, on the loopback interface only. */
#include "selftest_echo.h"

#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "os_peer.h"
#include "print.h"
#include "send_connect.h"

#define ECHO__STREAM_BYTES (1024u * 1024)
#define ECHO__PIECE_BYTES 65536u
#define ECHO__WAIT_MS 5000u    /* without progress for this long, the echo has failed */
#define ECHO__DATAGRAM_TRIES 3 /* a datagram can be lost, also on loopback */

static const uint32_t echo__datagrams[] = {0, 1, 100, 1400, 9000, 60000}; /* their bytes */

struct echo {
    struct weir_server *server;
    const char *host;
    struct os_peer peer;
    uint8_t sent[ECHO__PIECE_BYTES], got[ECHO__PIECE_BYTES];
};

/* The byte at this position of a stream; the pattern has no short period. */
static uint8_t echo__byte(uint32_t at)
{
    return (uint8_t)((at * 2654435761u) >> 24);
}

static void echo__fill(uint8_t *bytes, uint32_t position, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) bytes[i] = echo__byte(position + i);
}

static bool echo__is_right(const uint8_t *bytes, uint32_t position, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != echo__byte(position + (uint32_t)i)) return false;
    return true;
}

static bool echo__fail(const struct echo *echo, const char *what, const char *why)
{
    print_text("%s over %s FAILED: %s; ", what, echo->host, why);
    return false;
}

static bool echo__connect(struct echo *echo, size_t listener, bool datagrams)
{
    struct weir_listener_info info;
    char port[8];

    weir_server_listener(echo->server, listener, &info);
    snprintf(port, sizeof port, "%u", info.address.port);
    return send_connect(&echo->peer, echo->host, port, datagrams, ECHO__WAIT_MS) ||
           echo__fail(echo, datagrams ? "UDP" : "TCP", echo->peer.why);
}

/* ---- TCP ---- */

struct echo__stream {
    uint32_t sent, got;
    bool finished, ended;
};

static bool echo__push(struct echo *echo, struct echo__stream *stream)
{
    uint32_t count = ECHO__STREAM_BYTES - stream->sent;
    size_t sent = 0;

    if (count > ECHO__PIECE_BYTES) count = ECHO__PIECE_BYTES;
    echo__fill(echo->sent, stream->sent, count);
    if (os_peer_send(&echo->peer, echo->sent, count, &sent) == OS_PEER_FAILED)
        return echo__fail(echo, "TCP", echo->peer.why);
    stream->sent += (uint32_t)sent;
    if (stream->sent == ECHO__STREAM_BYTES) {
        os_peer_finish(&echo->peer);
        stream->finished = true;
    }
    return true;
}

static bool echo__pull(struct echo *echo, struct echo__stream *stream)
{
    size_t got = 0;

    switch (os_peer_receive(&echo->peer, echo->got, ECHO__PIECE_BYTES, &got)) {
    case OS_PEER_NOT_NOW: return true;
    case OS_PEER_FAILED: return echo__fail(echo, "TCP", echo->peer.why);
    case OS_PEER_ENDED:
        stream->ended = true;
        return stream->got == ECHO__STREAM_BYTES || echo__fail(echo, "TCP", "bytes are missing");
    case OS_PEER_DONE: break;
    }
    if (got > ECHO__STREAM_BYTES - stream->got || !echo__is_right(echo->got, stream->got, got))
        return echo__fail(echo, "TCP", "other bytes came back");
    stream->got += (uint32_t)got;
    return true;
}

static bool echo__exchange(struct echo *echo)
{
    struct echo__stream stream = {0};

    while (!stream.ended) {
        unsigned wanted = OS_PEER_RECEIVE | (stream.finished ? 0 : OS_PEER_SEND);
        unsigned able = os_peer_wait(&echo->peer, wanted, ECHO__WAIT_MS);
        if (able == 0) return echo__fail(echo, "TCP", "the echo stood still");
        if (able & OS_PEER_SEND && !echo__push(echo, &stream)) return false;
        if (able & OS_PEER_RECEIVE && !echo__pull(echo, &stream)) return false;
    }
    return true;
}

static bool echo__tcp(struct echo *echo)
{
    if (!echo__connect(echo, 0, false)) return false;
    bool good = echo__exchange(echo);
    os_peer_close(&echo->peer);
    return good;
}

/* ---- UDP ---- */

/* Returns whether the datagram came back in time. */
static bool echo__send_one(struct echo *echo, uint32_t count)
{
    size_t moved = 0;

    echo__fill(echo->sent, count, count);
    if (os_peer_send(&echo->peer, echo->sent, count, &moved) != OS_PEER_DONE) return false;
    for (;;) {
        if (os_peer_wait(&echo->peer, OS_PEER_RECEIVE, ECHO__WAIT_MS / ECHO__DATAGRAM_TRIES) == 0)
            return false;
        if (os_peer_receive(&echo->peer, echo->got, ECHO__PIECE_BYTES, &moved) == OS_PEER_DONE &&
            moved == count && echo__is_right(echo->got, count, count))
            return true; /* any other one answers an earlier try */
    }
}

static bool echo__udp(struct echo *echo)
{
    bool good = true;

    if (!echo__connect(echo, 1, true)) return false;
    for (size_t i = 0; good && i < sizeof echo__datagrams / sizeof echo__datagrams[0]; i++) {
        good = false;
        for (int tries = 0; !good && tries < ECHO__DATAGRAM_TRIES; tries++)
            good = echo__send_one(echo, echo__datagrams[i]);
        if (!good) {
            char why[64];
            snprintf(why, sizeof why, "no right answer to %u bytes", (unsigned)echo__datagrams[i]);
            echo__fail(echo, "UDP", why);
        }
    }
    os_peer_close(&echo->peer);
    return good;
}

/* ---- the server ---- */

/* Starts a server with a TCP and a UDP listener. */
static enum weir_code echo__start(struct echo *echo, const char *transport,
                                  struct weir_error *error)
{
    struct weir_config config;
    char address[32];
    struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = address, .handler = "echo"};

    weir_config_init(&config);
    config.transport = transport;
    config.workers = 2;
    snprintf(address, sizeof address, strchr(echo->host, ':') ? "[%s]:0" : "%s:0", echo->host);
    enum weir_code code = weir_server_open(&config, &echo->server, error);
    if (code == WEIR_OK) code = weir_server_listen(echo->server, &listen, error);
    listen.proto = WEIR_UDP;
    if (code == WEIR_OK) code = weir_server_listen(echo->server, &listen, error);
    if (code == WEIR_OK) code = weir_server_start(echo->server, error);
    return code;
}

/* Without IPv6, the system refuses its addresses; that is no failure. */
static bool echo__has_no_family(const struct echo *echo, const struct weir_error *error)
{
    return strchr(echo->host, ':') &&
           (error->code == WEIR_UNSUPPORTED || error->code == WEIR_ADDRESS_UNAVAILABLE);
}

static enum os_answer echo__run(struct echo *echo, const char *transport)
{
    struct weir_error error;
    char text[512];
    enum os_answer answer = OS_ANSWER_CONFIRMS;

    if (echo__start(echo, transport, &error) == WEIR_OK) {
        bool tcp = echo__tcp(echo), udp = echo__udp(echo);
        if (!tcp || !udp) answer = OS_ANSWER_DIFFERS;
        if (tcp && udp)
            print_text(
                "%s: TCP %u bytes, UDP 0 to %u bytes; ", echo->host, ECHO__STREAM_BYTES,
                (unsigned)echo__datagrams[sizeof echo__datagrams / sizeof echo__datagrams[0] - 1]);
    } else if (echo__has_no_family(echo, &error)) {
        print_text("%s: not on this machine; ", echo->host);
    } else {
        print_text("%s; ", weir_error_text(&error, text, sizeof text));
        answer = OS_ANSWER_UNTRIED;
    }
    weir_server_free(echo->server);
    echo->server = NULL;
    return answer;
}

enum os_answer selftest_echo(const char *transport)
{
    static struct echo echo; /* too large for the stack */

    echo.host = "127.0.0.1";
    enum os_answer answer = echo__run(&echo, transport);
    if (answer != OS_ANSWER_CONFIRMS) return answer;
    echo.host = "::1";
    return echo__run(&echo, transport);
}
