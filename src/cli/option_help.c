/* SPDX-License-Identifier: MIT */
/* option_help.c - prints a table of options: names on the left, help and default on the right. The
 * default is read from a struct with all defaults. */
#include "option.h"

#include <stdio.h>
#include <string.h>

#include "print.h"

#define OPTION__COLUMNS 100

char *option_text(const struct option *option, const void *target, char *text, size_t size)
{
    const char *kept;

    text[0] = '\0';
    if (option->store == OPTION_VALUE)
        return value_text(&option->rule, option_number(option, target), text, size);
    if (option->store == OPTION_TEXT || option->store == OPTION_ESCAPED) {
        memcpy(&kept, (const unsigned char *)target + option->offset, sizeof kept);
        snprintf(text, size, "%s", kept ? kept : "none");
    }
    return text;
}

void option_help_right(const char *words)
{
    size_t column = OPTION_HELP_COLUMN;

    for (const char *at = words; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (column > OPTION_HELP_COLUMN) {
            if (column + 1 + length > OPTION__COLUMNS) {
                print_text("\n%*s", OPTION_HELP_COLUMN, "");
                column = OPTION_HELP_COLUMN;
            } else {
                print_text(" ");
                column++;
            }
        }
        print_text("%.*s", (int)length, at);
        column += length;
        at += length + (at[length] == ' ');
    }
    print_text("\n");
}

static void option__help_one(const struct option *option, const void *defaults)
{
    char left[80], letter[8] = "    ", standard[64], words[320], also[48] = "";

    if (option->letter != 0) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
             option->argument[0] == '[' && option->argument[1] == '=' ? "" : " ", option->argument);
    if (option->alias) snprintf(also, sizeof also, " (also --%s)", option->alias);
    option_text(option, defaults, standard, sizeof standard);
    snprintf(words, sizeof words, "%s%s%s%s%s", option->help, also, standard[0] ? " [" : "",
             standard, standard[0] ? "]" : "");
    print_text("%-*s", OPTION_HELP_COLUMN, left);
    option_help_right(words);
}

void option_help(const struct option_table *table, const void *defaults)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->options[i].store == OPTION_GROUP)
            print_text("\n%s:\n", table->options[i].name);
        else
            option__help_one(&table->options[i], defaults);
    }
}
