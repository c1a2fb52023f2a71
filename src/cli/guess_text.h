/* SPDX-License-Identifier: MIT */
/* guess_text.h - finds delimiters that can end the messages of a capture of text. */
#ifndef CLI_GUESS_TEXT_H
#define CLI_GUESS_TEXT_H

#include "guess_rule.h"

#define GUESS_TEXT_DELIMITERS_MAX 16

/* A delimiter, and the evidence that text ends with it. */
struct guess_text_delimiter {
    struct guess_rule rule;
    uint64_t count;   /* occurrences */
    int64_t evidence; /* in 1/256 bits */
};

/* Writes the delimiters that leave only text in the messages. Returns how many; 0: the capture is
 * not text. */
size_t guess_text_find(const struct guess_capture *capture,
                       struct guess_text_delimiter delimiters[GUESS_TEXT_DELIMITERS_MAX]);

#endif
