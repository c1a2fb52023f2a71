/* SPDX-License-Identifier: MIT */
/* config_section.c - the keys of a section of a configuration file. */
#include <string.h>

#include "config_reading.h"
#include "options_table.h"
#include "suggest.h"

#define CONFIG_SECTION__NAMES_MAX (2 * OPTION_TABLE_MAX)

/* Returns the part of the option's key after the section's prefix; null: it is elsewhere. */
static const char *config_section__leaf(const struct config_section *section,
                                        const struct option *option)
{
    size_t length = strlen(section->prefix);
    const char *leaf;

    if (!option->key) return NULL;
    if (length == 0) return strchr(option->key, '.') ? NULL : option->key;
    leaf = option->key + length;
    return strncmp(option->key, section->prefix, length) == 0 && *leaf == '.' ? leaf + 1 : NULL;
}

const struct option *config_section_find(const struct config_section *section, const char *key)
{
    for (size_t i = 0; i < section->table->count; i++) {
        const char *leaf = config_section__leaf(section, &section->table->options[i]);
        if (leaf && strcmp(leaf, key) == 0) return &section->table->options[i];
    }
    return NULL;
}

/* ---- unknown keys ---- */

/* Adds a name, unless it is already there. */
static size_t config_section__add_name(const char **names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return count;
    if (count < CONFIG_SECTION__NAMES_MAX) names[count++] = name;
    return count;
}

/* Collects the keys of the section. Of the whole file also the sections, whose names are copied to
 * the arena. */
static size_t config_section__names(struct config_reading *reading,
                                    const struct config_section *section, const char **names)
{
    size_t count = 0;

    for (size_t i = 0; i < section->table->count; i++) {
        const struct option *option = &section->table->options[i];
        const char *leaf = config_section__leaf(section, option);
        if (leaf) count = config_section__add_name(names, count, leaf);
        if (leaf || !option->key || section->prefix[0] != '\0') continue;
        leaf = arena_copy(&reading->options->arena, option->key, strcspn(option->key, "."));
        if (leaf) count = config_section__add_name(names, count, leaf);
    }
    if (section->prefix[0] == '\0') count = config_section__add_name(names, count, "listen");
    return count;
}

/* Returns the key with this name in any section of options.def; null: there is none. */
static const char *config_section__elsewhere(const char *word)
{
    for (size_t i = 0; i < options_table.count; i++) {
        const struct option *option = &options_table.options[i];
        const char *leaf = option->key ? strrchr(option->key, '.') : NULL;
        if (!option->key) continue;
        if (strcmp(option->name, word) == 0 || (leaf && strcmp(leaf + 1, word) == 0) ||
            (option->alias && strcmp(option->alias, word) == 0))
            return option->key;
    }
    return NULL;
}

/* Writes "a, b, c" as far as it has room. */
static void config_section__list(const char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (used + length + 8 > size) {
            memcpy(text + used, ", ...", 6);
            return;
        }
        if (used > 0) used += (size_t)snprintf(text + used, size - used, ", ");
        used += (size_t)snprintf(text + used, size - used, "%s", names[i]);
    }
}

void config_unknown_key(struct config_reading *reading, const struct config_section *section,
                        const struct settings_node *node)
{
    const char *names[CONFIG_SECTION__NAMES_MAX];
    size_t count = config_section__names(reading, section, names);
    const char *near = suggest_word(node->key, strlen(node->key), names, count);
    const char *elsewhere = config_section__elsewhere(node->key);
    char known[240], where[120] = "";

    diagnostics_enter(reading->diagnostics, reading->file, node->key_position.line,
                      node->key_position.column);
    if (section->title[0] != '\0') snprintf(where, sizeof where, " in %.80s", section->title);
    if (elsewhere && strncmp(elsewhere, "tls.NAME", 8) != 0) {
        diagnostics_add(reading->diagnostics, "no key \"%.60s\"%s; write %s", node->key, where,
                        elsewhere);
    } else if (near) {
        diagnostics_add(reading->diagnostics, "no key \"%.60s\"%s; did you mean %s?", node->key,
                        where, near);
    } else {
        config_section__list(names, count, known, sizeof known);
        diagnostics_add(reading->diagnostics, "no key \"%.60s\"%s; write one of %s", node->key,
                        where, known);
    }
}

/* ---- known ones ---- */

/* Notes where the option was read, for later diagnostics. */
static void config_section__note(struct config_reading *reading, const struct option *option,
                                 const struct settings_node *node)
{
    size_t index = (size_t)(option - options_table.options);

    reading->command_line->given[index] = true;
    reading->command_line->positions[index] =
        (struct option_position){node->position.line, node->position.column};
}

void config_section_read(struct config_reading *reading, const struct config_section *section,
                         const struct settings_node *map)
{
    for (const struct settings_node *node = map->first; node; node = node->next) {
        const struct option *option = config_section_find(section, node->key);
        if (!option) {
            config_unknown_key(reading, section, node);
            continue;
        }
        bool is_replaced = section->is_replaced && section->is_replaced(reading, option);
        if (option->store == OPTION_ACTION)
            section->act(reading, section, option, node, is_replaced);
        else
            config_value_read(reading, section, option, node, is_replaced);
        if (section->target == reading->options && !is_replaced)
            config_section__note(reading, option, node);
    }
}
