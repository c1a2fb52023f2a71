/* SPDX-License-Identifier: MIT */
/* suggest.h - finds the known word that a mistyped word was probably meant to be. */
#ifndef TEXT_SUGGEST_H
#define TEXT_SUGGEST_H

#include <stddef.h>

/* Returns the Levenshtein distance of two words: how many characters must be inserted, removed or
 * replaced to convert one into the other. Returns 32 if one of them has 32 bytes or more. */
size_t suggest_distance(const char *a, size_t a_length, const char *b);

/* Returns the nearest of `count` words to `word`, which has `length` bytes. Null: every word is
 * more than two characters away, or has no character in common with it. */
const char *suggest_word(const char *word, size_t length, const char *const *words, size_t count);

/* Like suggest_word(), for the words that name(0), name(1), ... return until one is null. */
const char *suggest_name(const char *word, size_t length, const char *(*name)(size_t index));

#endif
