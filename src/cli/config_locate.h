/* SPDX-License-Identifier: MIT */
/* config_locate.h - finds the value in a configuration file that an error of the library names. */
#ifndef CLI_CONFIG_LOCATE_H
#define CLI_CONFIG_LOCATE_H

#include "settings_tree.h"

/* Returns the node among these and the items of their lists whose value is the longest that the
 * text contains; `best` (null: none) if there is no longer one. */
const struct settings_node *config_locate(const struct settings_node *nodes, const char *text,
                                          const struct settings_node *best);

#endif
