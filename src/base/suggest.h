/* SPDX-License-Identifier: MIT */
/* suggest.h - what somebody who mistyped a word may have meant. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* How many letters must change to make one word of the other (Levenshtein's distance); 32 where one
 * of them is longer than any word we know. */
size_t suggest_distance(const char *a, size_t a_length, const char *b);

/* Of the words that name(index) gives out until it gives out null, the one that is at most two
 * letters away and the nearest; null: there is none. */
const char *suggest_word(const char *word, size_t length, const char *(*name)(size_t index));

#endif
