/* SPDX-License-Identifier: MIT */
/* bench_options.c - reads the command line of `weir bench`, and rejects what contradicts itself. */
#include "bench_options.h"

#include <string.h>

#include <weir/weir.h>

#include "host_port.h"
#include "url.h"

#define BENCH_OPTIONS__DATAGRAM_BYTES_MIN 16 /* the head of a datagram, see bench_datagrams.c */
#define BENCH_OPTIONS__DATAGRAM_BYTES_MAX 65507
#define BENCH_OPTIONS__BROADCAST_BYTES_MIN 32 /* the head of a line, see bench_room.c */
#define BENCH_OPTIONS__BROADCAST_BYTES_MAX 65536
#define BENCH_OPTIONS__DATAGRAM_SOCKETS_MAX 16384
#define BENCH_OPTIONS__IN_FLIGHT_BYTES_MAX (UINT64_C(256) << 20) /* of one connection */

#define OPTIONS_TARGET struct bench_options
#include "option_rows.h"

static const struct option bench_options__all[] = {
#include "bench_options.def"
};

static void bench_options__take_word(struct option_reading *reading, const char *word)
{
    struct bench_options *options = reading->target;

    if (options->address)
        diagnostics_add(reading->diagnostics, "%.100s: there is an address already, %.100s", word,
                        options->address);
    else
        options->address = word;
}

const struct option_table bench_options_table = {
    .options = bench_options__all,
    .count = sizeof bench_options__all / sizeof bench_options__all[0],
    .command = "weir bench",
    .take_word = bench_options__take_word,
};

void bench_options_init(struct bench_options *options)
{
    *options = (struct bench_options){.connections = 50,
                                      .threads = 1,
                                      .size = 64,
                                      .depth = 1,
                                      .duration_ms = 10000,
                                      .warmup_ms = 1000,
                                      .timeout_ms = 5000,
                                      .loss_ms = 500,
                                      .codec = "raw",
                                      .transport = "auto"};
}

/* ---- the address ---- */

static void bench_options__wrong_address(const struct bench_options *options, const char *reason,
                                         const char *hint, struct diagnostics *diagnostics)
{
    diagnostics_add(diagnostics, "%.100s: %s; %s", options->address, reason, hint);
}

/* Splits HOST:PORT. Only UDP needs the parts, but the mistakes of all addresses are found here. */
static void bench_options__split(struct bench_options *options, struct diagnostics *diagnostics)
{
    struct host_port parts;
    enum host_port_problem problem = host_port_split(options->address, &parts);

    if (problem != HOST_PORT_OK) {
        bench_options__wrong_address(options, host_port_reason(problem), host_port_hint(problem),
                                     diagnostics);
        return;
    }
    if (parts.port == 0)
        bench_options__wrong_address(options, "nothing listens on port 0",
                                     "write the port that the server prints", diagnostics);
    options->host =
        parts.host ? arena_copy(&options->arena, parts.host, parts.host_length) : "localhost";
    options->port = arena_format(&options->arena, "%u", parts.port);
    if (!options->host || !options->port) diagnostics_add(diagnostics, "out of memory");
}

/* Reads a URL with protocol, address and codec. */
static bool bench_options__read_url(struct option_reading *reading)
{
    struct bench_options *options = reading->target;
    bool has_codec = option_is_given(reading, offsetof(struct bench_options, codec));
    struct url url;

    if (!url_read(&url, options->address, "", URL_OF_SERVER, &options->arena, reading->diagnostics))
        return false;
    if (url.proto == WEIR_TCP && options->udp)
        diagnostics_add(reading->diagnostics, "%.100s and --udp contradict each other; use one",
                        options->address);
    if (url.values[URL_CODEC] && has_codec)
        diagnostics_add(reading->diagnostics, "%.100s and --codec both name a codec; use one",
                        options->address);
    options->udp = options->udp || url.proto == WEIR_UDP;
    if (url.values[URL_CODEC]) options->codec = url.values[URL_CODEC];
    options->address = url.address;
    return true;
}

static void bench_options__read_address(struct option_reading *reading)
{
    struct bench_options *options = reading->target;

    if (!options->address) {
        diagnostics_add(reading->diagnostics, "an address is missing; write weir bench HOST:PORT");
        return;
    }
    if (url_is_one(options->address) && !bench_options__read_url(reading)) return;
    if (options->udp || strncmp(options->address, "unix:", 5) != 0)
        bench_options__split(options, reading->diagnostics);
}

/* ---- contradictions ---- */

static void bench_options__check_udp(struct option_reading *reading)
{
    const struct bench_options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;

    if (options->tls || options->websocket)
        diagnostics_add(diagnostics, "TLS and WebSocket need TCP; leave --udp or them out");
    if (strcmp(options->codec, "raw") != 0 && strcmp(options->codec, "datagram") != 0)
        diagnostics_add(diagnostics,
                        "--codec %.100s and --udp: each datagram is a message; leave --codec out",
                        options->codec);
    if (options->mode != BENCH_ECHO)
        diagnostics_add(diagnostics, "--udp has no connections; leave --mode out");
    if (options->size < BENCH_OPTIONS__DATAGRAM_BYTES_MIN ||
        options->size > BENCH_OPTIONS__DATAGRAM_BYTES_MAX)
        diagnostics_add(diagnostics,
                        "--size %u: with --udp it is %d to %d, and a datagram begins "
                        "with its number",
                        options->size, BENCH_OPTIONS__DATAGRAM_BYTES_MIN,
                        BENCH_OPTIONS__DATAGRAM_BYTES_MAX);
    if (options->connections > BENCH_OPTIONS__DATAGRAM_SOCKETS_MAX)
        diagnostics_add(diagnostics, "--connections %u: with --udp at most %d",
                        options->connections, BENCH_OPTIONS__DATAGRAM_SOCKETS_MAX);
}

