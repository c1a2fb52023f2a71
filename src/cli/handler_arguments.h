/* SPDX-License-Identifier: MIT */
/* handler_arguments.h - the name of a handler and its arguments: `--handler './mine.so?size=5'`. */
#ifndef CLI_HANDLER_ARGUMENTS_H
#define CLI_HANDLER_ARGUMENTS_H

#include <stdbool.h>

#include "arena.h"

/* Splits "./mine.so?size=5" into the handler and its arguments; without a '?', *arguments is
 * unchanged. Returns false if memory is exhausted. */
bool handler_arguments_split(struct arena *arena, const char **handler, const char **arguments);

#endif
