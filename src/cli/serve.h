/* SPDX-License-Identifier: MIT */
/* serve.h - the command `weir serve`. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "options.h"

/* Runs a server until shutdown is requested, as the arguments after the command's name say. Returns
 * the exit code. */
int serve_main(int count, char **arguments);

#endif
