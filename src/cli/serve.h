/* SPDX-License-Identifier: MIT */
/* serve.h - the command `weir serve`. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "options.h"

/* Exit codes, those of sysexits.h. 2, 3, 5, 29 and 53 are avoided: crashes give them under Wine. */
enum serve_exit {
    SERVE_OK = 0,
    SERVE_FAILED = 1,
    SERVE_USAGE = 64,
    SERVE_CANNOT_LISTEN = 69,
    SERVE_WRONG_SETTING = 78,
};

/* Serves until it is told to stop; returns the exit code. */
int serve_run(const struct options *options);

#endif
