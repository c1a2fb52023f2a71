/* SPDX-License-Identifier: MIT */
/* config_file.c - reads a configuration file section by section.
 *
 *      bytes -> yaml_reader (src/config): a tree -> sections -> struct options
 */
#include "config_file.h"

#include <string.h>

#include "block_list.h"
#include "config_reading.h"
#include "options_table.h"
#include "text_file.h"
#include "yaml_reader.h"

/* Options that replace the same keys. */
static const char *const config_file__alike[][3] = {
    {"allow", "allow-file", NULL},
    {"deny", "deny-file", NULL},
    {"tls-cert", "tls-key", NULL},
    {"log-level", "verbose", "quiet"},
};

/* ---- what the command line replaces ---- */

/* Whether the command line itself has the option: not from this file. */
static bool config_file__is_given(const struct config_reading *reading, const char *name)
{
    const struct option_reading *line = reading->command_line;

    for (size_t i = 0; i < options_table.count; i++)
        if (options_table.options[i].name && strcmp(options_table.options[i].name, name) == 0)
            return line->given[i] && line->positions[i].line == 0;
    return false;
}

static bool config_file__is_alike(const char *const *alike, const char *name)
{
    for (size_t i = 0; i < 3; i++)
        if (alike[i] && strcmp(alike[i], name) == 0) return true;
    return false;
}

static bool config_file__is_replaced(const struct config_reading *reading,
                                     const struct option *option)
{
    for (size_t i = 0; i < sizeof config_file__alike / sizeof config_file__alike[0]; i++) {
        const char *const *alike = config_file__alike[i];
        if (!config_file__is_alike(alike, option->name)) continue;
        for (size_t j = 0; j < 3; j++)
            if (alike[j] && config_file__is_given(reading, alike[j])) return true;
    }
    return config_file__is_given(reading, option->name);
}

/* ---- lists ---- */

static void config_file__add_block(struct config_reading *reading, const char *label,
                                   const char *text, void *argument)
{
    block_list_add(argument, label, text, &reading->options->arena, reading->diagnostics);
}

static void config_file__add_blocks_of_file(struct config_reading *reading, const char *label,
                                            const char *text, void *argument)
{
    struct options *options = reading->options;
    const char *path = config_path(reading, text);

    if (!path) return;
    block_list_add_file(argument, label, path, &options->arena, reading->diagnostics);
    if (options->list_files_count < OPTIONS_LIST_FILES_MAX)
        options->list_files[options->list_files_count++] = path;
    else
        diagnostics_add(reading->diagnostics, "%s: more than %d files of addresses; join some",
                        label, OPTIONS_LIST_FILES_MAX);
}

/* Like --trace: "all" is all peers. */
static void config_file__add_trace(struct config_reading *reading, const char *label,
                                   const char *text, void *argument)
{
    const char **list = argument;

    if (strcmp(text, "all") != 0)
        config_file__add_block(reading, label, text, argument);
    else if (!*list)
        *list = "";
}

/* The options whose values are lists. */
static const struct {
    const char *name;
    size_t offset; /* of the list, a const char * */
    void (*add)(struct config_reading *reading, const char *label, const char *text,
                void *argument);
} config_file__lists[] = {
    {"allow", offsetof(struct options, config.allow), config_file__add_block},
    {"deny", offsetof(struct options, config.deny), config_file__add_block},
    {"allow-file", offsetof(struct options, config.allow), config_file__add_blocks_of_file},
    {"deny-file", offsetof(struct options, config.deny), config_file__add_blocks_of_file},
    {"proxy-from", offsetof(struct options, proxy_from), config_file__add_block},
    {"trace", offsetof(struct options, config.trace), config_file__add_trace},
};

