/* SPDX-License-Identifier: MIT */
/* serve_admin.c - see serve_admin.h. */
#include "serve_admin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "exit_code.h"
#include "os.h"
#include "os_process.h"
#include "serve_cluster.h"
#include "serve_output.h"
#include "text_file.h"

static struct admin *serve_admin__server; /* null: none */
static struct weir_server *_Atomic serve_admin__observed;

/* Requests that the main thread has not taken. Written by the admin server's thread. */
static _Atomic bool serve_admin__drains, serve_admin__reloads;
static _Atomic uint32_t serve_admin__within_ms;

/* Returns the first line of the token file. Null after printing an error. */
static const char *serve_admin__read_token(struct options *options)
{
    struct diagnostics diagnostics = {0};
    struct text_file file;
    size_t length = 0;
    const char *line = NULL, *path = options->admin_token_file;

    if (text_file_read(&file, "--admin-token-file", path, &options->arena, &diagnostics))
        line = text_file_line(&file, &length);
    if (diagnostics.count > 0)
        diagnostics_print(&diagnostics, stderr);
    else if (!line)
        serve_output_report(WEIR_LOG_ERROR,
                            "--admin-token-file %.200s is empty: write a token into it", path);
    return line ? arena_copy(&options->arena, line, length) : NULL;
}

static int serve_admin__fail(struct weir_error *error)
{
    char text[512];
    size_t used = strlen(error->hint);

    if (error->code == WEIR_ADDRESS_IN_USE)
        snprintf(error->hint + used, sizeof error->hint - used, " with --admin");
    serve_output_report(WEIR_LOG_ERROR, "%s", weir_error_text(error, text, sizeof text));
    return error->code == WEIR_INVALID ? EXIT_CODE_SETTING : EXIT_CODE_UNAVAILABLE;
}

/* ---- requests; the admin server's thread ---- */

static void serve_admin__drain(void *user, uint32_t within_ms)
{
    (void)user;
    atomic_store(&serve_admin__within_ms, within_ms);
    atomic_store(&serve_admin__drains, true);
    os_post();
}

static void serve_admin__reload(void *user)
{
    (void)user;
    atomic_store(&serve_admin__reloads, true);
    os_post();
}

/* The lines that the program itself writes to the log keep their level. */
static bool serve_admin__set_log_level(void *user, enum weir_log_level level)
{
    (void)user;
    return weir_server_set_log_level(atomic_load(&serve_admin__observed), level) == WEIR_OK;
}

/* ---- the main thread ---- */

/* Returns the names of the TLS settings, ending with null; null: out of memory. */
static const char *const *serve_admin__tls_names(struct options *options)
{
    const char **names = arena_alloc(&options->arena, (options->tls_count + 1) * sizeof *names);

    for (size_t i = 0; names && i < options->tls_count; i++) names[i] = options->tls[i].name;
    return names;
}

int serve_admin_start(struct options *options)
{
    struct admin_settings settings = {
        .address = options->admin,
        .host = options->admin_host,
        .transport = options->config.transport,
        .tls_names = serve_admin__tls_names(options),
        .node = options->config.node,
        .sessions_max = options->config.sessions_max,
        .log = serve_output_write_log,
        .log_level = options->config.log_level < WEIR_LOG_WARNING ? options->config.log_level
                                                                  : WEIR_LOG_WARNING,
        .user = options,
        .reload = serve_admin__reload,
        .drain = serve_admin__drain,
        .set_log_level = serve_admin__set_log_level,
        .read_process = os_process_read,
        .read_cluster = serve_cluster_stats,
        .read_nodes = serve_cluster_nodes,
    };
    struct weir_error error;

    if (!options->admin) return EXIT_CODE_OK;
    if (options->admin_token_file && !(settings.token = serve_admin__read_token(options)))
        return EXIT_CODE_IO;
    if (admin_start(&settings, &serve_admin__server, &error) == WEIR_OK) return EXIT_CODE_OK;
    return serve_admin__fail(&error);
}

void serve_admin_serving(struct weir_server *server)
{
    atomic_store(&serve_admin__observed, server);
    if (serve_admin__server) admin_serving(serve_admin__server, server);
}

void serve_admin_announce(void)
{
    char text[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_address address;

    if (!serve_admin__server) return;
    admin_address(serve_admin__server, &address);
    serve_output_print("admin addr=%s", weir_address_text(&address, text, sizeof text));
}

void serve_admin_draining(void)
{
    if (serve_admin__server) admin_draining(serve_admin__server);
}

enum serve_admin_request serve_admin_take(uint32_t *within_ms)
{
    if (atomic_exchange(&serve_admin__reloads, false)) return SERVE_ADMIN_RELOAD;
    if (!atomic_exchange(&serve_admin__drains, false)) return SERVE_ADMIN_NONE;
    *within_ms = atomic_load(&serve_admin__within_ms);
    return SERVE_ADMIN_DRAIN;
}

void serve_admin_reloaded(enum admin_reload_result result, const char *text,
                          const char *needs_restart)
{
    struct admin_reload reload = {.result = result, .text = text, .needs_restart = needs_restart};

    if (serve_admin__server) admin_reloaded(serve_admin__server, &reload);
}

void serve_admin_stop(struct weir_server *server)
{
    if (!serve_admin__server) return;
    if (server) {
        weir_server_stop(server);
        weir_server_wait(server);
    }
    admin_stop(serve_admin__server);
    serve_admin__server = NULL;
}
