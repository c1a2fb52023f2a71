/* SPDX-License-Identifier: MIT */
/* options_table.c - the rows of options.def. */
#include "options_table.h"

#include "options.h"

#define OPTIONS_TARGET struct options
#include "option_rows.h"

static const struct option options_table__all[] = {
#include "options.def"
};

static const struct option_alias options_table__aliases[] = {
#define ALIAS(earlier, present) {earlier, present},
#include "option_aliases.def"
#undef ALIAS
};

const struct option_table options_table = {
    .options = options_table__all,
    .count = sizeof options_table__all / sizeof options_table__all[0],
    .aliases = options_table__aliases,
    .aliases_count = sizeof options_table__aliases / sizeof options_table__aliases[0],
    .command = "weir serve",
};
