/* SPDX-License-Identifier: MIT */
/* serve.c - `weir serve`: starts a server, prints its listeners, shuts it down on request, and
 * prints counters. */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "activation.h"
#include "exit_code.h"
#include "failure.h"
#include "loopback.h"
#include "notify.h"
#include "options_table.h"
#include "os.h"
#include "os_loopback.h"
#include "os_stream.h"
#include "os_systemd.h"
#include "os_thread.h"
#include "output_file.h"
#include "print.h"
#include "sandbox.h"
#include "serve_admin.h"
#include "serve_announce.h"
#include "serve_cluster.h"
#include "serve_output.h"
#include "serve_prepare.h"
#include "serve_reload.h"
#include "starting.h"

#define SERVE__STATS_BYTES (SERVE_OUTPUT_TEXT_BYTES - 64)

static struct output_file serve__ports; /* --port-file */

static void serve__free(const struct options *options, struct weir_server *server)
{
    serve_output_begin_end(options);
    serve_admin_stop(server);
    serve_cluster_leave(server);
    weir_server_free(server);
}

/* Reports that a script waits for "ready" in vain. Returns the exit code: that of an error that was
 * reported before, or EXIT_CODE_IO. */
static int serve__check_stdout(int code)
{
    int os_error = serve_output_error();
    char text[FAILURE_BYTES];

    if (os_error == 0) return code;
    output_file_discard(&serve__ports);
    if (code != EXIT_CODE_OK) return code;
    serve_output_report(WEIR_LOG_ERROR, "%s",
                        failure_text("cannot write to stdout", os_error, NULL, text, sizeof text));
    return EXIT_CODE_IO;
}

/* Ends the process here if a stream is blocked, or was until the end: the thread of the log can
 * still use the options. */
static int serve__end(const struct options *options, int code)
{
    serve_output_begin_end(options);
    bool out = serve_output_end_stdout();
    code = serve__check_stdout(code);
    output_file_close(&serve__ports);
    bool err = serve_output_end_log();
    if (!out || !err) os_end_process(code);
    return code;
}

static void serve__on_stopped(void *user)
{
    (void)user;
    os_post_ended();
}

/* ---- start ---- */

/* Completes "..., or take another port" by the option, which the library does not know. Its address
 * stays: port 0 alone would open a loopback listener to the network. */
static void serve__add_other_port(struct weir_error *error)
{
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff}, any_v6[16] = {0};
    char other[WEIR_ADDRESS_TEXT_BYTES] = "0";
    size_t used = strlen(error->hint);
    struct weir_address address;

    if (weir_address_parse(error->subject + strlen("tcp "), &address) &&
        memcmp(address.ip, any_v4, sizeof any_v4) != 0 &&
        memcmp(address.ip, any_v6, sizeof any_v6) != 0) {
        address.port = 0;
        weir_address_text(&address, other, sizeof other);
    }
    snprintf(error->hint + used, sizeof error->hint - used, " with --%.3s %s", error->subject,
             other);
}

static int serve__exit_code(const struct weir_error *error)
{
    return error->code == WEIR_INVALID && error->os_error == 0 ? EXIT_CODE_SETTING
                                                               : EXIT_CODE_UNAVAILABLE;
}

static int serve__fail(const struct weir_error *error)
{
    struct weir_error explained = *error;
    char text[512];

    bool is_unix = strncmp(explained.subject, "unix:", strlen("unix:")) == 0;
    if (explained.code == WEIR_ADDRESS_IN_USE && !is_unix) serve__add_other_port(&explained);
    serve_output_report(WEIR_LOG_ERROR, "%s", weir_error_text(&explained, text, sizeof text));
    return serve__exit_code(error);
}

static void serve__report(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        serve_output_report(WEIR_LOG_ERROR, "%s", diagnostics->lines[i]);
}

/* Starts the server. The diagnostics have the failures before the start itself. */
static enum weir_code serve__start(struct options *options, struct weir_server **server,
                                   int *requests, struct diagnostics *diagnostics,
                                   struct weir_error *error)
{
    char line[256];
    enum weir_code code;

    if (loopback_drop_absent(options, os_has_loopback, line, sizeof line))
        serve_output_log(options, WEIR_LOG_WARNING, line);
    if (!activation_begin(options, error)) return error->code;
    options->config.log = serve_output_write_log;
    options->config.on_stopped = serve__on_stopped;
    options->config.user = options;
    code = serve_prepare_server(options, server, diagnostics, error);
    if (code == WEIR_OK) code = serve_cluster_join(options, *server, error);
    return code == WEIR_OK ? starting_run(*server, options->drain_ms, requests, error) : code;
}

/* ---- after the start ---- */

/* Writes one port per line, in the sequence of the listeners, before "ready". Returns false after
 * printing an error. */
