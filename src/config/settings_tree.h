/* SPDX-License-Identifier: MIT */
/* settings_tree.h - a configuration file as a tree: maps, lists and texts, each with its line and
 * column. Whatever a text means is decided by the reader of the tree, because a file has values as
 * they are written on the command line. */
#ifndef CONFIG_SETTINGS_TREE_H
#define CONFIG_SETTINGS_TREE_H

#include <stdbool.h>
#include <stddef.h>

enum settings_kind {
    SETTINGS_TEXT,
    SETTINGS_LIST,
    SETTINGS_MAP,
    SETTINGS_BAD, /* already reported; its reader skips it */
};

struct settings_position {
    unsigned line, column; /* from 1; a column is a character; line 0: nowhere */
};

struct settings_node {
    enum settings_kind kind;
    struct settings_position position;     /* of the value */
    const char *key;                       /* in a map; otherwise null */
    struct settings_position key_position; /* in a map */
    const char *text;                      /* of SETTINGS_TEXT; without a NUL inside */
    bool is_quoted;                        /* of SETTINGS_TEXT */
    struct settings_node *first, *last; /* of SETTINGS_LIST and SETTINGS_MAP, in the file's order */
    struct settings_node *next;         /* in the same list or map */
    size_t count;                       /* of the children */
};

/* Appends a child. */
void settings_tree_add(struct settings_node *parent, struct settings_node *child);

/* Returns the child of a map with this key. Null: there is none, or `map` is null or no map. */
const struct settings_node *settings_tree_find(const struct settings_node *map, const char *key);

/* Returns whether a value was left out: "limits:" with nothing after it. */
bool settings_tree_is_empty(const struct settings_node *node);

#endif
