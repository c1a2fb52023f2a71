/* SPDX-License-Identifier: MIT */
/* options_position.c - see options_position.h. */
#include "options_position.h"

#include "settings_tree.h"

void options_position_enter(const struct options *options, const struct settings_node *node,
                            const char *key, struct diagnostics *diagnostics)
{
    const struct settings_node *value = key ? settings_tree_find(node, key) : NULL;

    diagnostics_leave(diagnostics);
    if (!value) value = node;
    if (value)
        diagnostics_enter(diagnostics, options->config_file, value->position.line,
                          value->position.column);
}
