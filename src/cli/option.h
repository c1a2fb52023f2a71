/* SPDX-License-Identifier: MIT */
/* option.h - reads a command line by a table of options.
 *
 *     --name VALUE   --name=VALUE   -n VALUE   -nVALUE   -ab: two switches   --: only words follow
 *     --name[=VALUE] for an option whose value can be left out
 *
 * Most options are a value that is stored at an offset of a struct: they need only a line in the
 * table. For the others the table calls a function of the command.
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
    OPTION_GROUP,   /* not an option: `name` is the title of the following ones */
    OPTION_VALUE,   /* a number that `rule` allows, of `bytes` bytes at `offset` */
    OPTION_SWITCH,  /* a bool at `offset` becomes true */
    OPTION_TEXT,    /* a const char * at `offset`, which points to the argument */
    OPTION_ESCAPED, /* like OPTION_TEXT; \n \r \t \\ \xHH are escapes */
    OPTION_ACTION,  /* act() of the table handles it */
};

struct option {
    enum option_store store;
    const char *name, *alias; /* without dashes; alias: null if there is none */
    char letter;              /* 0: none */
    const char *argument;     /* "TIME"; "": it has no value; "[=TIME]": one after "=", or none */
    struct value_rule rule;
    size_t offset, bytes;
    int action;
    const char *help; /* one phrase for --help */
    const char *key;  /* in a configuration file: "limits.idle-timeout"; null: none */
    bool is_live;     /* a reload of the file applies it to a running server */
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
    /* Called for an OPTION_ACTION. `value` is null if the option has none. */
    void (*act)(struct option_reading *reading, const struct option *option, const char *value);
    /* Called for a word that is not an option; null: the command takes options only. */
    void (*take_word)(struct option_reading *reading, const char *word);
};

#define OPTION_TABLE_MAX 256

struct option_position {
    unsigned line, column;
};

/* A command line that is being read. */
struct option_reading {
    const struct option_table *table;
    int count, at;
    char **arguments;
    void *target; /* the struct that the offsets refer to */
    struct arena *arena;
    struct diagnostics *diagnostics;
    bool only_words;              /* set after "--" */
    bool given[OPTION_TABLE_MAX]; /* index: as in the table */
    /* Of options that were read from the configuration file `file`; line 0: from elsewhere. */
    struct option_position positions[OPTION_TABLE_MAX];
    const char *file;
};

/* Reads the whole command line. Errors are added to the diagnostics, and do not change the
 * target. */
void option_read(struct option_reading *reading);

/* Returns whether the command line contains the option that is stored at this offset. */
bool option_is_given(const struct option_reading *reading, size_t offset);

/* Sets the place of the next diagnostics to that of the option in the configuration file, if it was
 * read from there. Returns its name there, "limits.rate", or on the command line, "--rate", in
 * `name`. */
const char *option_enter(struct option_reading *reading, size_t offset, char *name, size_t size);

/* The same for the option of this name. */
bool option_name_is_given(const struct option_reading *reading, const char *name);

/* Returns the option that is stored at this offset; null: there is none. */
const struct option *option_at(const struct option_table *table, size_t offset);

/* Store a value in `target`. */
void option_store_number(const struct option *option, void *target, uint64_t value);
void option_store_text(const struct option *option, void *target, const char *text);

/* Replaces the escapes \n \r \t \\ \xHH. Returns the text, which belongs to the arena; null:
 * *wrong says what to write. */
const char *option_unescape(struct arena *arena, const char *text, const char **wrong);

/* Returns the option's number in `target`. */
uint64_t option_number(const struct option *option, const void *target);

/* Writes the option's value in `target` as a user would type it; "none" for a null text, "" for an
 * option without a value. Returns `text`. */
char *option_text(const struct option *option, const void *target, char *text, size_t size);

#define OPTION_HELP_COLUMN 38 /* where the help of an option begins */

/* Prints words from OPTION_HELP_COLUMN on, wrapped into lines. */
void option_help_right(const char *words);

/* Prints all options in groups on stdout, each with its value in `defaults`. */
void option_help(const struct option_table *table, const void *defaults);

#endif
