/* SPDX-License-Identifier: MIT */
/* serve.c - `weir serve`: starts a server, prints its listeners, shuts it down on request, and
 * prints counters. */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exit_code.h"
#include "module.h"
#include "os.h"

#define SERVE__STATS_BYTES 4096

static void serve__log(void *user, enum weir_log_level level, const char *line)
{
    static const char *const words[] = {"error", "warning", "info", "detail"};
    const struct options *options = user;
    int loudest = options->loudness < 0 ? WEIR_LOG_ERROR : WEIR_LOG_WARNING + options->loudness;

    if ((int)level <= loudest) fprintf(stderr, "weir: %s: %s\n", words[level], line);
}

static void serve__on_stopped(void *user)
{
    (void)user;
    os_post_ended();
}

/* ---- start ---- */

static int serve__fail(const struct weir_error *error)
{
    struct weir_error explained = *error;
    char text[512];

    if (explained.code == WEIR_ADDRESS_IN_USE) { /* the library does not know the option */
        size_t used = strlen(explained.hint);
        snprintf(explained.hint + used, sizeof explained.hint - used, " with --%.3s 0",
                 explained.subject);
    }
    fprintf(stderr, "weir: %s\n", weir_error_text(&explained, text, sizeof text));
    return explained.code == WEIR_INVALID && explained.os_error == 0 ? EXIT_CODE_SETTING
                                                                     : EXIT_CODE_UNAVAILABLE;
}

static enum weir_code serve__start(struct options *options, struct weir_server **server,
                                   struct weir_error *error)
{
    enum weir_code code;

    options->config.log = serve__log;
    options->config.on_stopped = serve__on_stopped;
    options->config.user = options;
    code = weir_server_open(&options->config, server, error);
    for (size_t i = 0; i < options->listeners_count && code == WEIR_OK; i++)
        code = weir_server_listen(*server, &options->listeners[i], error);
    return code == WEIR_OK ? weir_server_start(*server, error) : code;
}

/* ---- after the start ---- */

static bool serve__is_loopback(const struct weir_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, six[16] = {[15] = 1};

    return memcmp(address->ip, six, sizeof six) == 0 ||
           (memcmp(address->ip, mapped, sizeof mapped) == 0 && address->ip[12] == 127);
}

/* A UDP echo sends its answers to any source address, also to a forged one. */
static void serve__warn_of_reflection(struct options *options,
                                      const struct weir_listener_info *info)
{
    char address[WEIR_ADDRESS_TEXT_BYTES], line[320];

    if (info->proto != WEIR_UDP || strcmp(info->handler, "echo") != 0 ||
        serve__is_loopback(&info->address))
        return;
    snprintf(line, sizeof line,
             "udp %s echoes to the source address of a datagram, which can be forged; on a public "
             "network, list the allowed clients with --allow, or limit it with --message-rate",
             weir_address_text(&info->address, address, sizeof address));
    if (!options->config.allow) serve__log(options, WEIR_LOG_WARNING, line);
}

/* Scripts wait for these lines and parse them. */
static void serve__announce(struct options *options, const struct weir_server *server)
{
    char address[WEIR_ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < weir_server_listeners_count(server); i++) {
        struct weir_listener_info info = weir_server_listener(server, i);
        printf("listening proto=%s addr=%s transport=%s workers=%u codec=%s handler=%s\n",
               info.proto == WEIR_TCP ? "tcp" : "udp",
               weir_address_text(&info.address, address, sizeof address), info.transport,
               info.workers, info.codec, info.handler);
        serve__warn_of_reflection(options, &info);
    }
    printf("ready\n");
    fflush(stdout); /* a pipe would buffer it; a closed pipe is not an error */
}

/* Writes one port per line, in the sequence of the listeners. The file appears complete, so that a
 * script can read it as soon as it exists. */
static bool serve__write_ports(struct options *options, const struct weir_server *server)
{
    char *part;
    FILE *file;
    bool good;

    if (!options->port_file) return true;
    part = arena_format(&options->arena, "%s.part", options->port_file);
    file = part ? fopen(part, "w") : NULL;
    good = file != NULL;
    for (size_t i = 0; good && i < weir_server_listeners_count(server); i++)
        good = fprintf(file, "%u\n", weir_server_listener(server, i).address.port) > 0;
    if (file && fclose(file) != 0) good = false;
    if (good) {
        remove(options->port_file); /* for systems whose rename() does not replace a file */
        good = rename(part, options->port_file) == 0;
    }
    if (!good)
        fprintf(stderr,
                "weir: cannot write --port-file %s; check that its folder exists and is writable\n",
                options->port_file);
    return good;
}