static void bench_options__check_broadcast(struct option_reading *reading)
{
    const struct bench_options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;

    if (strcmp(options->codec, "raw") == 0 &&
        option_is_given(reading, offsetof(struct bench_options, codec)))
        diagnostics_add(diagnostics, "--mode broadcast needs a --codec with frames, such as line");
    if (options->websocket)
        diagnostics_add(diagnostics, "--mode broadcast does not speak WebSocket; leave --websocket "
                                     "out");
    if (options->connections < 2)
        diagnostics_add(diagnostics, "--mode broadcast needs --connections 2 or more");
    if (options->threads > 1)
        diagnostics_add(diagnostics, "--mode broadcast measures with one thread; leave --threads "
                                     "out");
    if (options->size < BENCH_OPTIONS__BROADCAST_BYTES_MIN ||
        options->size > BENCH_OPTIONS__BROADCAST_BYTES_MAX)
        diagnostics_add(diagnostics, "--size %u: in mode broadcast it is %d to %d", options->size,
                        BENCH_OPTIONS__BROADCAST_BYTES_MIN, BENCH_OPTIONS__BROADCAST_BYTES_MAX);
}

static void bench_options__check_mode(struct option_reading *reading)
{
    const struct bench_options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;
    bool has_depth = option_is_given(reading, offsetof(struct bench_options, depth));

    if (options->mode == BENCH_BROADCAST) bench_options__check_broadcast(reading);
    if (options->mode == BENCH_CONNECT && has_depth && options->depth > 1)
        diagnostics_add(diagnostics,
                        "--mode connect sends one message per connection; leave --depth out");
    if (options->mode == BENCH_IDLE && (options->rate > 0 || options->messages > 0))
        diagnostics_add(diagnostics,
                        "--mode idle sends nothing meanwhile; leave --rate and --messages out");
}

static void bench_options__check_websocket(const struct bench_options *options,
                                           struct diagnostics *diagnostics)
{
    if (!options->websocket) return;
    if (options->websocket[0] != '/')
        diagnostics_add(diagnostics,
                        "--websocket %.100s: a path begins with a slash; write /%.100s",
                        options->websocket, options->websocket);
    if (strcmp(options->codec, "raw") != 0)
        diagnostics_add(diagnostics, "--websocket and --codec exclude each other: a message of "
                                     "WebSocket is a message");
}

static void bench_options__check_load(struct option_reading *reading)
{
    struct bench_options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;

    if (options->messages > 0 &&
        option_is_given(reading, offsetof(struct bench_options, duration_ms)))
        diagnostics_add(diagnostics, "--messages and --duration exclude each other; use one");
    if (options->messages > 0 && options->warmup_ms > 0 &&
        option_is_given(reading, offsetof(struct bench_options, warmup_ms)))
        diagnostics_add(diagnostics, "--messages has no warm-up; leave --warmup out");
    if (options->threads > options->connections)
        diagnostics_add(diagnostics,
                        "--threads %u: each thread needs a connection; use "
                        "--connections %u or more",
                        options->threads, options->threads);
    if ((uint64_t)options->depth * options->size > BENCH_OPTIONS__IN_FLIGHT_BYTES_MAX)
        diagnostics_add(diagnostics,
                        "--depth %u of --size %u: at most 256 MiB of a connection can be under way",
                        options->depth, options->size);
}

static bool bench_options__implies_tls(const struct bench_options *options)
{
    return options->tls_ca || options->tls_name || options->tls_insecure;
}

/* What follows from other options. */
static void bench_options__derive(struct bench_options *options)
{
    options->tls = options->tls || bench_options__implies_tls(options);
    options->json = options->json || options->json_stream;
    if (options->messages > 0) options->warmup_ms = options->duration_ms = 0;
    if (options->mode == BENCH_IDLE) options->warmup_ms = 0;
    if (options->mode == BENCH_BROADCAST && strcmp(options->codec, "raw") == 0)
        options->codec = "line";
    if (options->mode == BENCH_CONNECT || options->mode == BENCH_IDLE) options->depth = 1;
}

bool bench_options_read(int count, char **arguments, struct bench_options *options,
                        struct diagnostics *diagnostics)
{
    struct option_reading reading = {.table = &bench_options_table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = diagnostics};

    bench_options_init(options);
    option_read(&reading);
    if (options->help) return diagnostics->count == 0;
    if (options->tls_insecure && (options->tls_ca || options->tls_name))
        diagnostics_add(diagnostics, "--tls-insecure accepts any certificate, so leave --tls-ca "
                                     "and --tls-name out");
    bench_options__read_address(&reading);
    bench_options__check_load(&reading);
    bench_options__check_mode(&reading);
    bench_options__check_websocket(options, diagnostics);
    bench_options__derive(options);
    if (options->udp) bench_options__check_udp(&reading);
    return diagnostics->count == 0;
}

void bench_options_free(struct bench_options *options)
{
    arena_free(&options->arena);
}
