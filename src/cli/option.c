/* SPDX-License-Identifier: MIT */
/* option.c - reads a command line by a table of options. */
#include "option.h"

#include <stdint.h>
#include <string.h>

#include "escape.h"
#include "suggest.h"

#define OPTION__NAMES_MAX (2 * OPTION_TABLE_MAX)

/* ---- storing ---- */

uint64_t option_number(const struct option *option, const void *target)
{
    const unsigned char *member = (const unsigned char *)target + option->offset;
    uint64_t wide;
    uint32_t narrow;

    if (option->bytes == sizeof wide) {
        memcpy(&wide, member, sizeof wide);
        return wide;
    }
    memcpy(&narrow, member, sizeof narrow);
    return narrow;
}

void option_store_number(const struct option *option, void *target, uint64_t value)
{
    unsigned char *member = (unsigned char *)target + option->offset;
    uint32_t narrow = (uint32_t)value;

    if (option->bytes == sizeof value)
        memcpy(member, &value, sizeof value);
    else
        memcpy(member, &narrow, sizeof narrow);
}

void option_store_text(const struct option *option, void *target, const char *text)
{
    memcpy((unsigned char *)target + option->offset, &text, sizeof text);
}

/* Rejects a value: adds which values are allowed, and suggests one from a list of words. */
static void option__refuse(struct option_reading *reading, const struct option *option,
                           const char *value)
{
    const char *words[VALUE_WORDS_MAX], *suggestion = NULL;
    char wanted[160], room[128];

    value_wanted(&option->rule, wanted, sizeof wanted);
    if (option->rule.kind == VALUE_WORD) {
        size_t count = value_words(option->rule.words, room, sizeof room, words);
        suggestion = suggest_word(value, strlen(value), words, count);
    }
    if (suggestion)
        diagnostics_add(reading->diagnostics, "--%s %.100s: did you mean %s? Write %s",
                        option->name, value, suggestion, wanted);
    else
        diagnostics_add(reading->diagnostics, "--%s %.100s: write %s", option->name, value, wanted);
}

const char *option_unescape(struct arena *arena, const char *text, const char **wrong)
{
    size_t length = strlen(text);
    char *copy = arena_copy(arena, text, length);

    *wrong = "out of memory";
    if (!copy) return NULL;
    *wrong = "after \\ write n, r, t, \\ or x and two digits, as \\x0a";
    if (!escape_read_text((uint8_t *)copy, &length) || memchr(copy, '\0', length)) return NULL;
    copy[length] = '\0';
    return copy;
}

static void option__store_escaped(struct option_reading *reading, const struct option *option,
                                  const char *value)
{
    const char *wrong, *text = option_unescape(reading->arena, value, &wrong);

    if (text)
        option_store_text(option, reading->target, text);
    else
        diagnostics_add(reading->diagnostics, "--%s %.100s: %s", option->name, value, wrong);
}

static void option__apply(struct option_reading *reading, const struct option *option,
                          const char *value)
{
    uint64_t number;

    reading->given[option - reading->table->options] = true;
    switch (option->store) {
    case OPTION_GROUP: break;
    case OPTION_VALUE:
        if (value_read(&option->rule, value, &number))
            option_store_number(option, reading->target, number);
        else
            option__refuse(reading, option, value);
        break;
    case OPTION_SWITCH:
        memcpy((unsigned char *)reading->target + option->offset, &(bool){true}, sizeof(bool));
        break;
    case OPTION_TEXT: option_store_text(option, reading->target, value); break;
    case OPTION_ESCAPED: option__store_escaped(reading, option, value); break;
    case OPTION_ACTION: reading->table->act(reading, option, value); break;
    }
}

const struct option *option_at(const struct option_table *table, size_t offset)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].bytes > 0 && table->options[i].offset == offset)
            return &table->options[i];
    return NULL;
}

bool option_is_given(const struct option_reading *reading, size_t offset)
{
    const struct option *option = option_at(reading->table, offset);

    return option && reading->given[option - reading->table->options];
}

const char *option_enter(struct option_reading *reading, size_t offset, char *name, size_t size)
{
    const struct option *option = option_at(reading->table, offset);
    const struct option_position *position =
        option ? &reading->positions[option - reading->table->options] : NULL;

    diagnostics_leave(reading->diagnostics);
    if (position && position->line > 0)
        diagnostics_enter(reading->diagnostics, reading->file, position->line, position->column);
    if (!option)
        snprintf(name, size, "?");
    else if (option->key &&
             (position->line > 0 || (reading->file && !option_is_given(reading, offset))))
        snprintf(name, size, "%s", option->key);
    else
        snprintf(name, size, "--%s", option->name);
    return name;
}

/* ---- finding an option ---- */

