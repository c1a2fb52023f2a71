/* SPDX-License-Identifier: MIT */
/* guess_start.h - decides where the frames of a chain begin: how many bytes before their fields. */
#ifndef CLI_GUESS_START_H
#define CLI_GUESS_START_H

#include "guess_chain.h"
#include "guess_prior.h"

/* A chain with the begin of its frames. */
struct guess_start {
    struct guess_chain chain; /* its field is that of the first frame */
    uint32_t offset;          /* of the field in its frame */
    size_t begin;             /* of the first whole frame in the capture */
    uint64_t end;             /* of the last frame; beyond the capture: that frame is incomplete */
    const struct guess_prior_preset *preset; /* null: none fits */
    int64_t cost;                            /* of the rule and the offset: guess_prior_cost() */
    int64_t score;                           /* evidence of all kinds, minus the costs */
    const char *known;                       /* the protocol with such headers; null: not known */
    int64_t rival;                           /* by how much the next best offset has less */
};

/* Decides by the chain's own walk, which must have left its columns in `columns`. Returns false if
 * no offset is possible. */
bool guess_start_choose(struct guess_start *start, const struct guess_chain *chain,
                        const struct guess_capture *capture, const struct guess_columns *columns,
                        const struct guess_prior *prior);

/* Scores a chain whose offset is known. `evidence` replaces the costs, and the evidence of the
 * first frame. `is_greeted`: the bytes before the first frame are explained. Returns false if the
 * offset is impossible. */
bool guess_start_known(struct guess_start *start, const struct guess_chain *chain, uint32_t offset,
                       int64_t evidence, bool is_greeted, const struct guess_capture *capture,
                       const struct guess_columns *columns, const struct guess_prior *prior);

#endif
