/* SPDX-License-Identifier: MIT */
/* block_list.h - lists of address blocks, "10.0.0.0/8, ::1", made of options and files. */
#ifndef CLI_BLOCK_LIST_H
#define CLI_BLOCK_LIST_H

#include "arena.h"
#include "diagnostics.h"

/* Adds the blocks of a text, which commas or blanks part, to the list (null: none yet). */
void block_list_add(const char **list, const char *option, const char *text, struct arena *arena,
                    struct diagnostics *diagnostics);

/* The same for each line of a file; what follows a # is not read. */
void block_list_add_file(const char **list, const char *option, const char *path,
                         struct arena *arena, struct diagnostics *diagnostics);

#endif