static bool option__is_called(const char *name, const char *word, size_t length)
{
    return name && strncmp(name, word, length) == 0 && name[length] == '\0';
}

/* Returns the present name of an option whose earlier name is `word`; otherwise `word`. */
static const char *option__present_name(const struct option_table *table, const char *word,
                                        size_t *length)
{
    for (size_t i = 0; i < table->aliases_count; i++) {
        if (!option__is_called(table->aliases[i].alias, word, *length)) continue;
        *length = strlen(table->aliases[i].name);
        return table->aliases[i].name;
    }
    return word;
}

static const struct option *option__find_name(const struct option_table *table, const char *word,
                                              size_t length)
{
    word = option__present_name(table, word, &length);
    for (size_t i = 0; i < table->count; i++) {
        const struct option *option = &table->options[i];
        if (option->store == OPTION_GROUP) continue;
        if (option__is_called(option->name, word, length) ||
            option__is_called(option->alias, word, length))
            return option;
    }
    return NULL;
}

bool option_name_is_given(const struct option_reading *reading, const char *name)
{
    const struct option *option = option__find_name(reading->table, name, strlen(name));

    return option && reading->given[option - reading->table->options];
}

static const struct option *option__find_letter(const struct option_table *table, char letter)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].letter == letter && letter != 0) return &table->options[i];
    return NULL;
}

static void option__refuse_name(struct option_reading *reading, const char *word, size_t length)
{
    const struct option_table *table = reading->table;
    const char *names[OPTION__NAMES_MAX];
    size_t count = 0;
    int printed = length > 60 ? 60 : (int)length;

    for (size_t i = 0; i < table->count && count + 2 < OPTION__NAMES_MAX; i++) {
        if (table->options[i].store == OPTION_GROUP) continue;
        names[count++] = table->options[i].name;
        if (table->options[i].alias) names[count++] = table->options[i].alias;
    }
    const char *suggestion = suggest_word(word, length, names, count);
    if (suggestion)
        diagnostics_add(reading->diagnostics, "unknown option --%.*s; did you mean --%s?", printed,
                        word, suggestion);
    else
        diagnostics_add(reading->diagnostics, "unknown option --%.*s; see %s --help", printed, word,
                        table->command);
}

/* ---- the command line ---- */

static bool option__needs_value(const struct option *option)
{
    return option->argument[0] != '\0' && strncmp(option->argument, "[=", 2) != 0;
}

/* Applies an option with the value that is joined to it (null: none), or with the next word. */
static void option__read_value(struct option_reading *reading, const struct option *option,
                               const char *joined)
{
    const char *value = joined;

    if (option->argument[0] == '\0' && joined) {
        diagnostics_add(reading->diagnostics, "--%s takes no value", option->name);
        return;
    }
    if (option__needs_value(option) && !joined) {
        if (reading->at + 1 == reading->count) {
            diagnostics_add(reading->diagnostics, "--%s needs a value: %s", option->name,
                            option->argument);
            return;
        }
        value = reading->arguments[++reading->at];
    }
    option__apply(reading, option, value);
}

/* --name, --name=value, --name value */
static void option__read_long(struct option_reading *reading, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct option *option = option__find_name(reading->table, word, length);

    if (option) {
        option__read_value(reading, option, word[length] == '=' ? word + length + 1 : NULL);
        return;
    }
    option__refuse_name(reading, word, length);
    /* The next word is probably the value of the unknown option: do not report it, too. */
    if (word[length] == '\0' && reading->at + 1 < reading->count &&
        reading->arguments[reading->at + 1][0] != '-')
        reading->at++;
}

/* -a, -ab for switches, -t VALUE, -tVALUE */
static void option__read_letters(struct option_reading *reading, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = option__find_letter(reading->table, *letters);
        if (!option) {
            diagnostics_add(reading->diagnostics, "unknown option -%c; see %s --help", *letters,
                            reading->table->command);
            return;
        }
        if (option->argument[0] != '\0') {
            option__read_value(reading, option, letters[1] ? letters + 1 : NULL);
            return;
        }
        option__read_value(reading, option, NULL);
    }
}

static void option__read_word(struct option_reading *reading, const char *word)
{
    if (reading->table->take_word)
        reading->table->take_word(reading, word);
    else
        diagnostics_add(reading->diagnostics, "%.100s: %s takes options only; see --help", word,
                        reading->table->command);
}

void option_read(struct option_reading *reading)
{
    for (; reading->at < reading->count; reading->at++) {
        const char *word = reading->arguments[reading->at];
        if (reading->only_words || word[0] != '-' || word[1] == '\0')
            option__read_word(reading, word);
        else if (strcmp(word, "--") == 0)
            reading->only_words = true;
        else if (word[1] == '-')
            option__read_long(reading, word + 2);
        else
            option__read_letters(reading, word + 1);
    }
}
