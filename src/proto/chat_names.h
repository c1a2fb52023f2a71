/* SPDX-License-Identifier: MIT */
/* chat_names.h - the names that the chat users of one worker have chosen. Each worker has its own
 * table: no other thread sees it, and users of other workers can have the same names. */
#ifndef PROTO_CHAT_NAMES_H
#define PROTO_CHAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "chat_line.h"

/* A name that a session holds, in the memory of the session. Starts as {0}: it holds none. */
struct chat_name {
    char text[CHAT_LINE_NAME_BYTES_MAX + 1];
    const void *scope; /* names are unique among those of the same scope; null: not in the table */
    struct chat_name *next, **link;
};

/* Returns whether two names are equal, or look alike: case does not count, '0' equals 'o',
 * and '1' and 'l' equal 'i'. */
bool chat_names_are_alike(const char *a, const char *b);

/* Replaces the name that `name` holds. Returns false, without a change, if another one of the scope
 * is alike. `text` is a name as of chat_line_is_name(). Thread: the worker's. */
bool chat_names_take(struct chat_name *name, const void *scope, const char *text);

/* Removes the name from the table, if it holds one. Thread: the worker's. */
void chat_names_release(struct chat_name *name);

#endif
