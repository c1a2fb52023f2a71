/* SPDX-License-Identifier: MIT */
/* load_main.c - peer_load: the load of bench/compare on a server on 127.0.0.1.
 *
 *      peer_load MODE port=N [NAME=VALUE]...
 *
 *      echo        closed loop: each connection has `depth` messages in flight
 *      open        open loop: `rate` messages per second, evenly spaced, on all connections in
 *                  turn; a latency counts from the time when the message should have been sent
 *      connect     connects, sends one message, waits for the answer, closes: `connections` at a
 *                  time
 *      broadcast   the last connection sends, and every one receives each message: `depth`
 *                  messages are under way; counts deliveries
 *      udp         `connections` sockets with `depth` datagrams in flight; window=N: N datagrams
 *                  in flight on all sockets in turn. Lost datagrams are sent again after 100 ms
 *
 *      pids=N,N        processes whose processor time is measured
 *      connections=N depth=N rate=N window=N
 *      bytes=N         the length of a message; framed=1: with its length in 4 bytes before it
 *      request=HEX response=HEX hello=HEX hello_answer=N   another protocol
 *      warm_ms=N window_ms=N, or messages=N, which has no warm-up
 *      gate=1          prints "ready" when it is connected, and waits for a line
 *
 * One thread. Checks every byte. Prints one line of JSON: messages, seconds, nanoseconds of the
 * servers and of itself, percentiles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define MAIN__BYTES_MAX (1 << 20)

struct load_settings load_settings = {
    .connections = 1, .depth = 1, .warm_ns = 200000000, .window_ns = 1000000000};
static size_t main__message_bytes = 64;
static bool main__is_framed;

_Noreturn void load_fail(const char *what)
{
    fputs("peer_load: ", stderr);
    perror(what);
    exit(1);
}

_Noreturn void load_give_up(const char *text)
{
    fprintf(stderr, "peer_load: %s\n", text);
    exit(1);
}

static uint64_t main__number(const char *text, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || *text == '-' || value > most) {
        fprintf(stderr, "peer_load: %s is not a number up to %llu\n", text,
                (unsigned long long)most);
        exit(64);
    }
    return value;
}

static struct load_bytes main__hex(const char *text)
{
    struct load_bytes bytes = {malloc(strlen(text) / 2 + 1), strlen(text) / 2};

    if (!bytes.at) load_fail("malloc");
    for (size_t i = 0; i < bytes.length; i++) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        char *end;
        bytes.at[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end != '\0') load_give_up("bytes are written in hexadecimal digits");
    }
    return bytes;
}

static void main__read_pids(const char *text)
{
    char copy[256], *at = copy;

    snprintf(copy, sizeof copy, "%s", text);
    while (at && *at != '\0') {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = '\0';
        if (load_settings.pids_count == LOAD_PIDS_MAX) load_give_up("too many processes");
        load_settings.pids[load_settings.pids_count++] = (int)main__number(at, INT32_MAX);
        at = comma;
    }
}

/* The settings that are bytes or a list. Returns whether the name is one of them. */
static bool main__read_bytes(const char *name, const char *value)
{
    if (!strcmp(name, "pids"))
        main__read_pids(value);
    else if (!strcmp(name, "request"))
        load_settings.request = main__hex(value);
    else if (!strcmp(name, "response"))
        load_settings.response = main__hex(value);
    else if (!strcmp(name, "hello"))
        load_settings.hello = main__hex(value);
    else
        return false;
    return true;
}

static void main__read(const char *name, const char *value)
{
    struct load_settings *to = &load_settings;
    uint64_t number;

    if (main__read_bytes(name, value)) return;
    number = main__number(value, UINT32_MAX);
    if (!strcmp(name, "port"))
        to->port = (uint16_t)number;
    else if (!strcmp(name, "connections"))
        to->connections = (uint32_t)number;
    else if (!strcmp(name, "depth"))
        to->depth = (uint32_t)number;
    else if (!strcmp(name, "window"))
        to->window = (uint32_t)number;
    else if (!strcmp(name, "rate"))
        to->rate = number;
    else if (!strcmp(name, "messages"))
        to->messages = number;
    else if (!strcmp(name, "warm_ms"))
        to->warm_ns = number * 1000000;
    else if (!strcmp(name, "window_ms"))
        to->window_ns = number * 1000000;
    else if (!strcmp(name, "hello_answer"))
        to->hello_answer_bytes = (uint32_t)number;
    else if (!strcmp(name, "gate"))
        to->is_gated = number != 0;
    else if (!strcmp(name, "bytes"))
        main__message_bytes = (size_t)number;
    else if (!strcmp(name, "framed"))
        main__is_framed = number != 0;
    else
        load_give_up("unknown setting; see the top of load_main.c");
}

/* Makes the message of the settings, and checks them. */
static void main__complete(void)
{
    struct load_settings *to = &load_settings;
    size_t header = main__is_framed ? 4 : 0;

    if (to->port == 0 || to->connections == 0 || to->depth == 0 || to->depth > LOAD_DEPTH_MAX ||
        main__message_bytes == 0 || main__message_bytes > MAIN__BYTES_MAX)
        load_give_up("a setting is out of range; see the top of load_main.c");
    if (!to->request.at) {
        to->request =
            (struct load_bytes){malloc(header + main__message_bytes), header + main__message_bytes};
        if (!to->request.at) load_fail("malloc");
        for (size_t i = 0; i < header; i++)
            to->request.at[i] = (uint8_t)(main__message_bytes >> (8 * (3 - i)));
        for (size_t i = 0; i < main__message_bytes; i++)
            to->request.at[header + i] = (uint8_t)(i * 31 + (i >> 8));
    }
    if (!to->response.at) to->response = to->request;
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {{"echo", load_run_echo},
                 {"open", load_run_open},
                 {"connect", load_run_connect},
                 {"broadcast", load_run_broadcast},
                 {"udp", load_run_udp}};

    for (int i = 2; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (!equals) load_give_up("write NAME=VALUE");
        *equals = '\0';
        main__read(arguments[i], equals + 1);
    }
    main__complete();
    for (size_t i = 0; count >= 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(arguments[1], modes[i].name) != 0) continue;
        modes[i].run();
        return 0;
    }
    load_give_up("no such mode; see the top of load_main.c");
}
