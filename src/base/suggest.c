/* SPDX-License-Identifier: MIT */
/* suggest.c - Levenshtein's distance, one row of its table at a time. */
#include "suggest.h"

#include <string.h>

#define SUGGEST__BYTES_MAX 32

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

const char *suggest_word(const char *word, size_t length, const char *(*name)(size_t index))
{
    const char *nearest = NULL;
    size_t least = 3; /* further off is no typing mistake */

    for (size_t i = 0; name(i); i++) {
        size_t distance = suggest_distance(word, length, name(i));
        if (distance >= least) continue;
        least = distance;
        nearest = name(i);
    }
    return nearest;
}
