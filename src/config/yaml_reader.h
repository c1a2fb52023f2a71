/* SPDX-License-Identifier: MIT */
/* yaml_reader.h - reads a configuration file, which is a strict part of YAML, into a tree.
 *
 * Allowed: block and flow maps and lists, and texts in one line, plain or quoted; comments. Every
 * text is taken as it is: YAML's guesses ("no" is false, "1:30" is 90) do not apply. Reported as
 * mistakes: anchors, aliases, tags, directives, merge keys, further documents, duplicate keys, keys
 * that are not texts, texts of several lines, tabs in the indentation, and more levels, values or
 * bytes than a configuration needs. */
#ifndef CONFIG_YAML_READER_H
#define CONFIG_YAML_READER_H

#include <stddef.h>

#include "settings_tree.h"

#define YAML_READER_BYTES_MAX ((size_t)1 << 20)
#define YAML_READER_DEPTH_MAX 4 /* maps and lists in each other */
#define YAML_READER_NODES_MAX 20000u
#define YAML_READER_KEYS_MAX 1000u /* of one map */

/* A file in memory, and what reading it needs. */
struct yaml_source {
    const char *bytes; /* UTF-8; need not end with a NUL */
    size_t length;
    void *user;
    /* Returns zeroed memory for the tree, aligned for any object, or null. The owner frees it. */
    void *(*alloc)(void *user, size_t bytes);
    /* Receives a mistake: what is wrong, and what to write. The text can contain any characters of
     * the file. */
    void (*report)(void *user, struct settings_position position, const char *text);
};

/* Reads the file to its end, or to the first mistake after which no structure can be recognised,
 * and reports every mistake. Returns the tree's root, a map, with everything that was read; null:
 * there is none. An empty file is an empty map. Thread: any. */
struct settings_node *yaml_reader_read(const struct yaml_source *source);

#endif
