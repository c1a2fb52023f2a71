/* SPDX-License-Identifier: MIT */
/* config_locate.c - see config_locate.h. */
#include "config_locate.h"

#include <string.h>

/* Returns the part of a value that messages of the library contain: of "NAMES=FILE" the file. */
static const char *config_locate__needle(const struct settings_node *node)
{
    const char *equals = node->text ? strchr(node->text, '=') : NULL;

    if (node->kind != SETTINGS_TEXT) return "";
    if (node->text[0] == '.' && node->text[1] == '/') return node->text + 2;
    return equals && strpbrk(equals, "./") ? equals + 1 : node->text;
}

const struct settings_node *config_locate(const struct settings_node *nodes, const char *text,
                                          const struct settings_node *best)
{
    for (const struct settings_node *node = nodes; node; node = node->next) {
        const char *needle = config_locate__needle(node);
        size_t length = strlen(needle),
               best_length = best ? strlen(config_locate__needle(best)) : 1;
        if (length > best_length && strstr(text, needle)) best = node;
        if (node->kind == SETTINGS_LIST) best = config_locate(node->first, text, best);
    }
    return best;
}
