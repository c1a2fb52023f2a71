/* SPDX-License-Identifier: MIT */
/* loopback.h - the default listeners at the start: leaves out an address that the machine lacks,
 * and says how to open the server to the network. */
#ifndef CLI_LOOPBACK_H
#define CLI_LOOPBACK_H

#include "options.h"

/* If the listeners are the default ones and one of the two loopback addresses does not exist,
 * removes its listeners and writes a line that says so. Without both, all stay: the start then
 * fails and says why. `exists` returns whether the machine has ::1 (v6) or 127.0.0.1. Returns
 * whether it wrote the line. */
bool loopback_drop_absent(struct options *options, bool (*exists)(bool v6), char *line,
                          size_t line_bytes);

/* If the listeners are the default ones, writes a line with the options that open the same ports to
 * the network. Returns whether it did. */
bool loopback_how_to_open(const struct options *options, char *line, size_t line_bytes);

#endif
