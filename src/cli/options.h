/* SPDX-License-Identifier: MIT */
/* options.h - the command line, read into plain values. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#define OPTIONS_LISTENERS_MAX WEIR_LISTENERS_MAX

struct options {
    struct {
        enum weir_proto proto;
        const char *address;
    } listeners[OPTIONS_LISTENERS_MAX];
    size_t listeners_count;
    uint32_t workers;
    const char *transport;
    uint32_t drain_ms;
    int loudness; /* -1: quiet, 0, 1, 2 */
    bool verify_rio;
    bool help, version;
};

/* Reads the arguments after the program's name. False: `mistake` says in one line what is wrong and
 * what was probably meant. The strings stay the arguments'. */
bool options_read(int count, char **arguments, struct options *options, char *mistake,
                  size_t mistake_bytes);

/* Writes the help for a person to stdout. */
void options_help(void);

#endif
