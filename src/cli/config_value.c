/* SPDX-License-Identifier: MIT */
/* config_value.c - values of a configuration file, in the notation of the command line. */
#include "config_reading.h"

#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define CONFIG_VALUE__LABEL_BYTES 128
/* Each item is appended to a copy of those before it. */
#define CONFIG_VALUE__ITEMS_MAX 1000

void config_enter(struct config_reading *reading, const struct settings_node *node)
{
    diagnostics_enter(reading->diagnostics, reading->file, node->position.line,
                      node->position.column);
}

char *config_label(const struct config_section *section, const struct option *option, char *label,
                   size_t size)
{
    size_t prefix = strlen(section->prefix);
    const char *leaf = prefix > 0 ? option->key + prefix + 1 : option->key;

    snprintf(label, size, "%.80s%s%s", section->title, prefix > 0 ? "." : "", leaf);
    return label;
}

/* Rejects a value: says which are allowed, and suggests one from a list of words. */
static void config_value__refuse(struct config_reading *reading, const char *label,
                                 const struct value_rule *rule, const char *value)
{
    const char *words[VALUE_WORDS_MAX], *suggestion = NULL;
    char wanted[160], room[128];

    value_wanted(rule, wanted, sizeof wanted);
    if (rule->kind == VALUE_WORD)
        suggestion = suggest_word(value, strlen(value), words,
                                  value_words(rule->words, room, sizeof room, words));
    if (suggestion)
        diagnostics_add(reading->diagnostics, "%s: \"%.100s\": did you mean %s? Write %s", label,
                        value, suggestion, wanted);
    else
        diagnostics_add(reading->diagnostics, "%s: \"%.100s\" is not allowed; write %s", label,
                        value, wanted);
}

/* Returns the text of a node; null after reporting that it has none. */
static const char *config_value__text(struct config_reading *reading, const char *label,
                                      const struct settings_node *node)
{
    if (node->kind == SETTINGS_BAD) return NULL;
    if (node->kind != SETTINGS_TEXT)
        diagnostics_add(reading->diagnostics, "%s: a %s; write one value", label,
                        node->kind == SETTINGS_LIST ? "list" : "section");
    else if (settings_tree_is_empty(node))
        diagnostics_add(reading->diagnostics,
                        "%s has no value; write one after the colon, or remove the line", label);
    else
        return node->text;
    return NULL;
}

void config_value_each(struct config_reading *reading, const char *label,
                       const struct settings_node *node,
                       void (*take)(struct config_reading *reading, const char *label,
                                    const char *text, void *argument),
                       void *argument)
{
    const struct settings_node *item = node->kind == SETTINGS_LIST ? node->first : node;

    config_enter(reading, node);
    if (node->count > CONFIG_VALUE__ITEMS_MAX) {
        diagnostics_add(reading->diagnostics,
                        "%s: more than %d items; put a long list of addresses into a file, such as "
                        "deny-file",
                        label, CONFIG_VALUE__ITEMS_MAX);
        return;
    }
    for (; item; item = node->kind == SETTINGS_LIST ? item->next : NULL) {
        config_enter(reading, item);
        const char *text = config_value__text(reading, label, item);
        if (text) take(reading, label, text, argument);
    }
}

const char *config_path(struct config_reading *reading, const char *name)
{
    bool is_absolute = name[0] == '/' || name[0] == '\\' || (name[0] != '\0' && name[1] == ':');
    if (!is_absolute && reading->folder[0] != '\0' && strncmp(name, "./", 2) == 0) name += 2;
    const char *path = is_absolute || name[0] == '\0'
                           ? name
                           : arena_format(&reading->options->arena, "%s%s", reading->folder, name);

    if (!path) diagnostics_add(reading->diagnostics, "out of memory");
    return path;
}

/* ---- numbers, words, switches ---- */

static void config_value__number(struct config_reading *reading, const char *label,
                                 const struct option *option, const char *text, void *target)
{
    uint64_t number;

    if (!value_read(&option->rule, text, &number))
        config_value__refuse(reading, label, &option->rule, text);
    else if (target)
        option_store_number(option, target, number);
}

