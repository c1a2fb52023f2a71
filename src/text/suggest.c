/* SPDX-License-Identifier: MIT */
/* suggest.c - computes the Levenshtein distance, one row of its table at a time. */
#include "suggest.h"

#include <string.h>

#define SUGGEST__BYTES_MAX 32
#define SUGGEST__DISTANCE_MAX 2 /* a larger distance is not a typing mistake */

static size_t suggest__least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

size_t suggest_distance(const char *a, size_t a_length, const char *b)
{
    size_t row[SUGGEST__BYTES_MAX], b_length = strlen(b);

    if (a_length >= SUGGEST__BYTES_MAX || b_length >= SUGGEST__BYTES_MAX) return SUGGEST__BYTES_MAX;
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = suggest__least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[b_length];
}

/* The nearest word so far. */
struct suggest__best {
    const char *word;
    size_t distance;
};

static void suggest__consider(struct suggest__best *best, const char *word, size_t length,
                              const char *candidate)
{
    size_t distance = suggest_distance(word, length, candidate);

    if (distance >= best->distance) return;
    if (distance >= strlen(candidate)) return; /* every character differs */
    best->distance = distance;
    best->word = candidate;
}

const char *suggest_word(const char *word, size_t length, const char *const *words, size_t count)
{
    struct suggest__best best = {NULL, SUGGEST__DISTANCE_MAX + 1};

    for (size_t i = 0; i < count; i++) suggest__consider(&best, word, length, words[i]);
    return best.word;
}

const char *suggest_name(const char *word, size_t length, const char *(*name)(size_t index))
{
    struct suggest__best best = {NULL, SUGGEST__DISTANCE_MAX + 1};

    for (size_t i = 0; name(i); i++) suggest__consider(&best, word, length, name(i));
    return best.word;
}
