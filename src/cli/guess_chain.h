/* SPDX-License-Identifier: MIT */
/* guess_chain.h - a rule applied to a capture from one field on: the frames that it finds, and the
 * evidence for them. */
#ifndef CLI_GUESS_CHAIN_H
#define CLI_GUESS_CHAIN_H

#include "guess_columns.h"
#include "guess_rule.h"

#define GUESS_CHAIN_FRAMES_MAX UINT32_MAX

/* A rule and its first field, which the caller sets, and what a walk found. */
struct guess_chain {
    struct guess_rule rule;
    size_t field; /* the first one */

    size_t last;             /* the last field that was read */
    uint64_t next;           /* the field after it, which can be beyond the capture */
    uint32_t frames_count;   /* fields that were read */
    uint32_t landings_count; /* of them, those that are evidence */
    uint32_t empty_count;    /* of them, those whose value is 0 */
    uint32_t padded_count;   /* varints with unnecessary bytes */
    uint64_t jump_min, jump_max, value_min, value_max; /* of all frames but the last */
    uint64_t jumps_hash; /* of all jumps but the last: equal if two chains cut alike */
    bool is_broken;      /* no frame of this rule begins at `next`, which is within the capture */
    int64_t gain;        /* evidence in 1/256 bits */
};

/* Walks along the chain for at most `frames_max` frames, and sets its results. `columns` is left
 * with the columns of this chain. */
void guess_chain_walk(struct guess_chain *chain, const struct guess_capture *capture,
                      uint32_t frames_max, struct guess_columns *columns);

/* Moves the first field past frames that do not look like the next `frames_max` ones. `columns` is
 * overwritten, so walk again. */
void guess_chain_trim(struct guess_chain *chain, const struct guess_capture *capture,
                      uint32_t frames_max, struct guess_columns *columns);

/* Moves the first field to the earliest one that looks like the others. Returns whether it moved.
 * `columns` is overwritten, so walk again. */
bool guess_chain_rewind(struct guess_chain *chain, const struct guess_capture *capture,
                        struct guess_columns *columns);

/* How much of a capture a chain explains. */
struct guess_chain_check {
    uint64_t good_bytes, bad_bytes; /* of frames with and without evidence */
    uint32_t bad_frames_count;
};

/* Walks again, and checks each frame by what the columns of all frames have in common. `columns` is
 * overwritten. */
void guess_chain_check(const struct guess_chain *chain, const struct guess_capture *capture,
                       struct guess_columns *columns, struct guess_chain_check *check);

/* Returns whether the first chain, from its first frame on, cuts the capture everywhere where the
 * second one does. The offsets are those of the fields in their frames. */
bool guess_chain_contains(const struct guess_chain *fine, size_t fine_offset,
                          const struct guess_chain *coarse, size_t coarse_offset,
                          const struct guess_capture *capture);

#endif
