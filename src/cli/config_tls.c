/* SPDX-License-Identifier: MIT */
/* config_tls.c - the section tls of a configuration file: settings by name. Their keys are those
 * of the options --tls-..., which are the settings named "default". */
#include <string.h>

#include "config_reading.h"
#include "listening_tls.h"
#include "options_table.h"
#include "suggest.h"

#define CONFIG_TLS__PREFIX "tls.NAME"
#define CONFIG_TLS__NAME_BYTES_MAX 63 /* as weir_server_tls() has it */

/* One name's settings that are being read. */
struct config_tls__argument {
    struct options_tls *tls;
    const struct option *option;
};

/* A value of the keys certificate, key and hosts. */
static void config_tls__take(struct config_reading *reading, const char *label, const char *text,
                             void *given)
{
    const struct config_tls__argument *argument = given;
    struct diagnostics *diagnostics = reading->diagnostics;
    const char *name = argument->option->name, *equals = strchr(text, '=');

    if (strcmp(name, "tls-host") == 0) {
        const char *path = equals ? config_path(reading, equals + 1) : NULL;
        if (path)
            text =
                arena_format(&reading->options->arena, "%.*s=%s", (int)(equals - text), text, path);
        if (text) listening_tls_add_host(reading->options, argument->tls, label, text, diagnostics);
        return;
    }
    const char *path = config_path(reading, text);
    if (path && strcmp(name, "tls-cert") == 0)
        listening_tls_add_certificate(argument->tls, label, path, diagnostics);
    else if (path)
        listening_tls_add_key(argument->tls, label, path, diagnostics);
}

static void config_tls__act(struct config_reading *reading, const struct config_section *section,
                            const struct option *option, const struct settings_node *node,
                            bool is_replaced)
{
    struct options_tls ignored = {.name = ""};
    struct weir_tls *tls = section->target;
    size_t offset = offsetof(struct options_tls, tls);
    struct options_tls *named = (struct options_tls *)((unsigned char *)tls - offset);
    struct config_tls__argument argument = {is_replaced ? &ignored : named, option};
    char label[128];

    config_value_each(reading, config_label(section, option, label, sizeof label), node,
                      config_tls__take, &argument);
}

/* The command line replaces options of the settings named "default" alone. */
static bool config_tls__is_replaced(const struct config_reading *reading,
                                    const struct option *option)
{
    const char *alike = strcmp(option->name, "tls-key") == 0 ? "tls-cert" : "tls-key";
    bool is_pair = strcmp(option->name, "tls-cert") == 0 || strcmp(option->name, "tls-key") == 0;

    return option_name_is_given(reading->command_line, option->name) ||
           (is_pair && option_name_is_given(reading->command_line, alike));
}

/* Returns the settings of this name, which are new except for "default"; null after a
 * diagnostic. */
static struct options_tls *config_tls__named(struct config_reading *reading, const char *name)
{
    struct options *options = reading->options;
    size_t length = strlen(name);

    if (strcmp(name, LISTENING_TLS_NAME) == 0) return &options->tls[0];
    if (strcmp(name, "off") == 0)
        diagnostics_add(reading->diagnostics,
                        "tls.off: a listener with tls: off has no TLS; take another name");
    else if (length > CONFIG_TLS__NAME_BYTES_MAX)
        diagnostics_add(reading->diagnostics, "tls.%.20s...: a name has at most %d bytes", name,
                        CONFIG_TLS__NAME_BYTES_MAX);
    else if (options->tls_count == OPTIONS_TLS_MAX)
        diagnostics_add(reading->diagnostics, "tls.%s: at most %d names are possible", name,
                        OPTIONS_TLS_MAX);
    else {
        struct options_tls *named = &options->tls[options->tls_count++];
        *named = (struct options_tls){.name = name};
        return named;
    }
    return NULL;
}

static bool config_tls__is_setting(const char *key)
{
    const struct config_section section = {.table = &options_table, .prefix = CONFIG_TLS__PREFIX};

    return config_section_find(&section, key) != NULL;
}

static void config_tls__read_named(struct config_reading *reading, const struct settings_node *node)
{
    char title[96];

    diagnostics_enter(reading->diagnostics, reading->file, node->key_position.line,
                      node->key_position.column);
    if (node->kind == SETTINGS_BAD) return;
    if (node->kind != SETTINGS_MAP) {
        diagnostics_add(reading->diagnostics, "tls.%.63s: %s", node->key,
                        config_tls__is_setting(node->key)
                            ? "the settings need a name; write default: below tls:, and this key "
                              "below it"
                            : "write its keys below it, such as certificate: FILE");
        return;
    }
    struct options_tls *named = config_tls__named(reading, node->key);
    if (!named) return;
    named->node = node;
    if (settings_tree_find(node, "client")) named->is_client_given = true;
    snprintf(title, sizeof title, "tls.%.63s", node->key);
    const struct config_section section = {
        .table = &options_table,
        .prefix = CONFIG_TLS__PREFIX,
        .title = title,
        .target = &named->tls,
        .offset = offsetof(struct options, tls[0].tls),
        .act = config_tls__act,
        .is_replaced = named == &reading->options->tls[0] ? config_tls__is_replaced : NULL};
    config_section_read(reading, &section, node);
}

void config_tls_read(struct config_reading *reading, const struct settings_node *node)
{
    if (node->kind == SETTINGS_BAD || settings_tree_is_empty(node)) return;
    config_enter(reading, node);
    if (node->kind != SETTINGS_MAP) {
        diagnostics_add(reading->diagnostics,
                        "tls is a section; write names below it, and below each name its keys, "
                        "such as certificate: FILE");
        return;
    }
    for (const struct settings_node *named = node->first; named; named = named->next)
        config_tls__read_named(reading, named);
}
