/* SPDX-License-Identifier: MIT */
/* block_list.h - builds lists of address blocks, "10.0.0.0/8, ::1", from options and files. */
#ifndef CLI_BLOCK_LIST_H
#define CLI_BLOCK_LIST_H

#include "arena.h"
#include "diagnostics.h"

/* Appends the blocks in a text, separated by commas or blanks, to *list (null: empty). Invalid
 * blocks are added to the diagnostics, with the label, such as "--deny". */
void block_list_add(const char **list, const char *label, const char *text, struct arena *arena,
                    struct diagnostics *diagnostics);

/* Appends the blocks in each line of a file. A # starts a comment. */
void block_list_add_file(const char **list, const char *label, const char *path,
                         struct arena *arena, struct diagnostics *diagnostics);

#endif
