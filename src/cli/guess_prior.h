/* SPDX-License-Identifier: MIT */
/* guess_prior.h - how usual a framing is, and the named frame specifications. */
#ifndef CLI_GUESS_PRIOR_H
#define CLI_GUESS_PRIOR_H

#include <weir/frame.h>

#include "guess_rule.h"

#define GUESS_PRIOR_PRESETS_MAX 64
#define GUESS_PRIOR_OFFSET_MAX 63
#define GUESS_PRIOR_HEADER_MAX 64

/* A named specification of the kind "length". */
struct guess_prior_preset {
    const char *name;
    struct guess_rule rule; /* width is up to 8 here */
    uint32_t offset, header, magic_bytes;
    uint8_t magic[16];
};

struct guess_prior {
    struct guess_prior_preset presets[GUESS_PRIOR_PRESETS_MAX];
    size_t presets_count;
};

/* Reads the named specifications. */
void guess_prior_open(struct guess_prior *prior);

/* Returns the preset that cuts as the rule does with fields at this offset, of which all headers
 * fit into `frame_min` bytes. Null: none. The caller compares the magic. */
const struct guess_prior_preset *guess_prior_preset(const struct guess_prior *prior,
                                                    const struct guess_rule *rule, uint32_t offset,
                                                    uint64_t frame_min);

/* Returns the cost of assuming the rule with fields at this offset, in 1/256 bits: the more
 * unusual, the more. */
int64_t guess_prior_cost(const struct guess_rule *rule, uint32_t offset);

/* Returns the cost of a preset. */
int64_t guess_prior_preset_cost(void);

#endif
