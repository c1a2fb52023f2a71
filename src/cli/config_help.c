/* SPDX-License-Identifier: MIT */
/* config_help.c - the keys of a configuration file, in the groups of options.def and listener.def.
 * tools/options_doc makes the tables in docs/configuration.md of this text. */
#include "config_help.h"

#include <stdio.h>
#include <string.h>

#include "config_reading.h"
#include "exit_code.h"
#include "options_table.h"
#include "print.h"

/* Writes how a value is written: "TIME", "off|on". */
static const char *config_help__argument(const struct option *option)
{
    if (option->store == OPTION_SWITCH) return "on|off";
    if (option->rule.kind == VALUE_WORD && option->store == OPTION_VALUE) return option->rule.words;
    return strcmp(option->argument, "[=BLOCK]") == 0 ? "all|BLOCK" : option->argument;
}

static void config_help__one(const struct option *option, const struct options *defaults)
{
    char left[120], standard[64] = "", words[400];

    snprintf(left, sizeof left, "  %s: %s", option->key, config_help__argument(option));
    if (option->store == OPTION_SWITCH)
        snprintf(standard, sizeof standard, "off");
    else if (defaults)
        option_text(option, defaults, standard, sizeof standard);
    snprintf(words, sizeof words, "%s%s%s%s%s", option->help, standard[0] ? " [" : "", standard,
             standard[0] ? "]" : "", option->is_live ? " (live)" : "");
    print_text("%-*s", OPTION_HELP_COLUMN, left);
    if (strlen(left) >= OPTION_HELP_COLUMN) print_text("\n%*s", OPTION_HELP_COLUMN, "");
    option_help_right(words);
}

/* Prints a table. `defaults`: null if it has none. */
static void config_help__table(const struct option_table *table, const struct options *defaults)
{
    const char *title = NULL;

    for (size_t i = 0; i < table->count; i++) {
        const struct option *option = &table->options[i];
        if (option->store == OPTION_GROUP) title = option->name;
        if (!option->key) continue;
        if (title) print_text("\n%s:\n", title);
        title = NULL;
        config_help__one(option, defaults);
    }
}

int config_help(void)
{
    struct options defaults;

    options_init(&defaults);
    print_text(
        "The keys of a configuration file for weir serve --config FILE. A dot separates a section\n"
        "from its key: limits.rate is the key rate in the section limits. listen is a list; an\n"
        "item is a map of the keys listen.*, or a URL as --listen takes it. NAME: any name.\n"
        "Values are written as on the command line. In brackets: the default. (live): a reload\n"
        "applies the value to the running server; the others need a restart.\n");
    config_help__table(&config_listen_table, NULL);
    config_help__table(&options_table, &defaults);
    return EXIT_CODE_OK;
}
