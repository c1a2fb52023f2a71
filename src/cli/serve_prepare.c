/* SPDX-License-Identifier: MIT */
/* serve_prepare.c - see serve_prepare.h. */
#include "serve_prepare.h"

#include <string.h>

#include "config_locate.h"
#include "module.h"
#include "options_position.h"
#include "settings_tree.h"

#define SERVE_PREPARE__TEXT_BYTES 1024

/* ---- positions ---- */

/* Adds the error of a listener or of TLS settings, at the place of the value that it names. */
static void serve_prepare__add(const struct options *options, const struct settings_node *node,
                               const char *text, struct diagnostics *diagnostics)
{
    const struct settings_node *value = node ? config_locate(node->first, text, NULL) : NULL;

    options_position_enter(options, value ? value : node, NULL, diagnostics);
    diagnostics_add(diagnostics, "%s", text);
    diagnostics_leave(diagnostics);
}

/* Returns the last line that a node has. */
static unsigned serve_prepare__last_line(const struct settings_node *node)
{
    unsigned line = node->position.line;

    for (const struct settings_node *child = node->first; child; child = child->next) {
        unsigned last = serve_prepare__last_line(child); /* at most four levels */
        if (last > line) line = last;
    }
    return line;
}

/* Returns whether a diagnostic is about a line of the node. */
static bool serve_prepare__is_reported(const struct diagnostics *diagnostics,
                                       const struct settings_node *node)
{
    if (!node) return diagnostics->count > 0;
    unsigned last = serve_prepare__last_line(node);
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++) {
        unsigned line = (unsigned)(diagnostics->order[i] >> 32);
        if (line >= node->position.line && line <= last) return true;
    }
    return false;
}

/* ---- modules ---- */

static bool serve_prepare__fits(const struct weir_codec *codec, enum weir_proto proto)
{
    return codec && (proto == WEIR_TCP ? codec->streams : codec->datagrams);
}

static void serve_prepare__use(struct weir_listen *listen, const struct weir_module *module)
{
    listen->handler = NULL;
    listen->custom_handler = module->handler;
    if (listen->codec) return;
    if (listen->proto == WEIR_TCP) listen->custom_probe = module->probe;
    if (!listen->custom_probe && serve_prepare__fits(module->codec, listen->proto))
        listen->custom_codec = module->codec;
}

bool serve_prepare_modules(struct options *options, struct diagnostics *diagnostics)
{
    char text[DIAGNOSTICS_LINE_BYTES];
    bool is_good = true;

    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        const struct settings_node *node = options->own[i].node;
        struct weir_module module;
        if (!listen->handler || !module_is_file(listen->handler)) continue;
        if (module_load(listen->handler, &module, text, sizeof text)) {
            serve_prepare__use(listen, &module);
            continue;
        }
        bool is_repeated = !is_good && !node; /* --handler is of all listeners */
        is_good = false;
        if (is_repeated) continue;
        options_position_enter(options, node, "handler", diagnostics);
        diagnostics_add(diagnostics, "%s", node ? text + strlen("--") : text);
        diagnostics_leave(diagnostics);
    }
    return is_good;
}

/* ---- the server ---- */

/* Keeps the first error. */
static void serve_prepare__fail(const struct weir_error *error, struct weir_error *first)
{
    if (first->code == WEIR_OK) *first = *error;
}

static void serve_prepare__tls(struct options *options, struct weir_server *server,
                               struct diagnostics *diagnostics, struct weir_error *first)
{
    char text[SERVE_PREPARE__TEXT_BYTES];
    struct weir_error error;

    for (size_t i = 0; i < options->tls_count; i++) {
        const struct options_tls *named = &options->tls[i];
        if (!named->tls.certificate || (!named->node && diagnostics->count > 0)) continue;
        if (weir_server_tls(server, named->name, &named->tls, &error) == WEIR_OK) continue;
        serve_prepare__fail(&error, first);
        serve_prepare__add(options, named->node, weir_error_text(&error, text, sizeof text),
                           diagnostics);
    }
}

/* Returns whether the listener's TLS settings could be loaded. */
static bool serve_prepare__has_tls(struct weir_server *server, const struct weir_listen *listen)
{
    struct weir_tls_stats stats;

    return !listen->tls || weir_server_tls_stats(server, listen->tls, &stats);
}

static void serve_prepare__listeners(struct options *options, struct weir_server *server,
                                     struct diagnostics *diagnostics, struct weir_error *first)
{
    char text[SERVE_PREPARE__TEXT_BYTES];
    struct weir_error error;

    for (size_t i = 0; i < options->listeners_count; i++) {
        const struct weir_listen *listen = &options->listeners[i];
        const struct settings_node *node = options->own[i].node;
        if (serve_prepare__is_reported(diagnostics, node) ||
            !serve_prepare__has_tls(server, listen))
            continue;
        if (weir_server_listen(server, listen, &error) == WEIR_OK) continue;
        serve_prepare__fail(&error, first);
        serve_prepare__add(options, node, weir_error_text(&error, text, sizeof text), diagnostics);
    }
}

static void serve_prepare__cluster(struct options *options, struct diagnostics *diagnostics,
                                   struct weir_error *first)
{
    char text[SERVE_PREPARE__TEXT_BYTES];
    struct weir_error error;

    if (!options->cluster.servers) return;
    if (weir_cluster_check(&options->cluster, &error) == WEIR_OK) return;
    serve_prepare__fail(&error, first);
    if (options->config_file) diagnostics_enter(diagnostics, options->config_file, 0, 0);
    diagnostics_add(diagnostics, "%s", weir_error_text(&error, text, sizeof text));
    diagnostics_leave(diagnostics);
}

/* Opens the server. If the diagnostics explain why that is not possible, the defaults take the
 * position of the settings, so that the rest can be checked. */
static void serve_prepare__open(struct options *options, struct weir_server **server,
                                struct diagnostics *diagnostics, struct weir_error *error)
{
    char text[SERVE_PREPARE__TEXT_BYTES];

    if (weir_server_open(&options->config, server, error) == WEIR_OK) {
        error->code = WEIR_OK;
        return;
    }
    if (diagnostics->count > 0) {
        if (weir_server_open(NULL, server, error) == WEIR_OK) error->code = WEIR_OK;
        return;
    }
    if (options->config_file) diagnostics_enter(diagnostics, options->config_file, 0, 0);
    diagnostics_add(diagnostics, "%s", weir_error_text(error, text, sizeof text));
    diagnostics_leave(diagnostics);
}

enum weir_code serve_prepare_server(struct options *options, struct weir_server **server,
                                    struct diagnostics *diagnostics, struct weir_error *error)
{
    *server = NULL;
    serve_prepare__open(options, server, diagnostics, error);
    if (*server) {
        serve_prepare__tls(options, *server, diagnostics, error);
        serve_prepare__listeners(options, *server, diagnostics, error);
        serve_prepare__cluster(options, diagnostics, error);
    }
    diagnostics_sort(diagnostics);
    return error->code;
}
