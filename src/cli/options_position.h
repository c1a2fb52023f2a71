/* SPDX-License-Identifier: MIT */
/* options_position.h - where the configuration file has a listener, or TLS settings. */
#ifndef CLI_OPTIONS_POSITION_H
#define CLI_OPTIONS_POSITION_H

#include "options.h"

/* Sets the position of the next diagnostics to that of a node of the configuration file (null: to
 * none). If `key` is not null and in the map, to the position of its value. */
void options_position_enter(const struct options *options, const struct settings_node *node,
                            const char *key, struct diagnostics *diagnostics);

#endif
