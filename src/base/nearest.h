/* SPDX-License-Identifier: MIT */
/* nearest.h - what somebody who mistyped a word may have meant. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* How many letters must change to make one word of the other (Levenshtein's distance); 32 where one
 * of them is longer than any word we know. */
size_t nearest_distance(const char *a, size_t a_length, const char *b);

/* Of the words that name(index) gives out until it gives out null, the one that is at most two
 * letters away and the nearest; null: there is none. */
const char *nearest_word(const char *word, size_t length, const char *(*name)(size_t index));

#endif
