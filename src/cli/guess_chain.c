/* SPDX-License-Identifier: MIT */
/* guess_chain.c - walks along the length fields of a capture.
 *
 * A landing at a field is evidence if the jump to it was: an empty frame proves nothing, nor does a
 * frame whose bytes repeat earlier ones, nor the ninth frame of the same length. Otherwise a wrong
 * rule that jumps from zero to zero, or along a repeated text, would collect evidence without end.
 */
#include "guess_chain.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_CHAIN__SAME_VALUES_MAX 8
#define GUESS_CHAIN__TRIMMED_MAX 64                /* frames */
#define GUESS_CHAIN__TRIMMED_BITS (12 * GUESS_BIT) /* evidence against frames that are dropped */
#define GUESS_CHAIN__UNLIKE (4 * GUESS_BIT)        /* most evidence against one frame */
#define GUESS_CHAIN__PREPENDED_BYTES_MAX 65536
#define GUESS_CHAIN__REWIND_READS 200000
#define GUESS_CHAIN__FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define GUESS_CHAIN__VALUES 1024 /* slots; values can share one, and then are counted together */

/* A walk along a chain. */
struct guess_chain__walk {
    const struct guess_chain *chain;
    const struct guess_capture *capture;
    size_t at;     /* the current field */
    uint64_t jump; /* that led to it; 0: it is the first one */
    struct guess_rule_step step;
    enum guess_rule_result result;
};

static struct guess_chain__walk guess_chain__start(const struct guess_chain *chain,
                                                   const struct guess_capture *capture)
{
    struct guess_chain__walk walk = {.chain = chain, .capture = capture, .at = chain->field};

    walk.result = guess_rule_read(&chain->rule, capture, walk.at, &walk.step);
    return walk;
}

/* Moves on to the next field. Returns false if it is beyond the capture, or no field. */
static bool guess_chain__go_on(struct guess_chain__walk *walk)
{
    if (walk->step.jump > walk->capture->length - walk->at) return false;
    walk->at += (size_t)walk->step.jump;
    walk->jump = walk->step.jump;
    walk->result = guess_rule_read(&walk->chain->rule, walk->capture, walk->at, &walk->step);
    return walk->result == GUESS_RULE_STEP;
}

