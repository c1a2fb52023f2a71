/* SPDX-License-Identifier: MIT */
/* chat_names.h - which names of chat users look alike. The handler binds the key of a name
 * (weir_session_bind()), so that no two users of a server have names that look alike. */
#ifndef PROTO_CHAT_NAMES_H
#define PROTO_CHAT_NAMES_H

#include <stdbool.h>

#include "chat_line.h"

#define CHAT_NAMES_KEY_PREFIX "chat/" /* keeps the keys apart from other handlers' names */
#define CHAT_NAMES_KEY_BYTES (sizeof CHAT_NAMES_KEY_PREFIX + CHAT_LINE_NAME_BYTES_MAX)

/* Returns whether two names are equal, or look alike: case does not count, '0' equals 'o',
 * and '1' and 'l' equal 'i'. */
bool chat_names_are_alike(const char *a, const char *b);

/* Writes the key, which is the same for names that look alike. `name` is one as of
 * chat_line_is_name(). Returns `key`. */
const char *chat_names_key(const char *name, char key[CHAT_NAMES_KEY_BYTES]);

#endif
