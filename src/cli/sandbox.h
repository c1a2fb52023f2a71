/* SPDX-License-Identifier: MIT */
/* sandbox.h - what `weir serve` gives up once it does not need it any longer: the user root, files
 * outside of its configuration, and system calls that no server makes (--user, --sandbox).
 *
 *      sandbox_prepare()  before any thread starts; every thread inherits it
 *      the server starts: sockets are bound, rings are made, the port file is written
 *      sandbox_drop_user(), sandbox_limit_calls()  for all threads at the same time
 *      "ready"
 */
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include "options.h"

/* Finds the user of --user, which needs files that are forbidden afterwards. Returns false with
 * *error if there is none.
 *
 * Forbids the files that neither the options nor the C library need, and execution of every file.
 * Files that the options name stay readable with the folder that contains them: a reload finds a
 * file that was replaced by a rename. Returns false with *error if that is impossible and --sandbox
 * is "on". *line is what to log; "": nothing. */
bool sandbox_prepare(const struct options *options, char *line, size_t size,
                     struct weir_error *error);

/* Changes to the user of --user, in all threads. Returns false with *error. *line as above. */
bool sandbox_drop_user(const struct options *options, char *line, size_t size,
                       struct weir_error *error);

/* Forbids system calls that a server does not make, in all threads. Returns and *line as
 * sandbox_prepare(). */
bool sandbox_limit_calls(const struct options *options, char *line, size_t size,
                         struct weir_error *error);

#endif