static size_t guess_chain__less(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* Returns the bytes around the current field. Short frames share the bytes between their fields. */
static struct guess_landing guess_chain__landing(const struct guess_chain__walk *walk)
{
    const struct guess_rule *rule = &walk->chain->rule;
    size_t anchor = guess_rule_anchor(rule), left = walk->capture->length - walk->at - anchor;
    uint64_t before = walk->jump > 0 ? walk->jump / 2 : walk->at + anchor;
    struct guess_landing landing = {.at = walk->at + anchor};

    landing.before = guess_chain__less(before, GUESS_COLUMNS_BEFORE);
    if (landing.before < anchor) landing.before = anchor;
    landing.after = guess_chain__less((walk->step.jump + 1) / 2, GUESS_COLUMNS_AFTER);
    landing.after = guess_chain__less(landing.after, left);
    if (rule->kind == GUESS_RULE_DELIMITER) landing.unused = rule->width;
    return landing;
}

/* Returns whether a frame of this value is evidence, and counts it. */
static bool guess_chain__is_new(uint8_t *counts, uint64_t value)
{
    uint8_t *count = &counts[(value ^ value >> 10) % GUESS_CHAIN__VALUES];

    if (value == 0 || *count == GUESS_CHAIN__SAME_VALUES_MAX) return false;
    ++*count;
    return true;
}

/* Records the frame that the walk leaves. */
static void guess_chain__record(struct guess_chain *chain, const struct guess_rule_step *step)
{
    chain->jumps_hash = (chain->jumps_hash ^ step->jump) * GUESS_CHAIN__FACTOR;
    if (step->jump < chain->jump_min) chain->jump_min = step->jump;
    if (step->jump > chain->jump_max) chain->jump_max = step->jump;
    if (step->value < chain->value_min) chain->value_min = step->value;
    if (step->value > chain->value_max) chain->value_max = step->value;
}

static void guess_chain__clear(struct guess_chain *chain)
{
    struct guess_chain cleared = {.rule = chain->rule, .field = chain->field};

    *chain = cleared;
    chain->jump_min = chain->value_min = UINT64_MAX;
    chain->last = chain->field;
    chain->next = chain->field;
}

void guess_chain_walk(struct guess_chain *chain, const struct guess_capture *capture,
                      uint32_t frames_max, struct guess_columns *columns)
{
    uint8_t counts[GUESS_CHAIN__VALUES] = {0};
    struct guess_chain__walk walk = guess_chain__start(chain, capture);
    bool is_evidence = true, goes_on = walk.result == GUESS_RULE_STEP;

    guess_chain__clear(chain);
    guess_columns_clear(columns);
    while (goes_on) {
        struct guess_landing landing = guess_chain__landing(&walk);
        if (is_evidence) guess_columns_add(columns, capture, &landing);
        chain->landings_count += is_evidence;
        chain->frames_count++;
        chain->padded_count += walk.step.is_padded;
        chain->empty_count += walk.step.value == 0;
        chain->last = walk.at;
        chain->next = walk.at + walk.step.jump;
        struct guess_rule_step step = walk.step;
        goes_on = guess_chain__go_on(&walk);
        if (!goes_on) break; /* the last frame counts for no offset, or for all */
        guess_chain__record(chain, &step);
        is_evidence = guess_chain__is_new(counts, step.value) &&
                      guess_capture_is_fresh(capture, chain->last, walk.at);
        if (chain->frames_count == frames_max) break;
    }
    chain->is_broken = walk.result == GUESS_RULE_BAD;
    chain->gain = guess_columns_gain(columns);
}

/* Adds all frames to the columns, also those that are no evidence by themselves. */
static void guess_chain__learn(const struct guess_chain *chain, const struct guess_capture *capture,
                               uint32_t frames_max, struct guess_columns *columns)
{
    struct guess_chain__walk walk = guess_chain__start(chain, capture);
    bool goes_on = walk.result == GUESS_RULE_STEP;

    guess_columns_clear(columns);
    for (uint32_t i = 0; goes_on && i < frames_max; i++) {
        struct guess_landing landing = guess_chain__landing(&walk);
        guess_columns_add(columns, capture, &landing);
        goes_on = guess_chain__go_on(&walk);
    }
}

void guess_chain_check(const struct guess_chain *chain, const struct guess_capture *capture,
                       struct guess_columns *columns, struct guess_chain_check *check)
{
    struct guess_chain__walk walk = guess_chain__start(chain, capture);
    bool goes_on = walk.result == GUESS_RULE_STEP;

    memset(check, 0, sizeof *check);
    guess_chain__learn(chain, capture, GUESS_CHAIN_FRAMES_MAX, columns);
    while (goes_on) {
        struct guess_landing landing = guess_chain__landing(&walk);
        size_t bytes = guess_chain__less(walk.step.jump, capture->length - walk.at);
        bool is_good = guess_columns_check(columns, capture, &landing) > 0;
        check->good_bytes += is_good ? bytes : 0;
        check->bad_bytes += is_good ? 0 : bytes;
        check->bad_frames_count += !is_good;
        goes_on = guess_chain__go_on(&walk);
    }
    if (walk.result == GUESS_RULE_BAD) check->bad_bytes += capture->length - walk.at;
}

/* Returns the evidence of the frame whose field is at this position. Jumps into nowhere have none.
 */
static int64_t guess_chain__evidence(const struct guess_chain *chain,
                                     const struct guess_capture *capture,
                                     const struct guess_columns *columns, size_t field)
{
    struct guess_chain__walk walk = {.chain = chain, .capture = capture, .at = field};

    walk.result = guess_rule_read(&chain->rule, capture, field, &walk.step);
    if (walk.result != GUESS_RULE_STEP) return INT64_MIN / 4;
    struct guess_landing landing = guess_chain__landing(&walk);
    return guess_columns_check(columns, capture, &landing);
}

/* Drops the first frames if they do not look like the others. */
static void guess_chain__trim(struct guess_chain *chain, const struct guess_capture *capture,
                              const struct guess_columns *columns)
{
    struct guess_chain__walk walk = guess_chain__start(chain, capture);
    int64_t sum = 0, least = -GUESS_CHAIN__TRIMMED_BITS;
    size_t field = chain->field;

    for (int i = 0; i < GUESS_CHAIN__TRIMMED_MAX; i++) {
        int64_t evidence = guess_chain__evidence(chain, capture, columns, walk.at);
        sum += evidence < -GUESS_CHAIN__UNLIKE ? -GUESS_CHAIN__UNLIKE : evidence;
        if (!guess_chain__go_on(&walk)) break;
        if (sum >= least) continue;
        least = sum;
        field = walk.at;
    }
    chain->field = field;
}

/* Finds the frame that leads to the chain's first field and looks most like the others. Returns
 * false if none looks like them. */
static bool guess_chain__prepend(struct guess_chain *chain, const struct guess_capture *capture,
                                 const struct guess_columns *columns, size_t *budget)
{
    size_t field = chain->field, best = field;
    size_t reach = guess_chain__less(2 * chain->jump_max + 64, GUESS_CHAIN__PREPENDED_BYTES_MAX);
    int64_t evidence = -GUESS_CHAIN__UNLIKE;
    struct guess_rule_step step;

    for (size_t at = field; at-- > 0 && field - at <= reach;) {
        if (*budget == 0) return false;
        --*budget;
        if (guess_rule_read(&chain->rule, capture, at, &step) != GUESS_RULE_STEP ||
            step.jump != field - at)
            continue;
        int64_t other = guess_chain__evidence(chain, capture, columns, at);
        if (other <= evidence) continue;
        evidence = other;
        best = at;
    }
    chain->field = best;
    return best != field;
}

void guess_chain_trim(struct guess_chain *chain, const struct guess_capture *capture,
                      uint32_t frames_max, struct guess_columns *columns)
{
    guess_chain__learn(chain, capture, frames_max, columns);
    guess_chain__trim(chain, capture, columns);
}

bool guess_chain_rewind(struct guess_chain *chain, const struct guess_capture *capture,
                        struct guess_columns *columns)
{
    size_t budget = GUESS_CHAIN__REWIND_READS, was = chain->field;

    if (chain->rule.kind == GUESS_RULE_DELIMITER || chain->rule.kind == GUESS_RULE_FIXED)
        return false;
    guess_chain__learn(chain, capture, GUESS_CHAIN_FRAMES_MAX, columns);
    guess_chain__trim(chain, capture, columns);
    if (chain->jump_max < 512) chain->jump_max = 512;
    while (guess_chain__prepend(chain, capture, columns, &budget)) continue;
    guess_chain__trim(chain, capture, columns);
    return chain->field != was;
}

bool guess_chain_contains(const struct guess_chain *fine, size_t fine_offset,
                          const struct guess_chain *coarse, size_t coarse_offset,
                          const struct guess_capture *capture)
{
    struct guess_chain__walk a = guess_chain__start(fine, capture);
    struct guess_chain__walk b = guess_chain__start(coarse, capture);

    if (a.result != GUESS_RULE_STEP || b.result != GUESS_RULE_STEP) return false;
    while (b.at - coarse_offset < a.at - fine_offset)
        if (!guess_chain__go_on(&b)) return false;
    for (;;) {
        size_t wanted = b.at - coarse_offset;
        while (a.at - fine_offset < wanted)
            if (!guess_chain__go_on(&a)) return false;
        if (a.at - fine_offset != wanted) return false;
        if (!guess_chain__go_on(&b)) return b.result != GUESS_RULE_BAD;
    }
}
