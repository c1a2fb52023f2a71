/* SPDX-License-Identifier: MIT */
/* option.h - the options of one command as a table, and the reader of a command line by it.
 *
 *     --name VALUE   --name=VALUE   -n VALUE   -nVALUE   -ab: two switches   --: only words follow
 *
 * Most options are a value with units that is stored at an offset: they need a line in the table
 * and nothing else. The rest are acted upon by the command.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "arena.h"
#include "diagnostics.h"
#include "value.h"

enum option_store {
    OPTION_GROUP,   /* no option, but the title of those that follow: `name` */
    OPTION_VALUE,   /* a number by `rule`, at `offset`, `bytes` wide */
    OPTION_SWITCH,  /* a bool at `offset` becomes true */
    OPTION_TEXT,    /* a const char * at `offset`: the argument's */
    OPTION_ESCAPED, /* the same; \n \r \t \\ \xHH stand for bytes */
    OPTION_ACTION,  /* the command's: act() */
};

struct option {
    enum option_store store;
    const char *name, *alias; /* without dashes; alias: or null */
    char letter;              /* or 0 */
    const char *argument;     /* "TIME"; "": none */
    struct value_rule rule;
    size_t offset, bytes;
    int action;
    const char *help; /* one phrase */
};

/* An earlier name of an option, which help and suggestions leave out. */
struct option_alias {
    const char *alias, *name; /* without dashes; name: of an option in the same table */
};

struct option_reading;

struct option_table {
    const struct option *options;
    size_t count;
    const struct option_alias *aliases;
    size_t aliases_count;
    const char *command; /* "weir serve" */
    /* An OPTION_ACTION stood there; `value` is null where it takes none. */
    void (*act)(struct option_reading *reading, const struct option *option, const char *value);
    /* A word that is no option stood there. */
    void (*take_word)(struct option_reading *reading, const char *word);
};

#define OPTION_TABLE_MAX 128

/* A command line while it is read. */
struct option_reading {
    const struct option_table *table;
    int count, at;
    char **arguments;
    void *target; /* what the offsets are in */
    struct arena *arena;
    struct diagnostics *diagnostics;
    bool only_words;              /* true exactly when "--" was read */
    bool given[OPTION_TABLE_MAX]; /* by the index in the table */
};

/* Reads all of it. What cannot be read is added to the diagnostics, and leaves the target alone. */
void option_read(struct option_reading *reading);

/* Whether the line named the option that is stored at that offset. */
bool option_is_given(const struct option_reading *reading, size_t offset);

/* The number at the option's place in `target`. */
uint64_t option_number(const struct option *option, const void *target);

/* Writes the value in `target` as it would be typed; "none" for no text, "" for what has no value.
 * Returns `text`. */
char *option_text(const struct option *option, const void *target, char *text, size_t size);

/* Writes all options by groups, each with what it is in `defaults`. */
void option_help(const struct option_table *table, const void *defaults, FILE *out);

#endif
