/* SPDX-License-Identifier: MIT */
/* serve_reload.c - see serve_reload.h.
 *
 *      arguments and file -> options_read() -> modules of changed handlers -> weir_server_update()
 *             |                                     |                                |
 *             +------------- an error: the earlier settings stay in use -------------+
 */
#include "serve_reload.h"

#include <stdio.h>
#include <string.h>

#include "config_locate.h"
#include "loopback.h"
#include "module.h"
#include "options_position.h"
#include "os_loopback.h"
#include "serve_admin.h"
#include "serve_output.h"
#include "settings_diff.h"
#include "settings_tree.h"

#define SERVE_RELOAD__LINE_BYTES (DIAGNOSTICS_LINE_BYTES + 64)
#define SERVE_RELOAD__LIST_BYTES 1024 /* of the names of settings that need a restart */

static struct {
    int count;
    char **arguments;
} serve_reload__from;

void serve_reload_begin(int count, char **arguments)
{
    serve_reload__from.count = count;
    serve_reload__from.arguments = arguments;
}

/* ---- results ---- */

static bool serve_reload__fail(const struct options *running, const char *text)
{
    char line[SERVE_RELOAD__LINE_BYTES];

    snprintf(line, sizeof line, "the earlier settings stay in use: %s", text);
    serve_output_log(running, WEIR_LOG_ERROR, line);
    serve_admin_reloaded(ADMIN_RELOAD_FAILED, line, NULL);
    return false;
}

