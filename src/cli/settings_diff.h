/* SPDX-License-Identifier: MIT */
/* settings_diff.h - compares the settings of a running server with those that a reload has read. */
#ifndef CLI_SETTINGS_DIFF_H
#define CLI_SETTINGS_DIFF_H

#include "options.h"

#define SETTINGS_DIFF_NONE ((size_t)-1)

/* Returns the index of the listener in `other` that has the name of this one or, if one of them has
 * no name, its protocol and address; SETTINGS_DIFF_NONE: there is none. */
size_t settings_diff_match(const struct options *options, size_t index,
                           const struct options *other);

/* Receives a setting that differs and that a running server cannot change: its key, the value in
 * use and the new one. */
typedef void settings_diff_fn(void *user, const char *key, const char *in_use, const char *next);

/* Calls `report` for each such setting, for each listener that `next` lacks, and for each one that
 * only `next` has. */
void settings_diff(const struct options *running, const struct options *next,
                   settings_diff_fn *report, void *user);

#endif
