/* SPDX-License-Identifier: MIT */
/* guess_known.h - recognises the headers of known protocols. */
#ifndef CLI_GUESS_KNOWN_H
#define CLI_GUESS_KNOWN_H

#include "guess_start.h"

/* A known protocol whose headers a capture seems to have. */
struct guess_known {
    const char *name;
    struct guess_chain chain; /* rule and first field are set */
    uint32_t offset;
    bool is_greeted; /* the connection's greeting precedes the first frame */
    int64_t
        evidence; /* of greeting and first header, in 1/256 bits, minus the cost of the choice */
};

/* Finds the next known protocol at or after *index, and advances *index. Returns false at the
 * end of the list. */
bool guess_known_next(const struct guess_capture *capture, size_t *index,
                      struct guess_known *known);

#endif
