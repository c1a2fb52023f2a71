/* SPDX-License-Identifier: MIT */
/* value.h - reads and writes numbers in the notation of the command line: times, sizes, counts,
 * rates, ratios, permissions, and words of a list. For each kind it can say which values are
 * allowed. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_DURATION,  /* milliseconds: "500ms", "60s", "5m", "1h", "1d"; "60" is seconds */
    VALUE_SPIN,      /* microseconds: "50us", "1ms", "auto" is WEIR_SPIN_AUTO_US */
    VALUE_SIZE,      /* bytes: "64k", "1m", "2g" (powers of 1024), "4096" */
    VALUE_COUNT,     /* "100" */
    VALUE_RATE,      /* per second: "1000", "1000/s" */
    VALUE_SIZE_RATE, /* bytes per second: "64k/s" */
    VALUE_RATIO,     /* percent: "1.0", "0.5", "150%" */
    VALUE_MODE,      /* permissions of a file: "0660", "660" (octal) */
    VALUE_WORD,      /* the index in `words` */
};

struct value_rule {
    enum value_kind kind;
    const char *off;      /* the word for 0, "off"; "": there is none */
    uint64_t least, most; /* range of the number */
    const char *words;    /* "first|second|third" */
};

/* Reads a value. Returns false, and leaves *value unchanged, if the text is not of that kind, or
 * out of range. */
bool value_read(const struct value_rule *rule, const char *text, uint64_t *value);

/* Writes a value in the notation of value_read(). Returns `text`. */
char *value_text(const struct value_rule *rule, uint64_t value, char *text, size_t size);

/* Writes which values are allowed: "a time such as 500ms, 60s, 5m or 1h, at most 49d; or off".
 * Returns `text`. */
char *value_wanted(const struct value_rule *rule, char *text, size_t size);

#define VALUE_WORDS_MAX 16

/* Splits "first|second|third" into words, which are copied to `room`. Returns how many there
 * are. */
size_t value_words(const char *words, char *room, size_t size, const char *split[VALUE_WORDS_MAX]);

#endif
