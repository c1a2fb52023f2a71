/* SPDX-License-Identifier: MIT */
/* serve.c - `weir serve`: starts a server, says where it listens, ends it when told to, and sums
 * up. */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os.h"

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
    struct weir_error told = *error;
    char text[512];

    if (told.code == WEIR_ADDRESS_IN_USE) { /* the option is ours to name, not the library's */
        size_t used = strlen(told.hint);
        snprintf(told.hint + used, sizeof told.hint - used, " with --%.3s 0", told.subject);
    }
    fprintf(stderr, "weir: %s\n", weir_error_text(&told, text, sizeof text));
    return told.code == WEIR_INVALID && told.os_error == 0 ? SERVE_WRONG_SETTING
                                                           : SERVE_CANNOT_LISTEN;
}

static enum weir_code serve__start(const struct options *options, struct weir_server **server,
                                   struct weir_error *error)
{
    struct weir_config config;
    enum weir_code code;

    weir_config_init(&config);
    config.transport = options->transport;
    config.workers = options->workers;
    config.verify_rio = options->verify_rio;
    config.log = serve__log;
    config.on_stopped = serve__on_stopped;
    config.user = (void *)(uintptr_t)options;
    code = weir_server_open(&config, server, error);
    for (size_t i = 0; i < options->listeners_count && code == WEIR_OK; i++) {
        struct weir_listen listen = {.proto = options->listeners[i].proto,
                                     .address = options->listeners[i].address};
        code = weir_server_listen(*server, &listen, error);
    }
    return code == WEIR_OK ? weir_server_start(*server, error) : code;
}

/* These lines are an interface: scripts wait for them. */
static void serve__announce(const struct weir_server *server)
{
    char address[WEIR_ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < weir_server_listeners_count(server); i++) {
        struct weir_listener_info info = weir_server_listener(server, i);
        printf("listening proto=%s addr=%s transport=%s workers=%u codec=%s handler=%s\n",
               info.proto == WEIR_TCP ? "tcp" : "udp",
               weir_address_text(&info.address, address, sizeof address), info.transport,
               info.workers, info.codec, info.handler);
    }
    printf("ready\n");
    fflush(
        stdout); /* a pipe would hold it back; a reader that is gone already is no reason to stop */
}

/* ---- the end ---- */

/* One line: what always counts, then every reason that occurred. */
static void serve__sum_up(const struct weir_stats *stats)
{
    const struct {
        const char *name;
        uint64_t count;
    } reasons[] = {
        {"refused_full", stats->refused_full},
        {"refused_failed", stats->refused_failed},
        {"dropped_own_source", stats->dropped_own_source},
        {"dropped_bad_source", stats->dropped_bad_source},
        {"dropped_too_large", stats->dropped_too_large},
        {"dropped_unsent", stats->dropped_unsent},
        {"pauses_no_files", stats->pauses_no_files},
        {"pauses_no_buffers", stats->pauses_no_buffers},
    };

    fprintf(stderr,
            "weir: served accepted=%" PRIu64 " closed=%" PRIu64 " bytes_in=%" PRIu64
            " bytes_out=%" PRIu64 " datagrams_in=%" PRIu64 " datagrams_out=%" PRIu64
            " datagram_bytes_in=%" PRIu64 " datagram_bytes_out=%" PRIu64,
            stats->accepted, stats->closed, stats->bytes_in, stats->bytes_out, stats->datagrams_in,
            stats->datagrams_out, stats->datagram_bytes_in, stats->datagram_bytes_out);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].count > 0)
            fprintf(stderr, " %s=%" PRIu64, reasons[i].name, reasons[i].count);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++)
        if (stats->closed_by_reason[i] > 0)
            fprintf(stderr, " closed_%s=%" PRIu64, weir_reason_text((enum weir_reason)i),
                    stats->closed_by_reason[i]);
    fprintf(stderr, "\n");
}

/* Until the server has ended: the first wish to stop drains, the second stops. Returns whether it
 * was wished. */
static bool serve__until_ended(const struct options *options, struct weir_server *server)
{
    int wishes = 0;

    while (os_wait() == OS_STOP) {
        wishes++;
        if (wishes == 1)
            weir_server_drain(server, options->drain_ms);
        else
            weir_server_stop(server);
    }
    weir_server_wait(server);
    return wishes > 0;
}

static int serve__with_server(const struct options *options)
{
    struct weir_server *server = NULL;
    struct weir_error error;
    struct weir_stats stats;

    if (serve__start(options, &server, &error) != WEIR_OK) {
        weir_server_free(server);
        return serve__fail(&error);
    }
    serve__announce(server);
    bool wished = serve__until_ended(options, server);
    weir_server_stats(server, &stats);
    if (options->loudness >= 0) serve__sum_up(&stats);
    weir_server_free(server);
    return wished ? SERVE_OK : SERVE_FAILED;
}

int serve_run(const struct options *options)
{
    uint64_t before;
    int os_error;
    char line[96];

    if (!os_start(&os_error)) {
        fprintf(stderr,
                "weir: cannot watch for signals (error %d); raise the limit on open files\n",
                os_error);
        return SERVE_FAILED;
    }
    uint64_t files = os_raise_files_limit(&before);
    if (files > 0) {
        snprintf(line, sizeof line, "open files: at most %" PRIu64 " (was %" PRIu64 ")", files,
                 before);
        serve__log((void *)(uintptr_t)options, WEIR_LOG_INFO, line);
    }
    return serve__with_server(options);
}
