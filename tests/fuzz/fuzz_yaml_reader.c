/* SPDX-License-Identifier: MIT */
/* fuzz_yaml_reader.c - any bytes as a configuration file: the tree is within its limits, every
 * position is in the file, every key of a map is there once, and a file without a tree has a
 * mistake. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "yaml_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz__file {
    struct arena arena;
    size_t errors;
    unsigned lines;
};

static void *fuzz__alloc(void *user, size_t bytes)
{
    struct fuzz__file *file = user;

    return arena_alloc(&file->arena, bytes);
}

static void fuzz__check_position(const struct fuzz__file *file, struct settings_position position)
{
    if (position.line > file->lines + 1 || (position.line > 0 && position.column == 0)) abort();
}

static void fuzz__report(void *user, struct settings_position position, const char *text)
{
    struct fuzz__file *file = user;

    if (text[0] == '\0' || strlen(text) > 500) abort();
    fuzz__check_position(file, position);
    file->errors++;
}

/* Returns how many nodes there are. */
static size_t fuzz__check(const struct fuzz__file *file, const struct settings_node *node,
                          unsigned depth)
{
    bool is_open = node->kind == SETTINGS_MAP || node->kind == SETTINGS_LIST;
    size_t nodes = 1, children = 0;

    fuzz__check_position(file, node->position);
    if (is_open && depth > YAML_READER_DEPTH_MAX) abort();
    if (node->kind == SETTINGS_TEXT && (!node->text || node->first)) abort();
    for (const struct settings_node *child = node->first; child; child = child->next) {
        if (node->kind == SETTINGS_MAP && settings_tree_find(node, child->key) != child) abort();
        if (node->kind == SETTINGS_LIST && child->key) abort();
        nodes += fuzz__check(file, child, depth + 1);
        children++;
    }
    if (children != node->count || children > YAML_READER_NODES_MAX) abort();
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz__file file = {.lines = 1};
    struct yaml_source source = {.bytes = (const char *)data,
                                 .length = size,
                                 .user = &file,
                                 .alloc = fuzz__alloc,
                                 .report = fuzz__report};

    /* YAML's line ends: LF, CR, NEL, LS and PS are at most one in each byte. */
    file.lines += (unsigned)size;
    const struct settings_node *root = yaml_reader_read(&source);
    if (!root && file.errors == 0) abort();
    if (root && root->kind != SETTINGS_MAP && file.errors == 0) abort();
    if (root && fuzz__check(&file, root, 1) > YAML_READER_NODES_MAX) abort();
    arena_free(&file.arena);
    return 0;
}
