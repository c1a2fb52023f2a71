/* SPDX-License-Identifier: MIT */
/* guess_search.h - finds rules and first fields that are worth a closer look. */
#ifndef CLI_GUESS_SEARCH_H
#define CLI_GUESS_SEARCH_H

#include "guess_chain.h"

#define GUESS_SEARCH_FOUND_MAX 16384
#define GUESS_SEARCH_FIELD_MAX \
    63 /* offset of the first field in a capture that starts with a frame */
#define GUESS_SEARCH_CONSTANT_MIN (-16)
#define GUESS_SEARCH_CONSTANT_MAX 64

/* Chains with their rule and field set, in no order. */
struct guess_search {
    struct guess_chain *found; /* GUESS_SEARCH_FOUND_MAX */
    size_t count;
};

/* Fills in search->found, whose memory comes from the arena. Returns false if memory is exhausted.
 * The time has a bound, whatever the length of the capture: about 10^8 comparisons of two fields.
 */
bool guess_search_run(struct guess_search *search, const struct guess_capture *capture,
                      struct arena *arena);

#endif