static void config_value__switch(struct config_reading *reading, const char *label,
                                 const struct option *option, const char *text, void *target)
{
    static const struct value_rule rule = {.kind = VALUE_WORD, .off = "", .words = "off|on"};
    uint64_t number;

    if (!value_read(&rule, text, &number))
        config_value__refuse(reading, label, &rule, text);
    else if (target)
        memcpy((unsigned char *)target + option->offset, &(bool){number == 1}, sizeof(bool));
}

/* ---- texts ---- */

/* A text that is joined from the items of a list. */
struct config_value__joined {
    const char *text; /* null: no item yet */
    bool is_wrong;
};

static void config_value__join(struct config_reading *reading, const char *label, const char *text,
                               void *argument)
{
    struct config_value__joined *joined = argument;

    if (strchr(text, ',')) {
        diagnostics_add(reading->diagnostics,
                        "%s: \"%.60s\": a comma in an item of a list; write two items", label,
                        text);
        joined->is_wrong = true;
        return;
    }
    joined->text =
        joined->text ? arena_format(&reading->options->arena, "%s,%s", joined->text, text) : text;
    if (!joined->text) diagnostics_add(reading->diagnostics, "%s: out of memory", label);
}

/* Returns the text of a node. A list is joined by commas if the option takes them. */
static const char *config_value__read_text(struct config_reading *reading, const char *label,
                                           const struct option *option,
                                           const struct settings_node *node)
{
    struct config_value__joined joined = {.text = NULL};

    if (node->kind != SETTINGS_LIST || !strstr(option->argument, ",..."))
        return config_value__text(reading, label, node);
    config_value_each(reading, label, node, config_value__join, &joined);
    return joined.is_wrong ? NULL : joined.text;
}

/* Stores a text. The name of a file, of a module or of a Unix-domain socket is relative to the
 * configuration file. */
static void config_value__store_text(struct config_reading *reading, const struct option *option,
                                     const char *text, void *target)
{
    static const char unix_prefix[] = "unix:";
    size_t length = sizeof unix_prefix - 1;
    bool is_handler = strstr(option->key, "handler") && strpbrk(text, "/\\");
    bool is_socket = strstr(option->argument, "PORT") && strncmp(text, unix_prefix, length) == 0;

    if (strcmp(option->argument, "FILE") == 0 || is_handler) {
        text = config_path(reading, text);
    } else if (is_socket && text[length] != '@') {
        text = config_path(reading, text + length);
        if (text) text = arena_format(&reading->options->arena, "unix:%s", text);
    }
    if (text) option_store_text(option, target, text);
}

static void config_value__escaped(struct config_reading *reading, const char *label,
                                  const struct option *option, const char *text, void *target)
{
    const char *wrong, *read = option_unescape(&reading->options->arena, text, &wrong);

    if (!read)
        diagnostics_add(reading->diagnostics, "%s: \"%.100s\": %s", label, text, wrong);
    else if (target)
        option_store_text(option, target, read);
}

void config_value_read(struct config_reading *reading, const struct config_section *section,
                       const struct option *option, const struct settings_node *node,
                       bool is_replaced)
{
    struct option moved = *option; /* its offset refers to section->target */
    void *target = is_replaced ? NULL : section->target;
    char label[CONFIG_VALUE__LABEL_BYTES];

    moved.offset -= section->offset;
    config_enter(reading, node);
    config_label(section, option, label, sizeof label);
    const char *text = config_value__read_text(reading, label, option, node);
    if (!text) return;
    switch (option->store) {
    case OPTION_VALUE: config_value__number(reading, label, &moved, text, target); break;
    case OPTION_SWITCH: config_value__switch(reading, label, &moved, text, target); break;
    case OPTION_ESCAPED: config_value__escaped(reading, label, &moved, text, target); break;
    case OPTION_TEXT:
        if (target) config_value__store_text(reading, &moved, text, target);
        break;
    case OPTION_GROUP:
    case OPTION_ACTION: break; /* config_section_read() calls act() */
    }
}
