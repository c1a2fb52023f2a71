/* SPDX-License-Identifier: MIT */
/* settings_tree.c - the tree of a configuration file. */
#include "settings_tree.h"

#include <string.h>

void settings_tree_add(struct settings_node *parent, struct settings_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

const struct settings_node *settings_tree_find(const struct settings_node *map, const char *key)
{
    if (!map || map->kind != SETTINGS_MAP) return NULL;
    for (const struct settings_node *node = map->first; node; node = node->next)
        if (strcmp(node->key, key) == 0) return node;
    return NULL;
}

bool settings_tree_is_empty(const struct settings_node *node)
{
    return node->kind == SETTINGS_TEXT && !node->is_quoted && node->text[0] == '\0';
}