static bool serve__write_ports(const struct weir_server *server)
{
    char text[WEIR_LISTENERS_MAX * sizeof "65535\n"] = "";
    size_t used = 0;

    for (size_t i = 0; i < weir_server_listeners_count(server); i++) {
        struct weir_listener_info info;
        weir_server_listener(server, i, &info);
        used += (size_t)snprintf(text + used, sizeof text - used, "%u\n", info.address.port);
    }
    if (output_file_write(&serve__ports, text, used)) return true;
    serve_output_report(WEIR_LOG_ERROR, "%s", serve__ports.why);
    return false;
}

/* ---- shutdown ---- */

static void serve__print_stats(const struct weir_stats *stats, const char *word)
{
    char text[SERVE__STATS_BYTES];

    serve_output_report(WEIR_LOG_INFO, "%s %s", word, weir_stats_text(stats, text, sizeof text));
}

/* Does what clients of the admin server requested. */
static void serve__on_admin(struct options *options, struct weir_server *server, int *requests)
{
    enum serve_admin_request request;
    uint32_t within_ms = 0;

    while ((request = serve_admin_take(&within_ms)) != SERVE_ADMIN_NONE) {
        if (request == SERVE_ADMIN_RELOAD) {
            notify_reloading();
            serve_reload(options, server);
            notify_reloaded();
            continue;
        }
        notify_stopping();
        if (*requests == 0) *requests = 1; /* another one shortens the deadline */
        weir_server_drain(server, within_ms == UINT32_MAX ? options->drain_ms : within_ms);
    }
}

/* Waits until the server has ended. `requests` shutdowns were requested during the start. Lost
 * output stops the server. Returns whether shutdown was requested and no worker failed. */
static bool serve__until_ended(struct options *options, struct weir_server *server, int requests)
{
    enum os_event event;
    struct weir_stats stats;

    while ((event = notify_wait(options->stats_ms)) != OS_ENDED) {
        if (event == OS_TIME) {
            weir_server_stats(server, &stats);
            serve__print_stats(&stats, "stats");
        } else if (event == OS_RELOAD) {
            notify_reloading();
            serve_reload(options, server);
            notify_reloaded();
        } else if (event == OS_REOPEN) {
            serve_output_reopen(options);
        } else if (event == OS_POSTED) {
            serve__on_admin(options, server, &requests);
        } else if (event == OS_STOP) {
            notify_stopping();
            serve_admin_draining();
            starting_request(server, options->drain_ms, &requests);
        }
    }
    if (serve_output_error() != 0) weir_server_stop(server);
    weir_server_wait(server);
    /* The log has said why a worker failed. */
    return requests > 0 && weir_server_failure(server, NULL) == WEIR_OK;
}

/* Gives up what the started server does not need. Returns false after printing an error. */
static bool serve__give_up(const struct options *options)
{
    char line[640] = "", text[512];
    struct weir_error error;
    bool good = sandbox_drop_user(options, line, sizeof line, &error);

    if (line[0] != '\0') serve_output_log(options, WEIR_LOG_WARNING, line);
    good = good && sandbox_limit_calls(options, line, sizeof line, &error);
    if (good && options->sandbox != SANDBOX_OFF) serve_output_log(options, WEIR_LOG_INFO, line);
    if (good) return true;
    serve_output_report(WEIR_LOG_ERROR, "%s", weir_error_text(&error, text, sizeof text));
    return false;
}

/* What follows when all listeners accept. Returns the exit code of a failure, after printing it. */
static int serve__complete(const struct options *options, struct weir_server *server)
{
    serve_admin_serving(server);
    if (!serve__write_ports(server)) return EXIT_CODE_IO;
    return serve__give_up(options) ? EXIT_CODE_OK : EXIT_CODE_UNAVAILABLE;
}

/* Starts the server and writes its ports. Returns the exit code of a failure, after printing it;
 * *server is null if it was stopped while it started. */
static int serve__open(struct options *options, struct weir_server **server, int *requests)
{
    struct diagnostics diagnostics = {.count = 0};
    int code = EXIT_CODE_OK;
    struct weir_error error;

    if (!serve_prepare_modules(options, &diagnostics)) {
        serve__report(&diagnostics);
        return EXIT_CODE_SETTING;
    }
    code = serve_admin_start(options);
    if (code != EXIT_CODE_OK) return code;
    notify_start(options);
    enum weir_code started = serve__start(options, server, requests, &diagnostics, &error);
    activation_end();
    if (started == WEIR_OK) {
        code = serve__complete(options, *server);
        if (code == EXIT_CODE_OK) return code;
    }
    serve__free(options, *server);
    *server = NULL;
    if (code != EXIT_CODE_OK) return code;
    if (error.code == WEIR_CANCELLED && *requests > 0) return EXIT_CODE_OK;
    if (!options->config_file || diagnostics.count == 0) return serve__fail(&error);
    serve__report(&diagnostics);
    return serve__exit_code(&error);
}

