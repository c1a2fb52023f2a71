/* SPDX-License-Identifier: MIT */
/* serve.h - the command `weir serve`. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "options.h"

/* Serves until it is told to stop, by the arguments that follow the command's name; returns the
 * exit code. */
int serve_main(int count, char **arguments);

#endif