/* ---- shutdown ---- */

static void serve__print_stats(const struct weir_server *server, const char *word)
{
    char text[SERVE__STATS_BYTES];
    struct weir_stats stats;

    weir_server_stats(server, &stats);
    fprintf(stderr, "weir: %s %s\n", word, weir_stats_text(&stats, text, sizeof text));
}

/* Waits until the server has ended. The first shutdown request drains it, the second stops it.
 * Returns whether shutdown was requested. */
static bool serve__until_ended(const struct options *options, struct weir_server *server)
{
    int requests = 0;
    enum os_event event;

    while ((event = os_wait(options->stats_ms)) != OS_ENDED) {
        if (event == OS_TIME)
            serve__print_stats(server, "stats");
        else if (requests++ == 0)
            weir_server_drain(server, options->drain_ms);
        else
            weir_server_stop(server);
    }
    weir_server_wait(server);
    return requests > 0;
}

static bool serve__fits(const struct weir_codec *codec, enum weir_proto proto)
{
    return codec && (proto == WEIR_TCP ? codec->streams : codec->datagrams);
}

/* Replaces the file names of modules by their handlers and codecs. */
static bool serve__load_modules(struct options *options)
{
    char diagnostic[1024];

    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        if (!listen->handler || !module_is_file(listen->handler)) continue;
        const struct weir_module *module =
            module_load(listen->handler, diagnostic, sizeof diagnostic);
        if (!module) {
            fprintf(stderr, "weir: %s\n", diagnostic);
            return false;
        }
        listen->handler = NULL;
        listen->custom_handler = module->handler;
        if (listen->codec) continue;
        if (serve__fits(module->codec, listen->proto)) listen->custom_codec = module->codec;
        if (listen->proto == WEIR_TCP) listen->custom_probe = module->probe;
    }
    return true;
}

static int serve__with_server(struct options *options)
{
    struct weir_server *server = NULL;
    struct weir_error error;

    if (!serve__load_modules(options)) return EXIT_CODE_SETTING;
    if (serve__start(options, &server, &error) != WEIR_OK) {
        weir_server_free(server);
        return serve__fail(&error);
    }
    if (!serve__write_ports(options, server)) {
        weir_server_free(server);
        return EXIT_CODE_UNAVAILABLE;
    }
    serve__announce(options, server);
    bool requested = serve__until_ended(options, server);
    if (options->loudness >= 0) serve__print_stats(server, "served");
    weir_server_free(server);
    return requested ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int serve__run(struct options *options)
{
    uint64_t before;
    int os_error;
    char line[96];

    if (!os_start(&os_error)) {
        fprintf(stderr, "weir: cannot receive signals (error %d); raise the limit on open files\n",
                os_error);
        return EXIT_CODE_FAILED;
    }
    uint64_t files = os_raise_files_limit(&before);
    if (files > 0) {
        snprintf(line, sizeof line, "open files: at most %" PRIu64 " (was %" PRIu64 ")", files,
                 before);
        serve__log(options, WEIR_LOG_INFO, line);
    }
    return serve__with_server(options);
}

/* ---- the command ---- */

static int serve__help(void)
{
    struct options defaults;

    options_init(&defaults);
    printf("weir serve [OPTION]...: runs a TCP and UDP server; default: echo on port 5050\n");
    option_help(&options_table, &defaults, stdout);
    printf(
        "\n"
        "An address is PORT, ADDR:PORT or [ADDR6]:PORT. PORT alone: all addresses, IPv4 and IPv6.\n"
        "A time is 500ms, 60s (or 60), 5m, 1h, 1d; a size is 65536, 64k, 1m, 2g (powers of 1024).\n"
        "In brackets: the default. off, or 0: no timeout, no limit.\n"
        "stdout: one line per listener, then \"ready\", which scripts can await. stderr: log.\n"
        "SIGINT or SIGTERM shuts down gracefully, for --drain at most: no new connections; queued\n"
        "answers are sent. A second signal closes all connections immediately.\n"
        "Exit codes: 0 shut down on request, 1 failed while running, 64 wrong usage, 69 cannot\n"
        "listen, 78 invalid setting.\n");
    return EXIT_CODE_OK;
}

int serve_main(int count, char **arguments)
{
    struct diagnostics diagnostics = {0};
    struct options options;
    int code;

    if (!options_read(count, arguments, &options, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        code = EXIT_CODE_USAGE;
    } else if (options.help) {
        code = serve__help();
    } else if (options.version) {
        printf("weir %s\n", weir_version());
        code = EXIT_CODE_OK;
    } else {
        code = serve__run(&options);
    }
    options_free(&options);
    return code;
}
