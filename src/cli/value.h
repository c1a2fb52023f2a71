/* SPDX-License-Identifier: MIT */
/* value.h - numbers as a person writes them: times, sizes, counts, rates, ratios, words of a list.
 * Each kind is read and written, and says what it looks like to whoever got it wrong. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_DURATION,  /* ms: "500ms", "60s", "5m", "1h", "1d"; seconds when bare */
    VALUE_SIZE,      /* bytes: "64k", "1m", "2g", of 1024 each; bytes when bare */
    VALUE_COUNT,     /* "100" */
    VALUE_RATE,      /* per second: "1000", "1000/s" */
    VALUE_SIZE_RATE, /* bytes per second: "64k/s" */
    VALUE_RATIO,     /* percent: "1.0", "0.5", "150%" */
    VALUE_WORD,      /* the index in `words` */
};

struct value_rule {
    enum value_kind kind;
    const char *off;      /* how 0 is written, "off"; "": as a number */
    uint64_t least, most; /* of what is written as a number */
    const char *words;    /* "first|second|third" */
};

/* False, and *value as it was: the text is nothing of that kind, or out of its range. */
bool value_read(const struct value_rule *rule, const char *text, uint64_t *value);

/* Writes it as value_read() reads it. Returns `text`. */
char *value_text(const struct value_rule *rule, uint64_t value, char *text, size_t size);

/* Writes what one must write: "a time such as 500ms, 60s, 5m or 1h, at most 49d; or off". Returns
 * `text`. */
char *value_wanted(const struct value_rule *rule, char *text, size_t size);

#define VALUE_WORDS_MAX 16

/* Splits "first|second|third" in `room`; returns how many there are. */
size_t value_words(const char *words, char *room, size_t size, const char *split[VALUE_WORDS_MAX]);

#endif