static int serve__with_server(struct options *options)
{
    struct weir_server *server = NULL;
    struct weir_stats stats;
    int requests = 0;
    int code = serve__open(options, &server, &requests);

    if (code != EXIT_CODE_OK || !server) {
        output_file_discard(&serve__ports);
        return code;
    }
    serve_announce(options, server);
    notify_ready(server);
    bool requested = serve__until_ended(options, server, requests);
    weir_server_stats(server, &stats);
    serve__free(options, server);                       /* the log ends before the summary */
    if (serve_output_error() != 0) return EXIT_CODE_OK; /* see serve__check_stdout() */
    if (options->loudness >= 0) serve__print_stats(&stats, "served");
    return requested ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* Removes the ports of an earlier run before anything else can fail: a script that waits for the
 * file must not read them. Returns false after printing an error. */
static bool serve__open_ports(struct options *options)
{
    if (!options->port_file || output_file_open(&serve__ports, "port-file", options->port_file,
                                                options->config.log_flush_ms, &options->arena))
        return true;
    serve_output_report(WEIR_LOG_ERROR, "%s", serve__ports.why);
    return false;
}

static int serve__run_started(struct options *options)
{
    uint64_t before;
    struct weir_error error;
    char line[96];

    if (!serve__open_ports(options)) return EXIT_CODE_UNAVAILABLE;
    os_return_memory();
    if (!os_start(&error)) {
        output_file_discard(&serve__ports);
        return serve__fail(&error);
    }
    uint64_t files = os_raise_files_limit(&before);
    if (files > 0) {
        snprintf(line, sizeof line, "open files: at most %" PRIu64 " (was %" PRIu64 ")", files,
                 before);
        serve_output_log(options, WEIR_LOG_INFO, line);
    }
    return serve__with_server(options);
}

/* What must happen before any thread starts: the environment changes, and each thread inherits the
 * limits of the sandbox. Returns the exit code of a failure. *line is what to log; "": nothing. */
static int serve__prepare(const struct options *options, char *line, size_t size,
                          struct weir_error *error)
{
    line[0] = '\0';
    if (!os_systemd_start(error)) return EXIT_CODE_SETTING;
    return sandbox_prepare(options, line, size, error) ? EXIT_CODE_OK : EXIT_CODE_UNAVAILABLE;
}

static int serve__run(struct options *options)
{
    char line[640], text[512];
    struct weir_error error;
    int code = serve__prepare(options, line, sizeof line, &error);

    if (!serve_output_open()) {
        fprintf(stderr,
                "weir: cannot start a thread; raise the limit on threads (ulimit -u), or allow "
                "threads in the container's profile\n");
        return EXIT_CODE_UNAVAILABLE;
    }
    if (code != EXIT_CODE_OK) {
        serve_output_report(WEIR_LOG_ERROR, "%s", weir_error_text(&error, text, sizeof text));
        return serve__end(options, code);
    }
    bool has_log = serve_output_open_log(options);
    if (has_log && line[0] != '\0') serve_output_log(options, WEIR_LOG_INFO, line);
    return serve__end(options, has_log ? serve__run_started(options) : EXIT_CODE_UNAVAILABLE);
}

/* ---- the command ---- */

static int serve__help(void)
{
    struct options defaults;

    options_init(&defaults);
    print_text(
        "weir serve [OPTION]...: runs a TCP and UDP server; default: echo on port 5050 of this\n"
        "machine (127.0.0.1 and ::1)\n");
    option_help(&options_table, &defaults);
    print_text(
        "\n"
        "An address is PORT, ADDR:PORT or [ADDR6]:PORT. PORT alone: all addresses, IPv4 and IPv6.\n"
        "So --tcp 5050 --udp 5050 opens the default ports to the network, also in a container.\n"
        "On Linux --tcp also takes unix:PATH, a Unix-domain socket (unix:@NAME: without a file).\n"
        "A time is 500ms, 60s (or 60), 5m, 1h, 1d; a size is 65536, 64k, 1m, 2g (powers of 1024).\n"
        "In brackets: the default. off, or 0: no timeout, no limit.\n"
        "weir check --keys prints the keys of a file for --config.\n"
        "stdout: one line per listener, then \"ready\", which scripts can await. stderr: log.\n"
        "SIGINT or SIGTERM shuts down gracefully, for --drain at most: no new connections; queued\n"
        "answers are sent. A second signal closes all connections immediately.\n"
        "Exit codes: 0 shut down on request, 1 failed while running, 64 wrong usage, 69 cannot\n"
        "listen, 74 cannot print \"ready\", write the ports or read a list, 78 invalid setting.\n");
    return EXIT_CODE_OK;
}

int serve_main(int count, char **arguments)
{
    struct diagnostics diagnostics = {0};
    struct options options;
    int code;

    if (!options_read(count, arguments, &options, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else if (options.help) {
        code = serve__help();
    } else if (options.version) {
        print_text("weir %s\n", weir_version());
        code = EXIT_CODE_OK;
    } else {
        serve_reload_begin(count, arguments);
        code = serve__run(&options);
    }
    options_free(&options);
    return code;
}