static bool serve_reload__refuse(const struct options *running,
                                 const struct diagnostics *diagnostics)
{
    char text[80];

    for (size_t i = 1; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        serve_output_log(running, WEIR_LOG_ERROR, diagnostics->lines[i]);
    if (diagnostics->count > DIAGNOSTICS_MAX) {
        snprintf(text, sizeof text, "and %zu more errors", diagnostics->count - DIAGNOSTICS_MAX);
        serve_output_log(running, WEIR_LOG_ERROR, text);
    }
    return serve_reload__fail(running, diagnostics->lines[0]);
}

/* ---- certificates alone ---- */

static bool serve_reload__tls(const struct options *running, struct weir_server *server)
{
    static const char done[] = "the files of TLS were loaded again";
    char text[512], line[600];
    struct weir_error error;
    size_t loaded = 0;

    for (size_t i = 0; i < running->tls_count; i++) {
        const struct options_tls *tls = &running->tls[i];
        if (!tls->tls.certificate) continue;
        loaded++;
        if (weir_server_tls(server, tls->name, &tls->tls, &error) == WEIR_OK) continue;
        snprintf(line, sizeof line, "the earlier TLS certificates stay in use: %s",
                 weir_error_text(&error, text, sizeof text));
        serve_output_log(running, WEIR_LOG_ERROR, line);
        serve_admin_reloaded(ADMIN_RELOAD_FAILED, line, NULL);
        return false;
    }
    if (loaded > 0) serve_output_log(running, WEIR_LOG_INFO, done);
    serve_admin_reloaded(loaded > 0 ? ADMIN_RELOAD_DONE : ADMIN_RELOAD_NOTHING,
                         loaded > 0 ? done : "this server has no files to load again", NULL);
    return true;
}

/* ---- the file ---- */

/* Has each listener of `next` that runs the same handler as before use the module that is loaded.
 * Loads the modules of the others, to check them. */
static bool serve_reload__modules(const struct options *running, struct options *next,
                                  struct diagnostics *diagnostics)
{
    char text[DIAGNOSTICS_LINE_BYTES];

    for (size_t i = 0; i < next->listeners_count; i++) {
        struct weir_listen *listen = &next->listeners[i];
        size_t match = settings_diff_match(next, i, running);
        const char *in_use = match == SETTINGS_DIFF_NONE ? NULL : running->own[match].handler;
        struct weir_module module;
        if (!listen->handler || !module_is_file(listen->handler)) continue;
        if (in_use && strcmp(in_use, next->own[i].handler) == 0) {
            listen->custom_handler = running->listeners[match].custom_handler;
        } else if (module_load(listen->handler, &module, text, sizeof text)) {
            listen->custom_handler = module.handler;
        } else {
            options_position_enter(next, next->own[i].node, "handler", diagnostics);
            diagnostics_add(diagnostics, "%s", text + (next->own[i].node ? strlen("--") : 0));
        }
        listen->handler = NULL;
    }
    diagnostics_leave(diagnostics);
    return diagnostics->count == 0;
}

/* Adds an error of the library at the position of the value that it names. */
static void serve_reload__add(const struct options *next, const char *text,
                              struct diagnostics *diagnostics)
{
    const struct settings_node *best = NULL;

    for (size_t i = 0; i < next->tls_count; i++)
        if (next->tls[i].node) best = config_locate(next->tls[i].node->first, text, best);
    for (size_t i = 0; i < next->listeners_count; i++)
        if (next->own[i].node) best = config_locate(next->own[i].node->first, text, best);
    options_position_enter(next, best, NULL, diagnostics);
    diagnostics_add(diagnostics, "%s", text);
    diagnostics_leave(diagnostics);
}

/* Applies what can change while the server runs. */
static bool serve_reload__update(const struct options *running, struct options *next,
                                 struct weir_server *server, struct diagnostics *diagnostics)
{
    struct weir_update_listener listeners[OPTIONS_LISTENERS_MAX];
    struct weir_update_tls tls[OPTIONS_TLS_MAX];
    struct weir_update update = {
        .size = sizeof update, .config = &next->config, .listeners = listeners, .tls = tls};
    struct weir_listener_info info;
    struct weir_error error;
    char text[512];

    next->config.log = running->config.log;
    next->config.on_stopped = running->config.on_stopped;
    next->config.user = running->config.user;
    for (size_t i = 0; i < running->listeners_count; i++) {
        size_t match = settings_diff_match(running, i, next);
        if (match == SETTINGS_DIFF_NONE) continue;
        weir_server_listener(server, i, &info);
        listeners[update.listeners_count++] =
            (struct weir_update_listener){.id = info.id, .settings = &next->listeners[match]};
    }
    for (size_t i = 0; i < next->tls_count; i++)
        if (next->tls[i].tls.certificate)
            tls[update.tls_count++] =
                (struct weir_update_tls){.name = next->tls[i].name, .settings = &next->tls[i].tls};
    if (weir_server_update(server, &update, &error) == WEIR_OK) return true;
    serve_reload__add(next, weir_error_text(&error, text, sizeof text), diagnostics);
    return false;
}

/* What the report of a successful reload collects. */
struct serve_reload__report {
    const struct options *running;
    char names[SERVE_RELOAD__LIST_BYTES]; /* "workers, listen game: codec" */
    size_t count;
};

static void serve_reload__needs_restart(void *user, const char *key, const char *in_use,
                                        const char *next)
{
    struct serve_reload__report *report = user;
    size_t used = strlen(report->names);
    char line[600];

    snprintf(line, sizeof line, "%s needs a restart: %s is in use, and the file has %s", key,
             in_use, next);
    serve_output_log(report->running, WEIR_LOG_WARNING, line);
    snprintf(report->names + used, sizeof report->names - used, "%s%s", used > 0 ? ", " : "", key);
    report->count++;
}

static void serve_reload__done(struct options *running, const struct options *next)
{
    struct serve_reload__report report = {.running = running};
    char line[512];

    running->drain_ms = next->drain_ms;
    running->stats_ms = next->stats_ms;
    running->config.log_level = next->config.log_level;
    settings_diff(running, next, serve_reload__needs_restart, &report);
    snprintf(line, sizeof line, "%.300s was loaded again", running->config_file);
    serve_output_log(running, WEIR_LOG_INFO, line);
    serve_admin_reloaded(ADMIN_RELOAD_DONE, line, report.count > 0 ? report.names : NULL);
}

static bool serve_reload__file(struct options *running, struct weir_server *server)
{
    struct diagnostics diagnostics = {.count = 0};
    struct options next;
    char line[256];

    bool is_good =
        options_read(serve_reload__from.count, serve_reload__from.arguments, &next, &diagnostics);
    loopback_drop_absent(&next, os_has_loopback, line, sizeof line);
    is_good = is_good && serve_reload__modules(running, &next, &diagnostics) &&
              serve_reload__update(running, &next, server, &diagnostics);
    if (is_good)
        serve_reload__done(running, &next);
    else
        serve_reload__refuse(running, &diagnostics);
    options_free(&next);
    return is_good;
}

bool serve_reload(struct options *running, struct weir_server *server)
{
    return running->config_file ? serve_reload__file(running, server)
                                : serve_reload__tls(running, server);
}
