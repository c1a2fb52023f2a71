/* SPDX-License-Identifier: MIT */
/* options.h - the command line of `weir serve`, read into the settings of a server and of the
 * program. No state but the struct's: any number may be read, on any threads. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "option.h"

#define OPTIONS_LISTENERS_MAX WEIR_LISTENERS_MAX

struct options {
    struct weir_config config;
    struct weir_listen listeners[OPTIONS_LISTENERS_MAX];
    size_t listeners_count;
    const char *codec, *handler; /* of listeners that do not say; null: the library's default */
    uint64_t message_max_bytes;  /* 0: the codec's own */
    uint32_t drain_ms;
    uint32_t stats_ms;     /* 0: only at the end */
    const char *port_file; /* or null */
    int loudness;          /* -1: quiet, 0, 1, 2 */
    bool help, version;
    struct arena arena; /* the strings above, where they are not the arguments' */
};

extern const struct option_table options_table;

/* Fills in every default; a caller that read nothing has nothing to free. */
void options_init(struct options *options);

/* Reads the arguments that follow `weir serve`. False: the mistakes say all that is wrong, and what
 * was probably meant. The strings are the arguments' or the options'. The caller frees the options
 * in either case. */
bool options_read(int count, char **arguments, struct options *options,
                  struct diagnostics *diagnostics);

/* Frees what the options keep. */
void options_free(struct options *options);

#endif
