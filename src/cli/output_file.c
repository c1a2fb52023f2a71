/* SPDX-License-Identifier: MIT */
/* output_file.c - the steps of writing a file, and what a user can do when one fails. */
#include "output_file.h"

#include <stdio.h>

static bool output_file__end(struct output_file *output, int os_error)
{
    static const char *const advice[] = {
        [OS_TARGET_RENAMED] = "check that its folder exists and is writable",
        [OS_TARGET_IN_PLACE] = "check that the file is writable, or name another one",
        [OS_TARGET_DIRECT] = "start the program that reads it first",
    };
    char what[FAILURE_BYTES / 2];

    if (os_error == 0) return true;
    snprintf(what, sizeof what, "cannot write --%s %.200s", output->option, output->name);
    failure_text(what, os_error, advice[output->target.way], output->why, sizeof output->why);
    return false;
}

bool output_file_open(struct output_file *output, const char *option, const char *name,
                      uint32_t patience_ms, struct arena *arena)
{
    output->option = option;
    output->name = name;
    output->patience_ms = patience_ms;
    int os_error = os_target_find(&output->target, name, arena);
    if (os_error == 0) os_error = os_target_clear(&output->target, patience_ms);
    return output_file__end(output, os_error);
}

bool output_file_write(struct output_file *output, const char *bytes, size_t length)
{
    if (!output->option) return true;
    int os_error = os_target_write(&output->target, bytes, length, output->patience_ms);
    return output_file__end(output, os_error);
}

void output_file_close(struct output_file *output)
{
    if (output->option) os_target_close(&output->target);
    output->option = NULL;
}

void output_file_discard(struct output_file *output)
{
    if (output->option) os_target_discard(&output->target);
    output->option = NULL;
}
