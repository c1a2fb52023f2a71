/* SPDX-License-Identifier: MIT */
/* handler_arguments.c - splits what --handler takes. */
#include "handler_arguments.h"

#include <string.h>

bool handler_arguments_split(struct arena *arena, const char **handler, const char **arguments)
{
    const char *mark = strchr(*handler, '?');

    if (!mark) return true;
    *handler = arena_copy(arena, *handler, (size_t)(mark - *handler));
    *arguments = mark + 1;
    return *handler != NULL;
}
