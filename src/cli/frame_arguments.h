/* SPDX-License-Identifier: MIT */
/* frame_arguments.h - reads the words after `weir frame`. */
#ifndef CLI_FRAME_ARGUMENTS_H
#define CLI_FRAME_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnostics.h"

enum frame_command {
    FRAME_EXPLAIN,   /* SPEC */
    FRAME_DECODE,    /* SPEC [FILE] */
    FRAME_ENCODE,    /* SPEC [FILE] */
    FRAME_WIRESHARK, /* SPEC */
    FRAME_GUESS,     /* [FILE] */
    FRAME_COMMANDS_COUNT,
};

struct frame_arguments {
    enum frame_command command;
    const char *spec; /* null: the command takes none */
    const char *file; /* null: stdin */
    const char *name; /* FRAME_WIRESHARK: null if it is not given */
    uint16_t port;    /* FRAME_WIRESHARK: 0 if it is not given */
    bool help;        /* the rest is then not checked */
};

/* Reads "decode u32be FILE". A FILE of "-" is stdin; words after "--" can begin with a dash.
 * Returns false after adding a diagnostic. */
bool frame_arguments_read(int count, char **words, struct frame_arguments *arguments,
                          struct diagnostics *diagnostics);

#endif
