/* SPDX-License-Identifier: MIT */
/* options_table.h - the rows of options.def. */
#ifndef CLI_OPTIONS_TABLE_H
#define CLI_OPTIONS_TABLE_H

#include "option.h"

/* The options that are not plain values. */
enum options_action {
    OPTIONS__TCP,
    OPTIONS__UDP,
    OPTIONS__URL,
    OPTIONS__ALLOW,
    OPTIONS__DENY,
    OPTIONS__ALLOW_FILE,
    OPTIONS__DENY_FILE,
    OPTIONS__PROXY_FROM,
    OPTIONS__TLS_CERTIFICATE,
    OPTIONS__TLS_KEY,
    OPTIONS__TLS_HOST,
    OPTIONS__TRACE,
    OPTIONS__VERBOSE,
    OPTIONS__QUIET,
};

/* Every option of `weir serve`, of a struct options, without the functions that read a command
 * line. */
extern const struct option_table options_table;

#endif