static void config_file__act(struct config_reading *reading, const struct config_section *section,
                             const struct option *option, const struct settings_node *node,
                             bool is_replaced)
{
    const char *ignored = NULL;
    char label[128];

    config_label(section, option, label, sizeof label);
    for (size_t i = 0; i < sizeof config_file__lists / sizeof config_file__lists[0]; i++) {
        if (strcmp(config_file__lists[i].name, option->name) != 0) continue;
        void *list = (unsigned char *)reading->options + config_file__lists[i].offset;
        config_value_each(reading, label, node, config_file__lists[i].add,
                          is_replaced ? &ignored : list);
    }
}

/* ---- sections ---- */

static struct config_section config_file__section(struct config_reading *reading,
                                                  const char *prefix)
{
    return (struct config_section){.table = &options_table,
                                   .prefix = prefix,
                                   .title = prefix,
                                   .target = reading->options,
                                   .act = config_file__act,
                                   .is_replaced = config_file__is_replaced};
}

static bool config_file__is_section(const char *key)
{
    size_t length = strlen(key);

    for (size_t i = 0; i < options_table.count; i++) {
        const char *path = options_table.options[i].key;
        if (path && strncmp(path, key, length) == 0 && path[length] == '.') return true;
    }
    return false;
}

static void config_file__read_section(struct config_reading *reading,
                                      const struct settings_node *node)
{
    struct config_section section = config_file__section(reading, node->key);

    if (node->kind == SETTINGS_BAD || settings_tree_is_empty(node)) return;
    config_enter(reading, node);
    if (node->kind == SETTINGS_MAP)
        config_section_read(reading, &section, node);
    else
        diagnostics_add(reading->diagnostics,
                        "%.60s is a section; write its keys below it, each indented by two blanks",
                        node->key);
}

/* Reads the keys outside all sections as a map of their own. */
static void config_file__read_root(struct config_reading *reading, const struct settings_node *root)
{
    struct config_section section = config_file__section(reading, "");

    for (const struct settings_node *node = root->first; node; node = node->next) {
        struct settings_node alone = *node;
        if (strcmp(node->key, "listen") == 0)
            config_listen_read(reading, node);
        else if (strcmp(node->key, "tls") == 0)
            config_tls_read(reading, node);
        else if (config_file__is_section(node->key))
            config_file__read_section(reading, node);
        else {
            alone.next = NULL;
            config_section_read(reading, &section,
                                &(struct settings_node){.kind = SETTINGS_MAP, .first = &alone});
        }
    }
}

/* ---- the file ---- */

static void *config_file__alloc(void *user, size_t bytes)
{
    const struct config_reading *reading = user;

    return arena_alloc(&reading->options->arena, bytes);
}

static void config_file__report(void *user, struct settings_position position, const char *text)
{
    const struct config_reading *reading = user;

    diagnostics_enter(reading->diagnostics, reading->file, position.line, position.column);
    diagnostics_add(reading->diagnostics, "%s", text);
}

/* Returns the folder of a file, with its slash; null: out of memory. */
static const char *config_file__folder(const char *file, struct arena *arena)
{
    size_t length = 0;

    for (size_t i = 0; file[i] != '\0'; i++)
        if (file[i] == '/' || file[i] == '\\') length = i + 1;
    return arena_copy(arena, file, length);
}

void config_file_apply(struct options *options, struct option_reading *command_line)
{
    struct config_reading reading = {
        .options = options,
        .command_line = command_line,
        .diagnostics = command_line->diagnostics,
        .file = options->config_file,
        .folder = config_file__folder(options->config_file, &options->arena)};
    struct text_file file;

    command_line->file = options->config_file;
    if (!text_file_read(&file, "configuration", options->config_file, &options->arena,
                        command_line->diagnostics))
        return;
    if (!reading.folder) {
        diagnostics_add(reading.diagnostics, "out of memory");
        return;
    }
    text_file_skip_mark(&file);
    struct yaml_source source = {.bytes = file.at,
                                 .length = (size_t)(file.end - file.at),
                                 .user = &reading,
                                 .alloc = config_file__alloc,
                                 .report = config_file__report};
    const struct settings_node *root = yaml_reader_read(&source);
    if (root) config_file__read_root(&reading, root);
    diagnostics_leave(reading.diagnostics);
}
