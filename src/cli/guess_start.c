/* SPDX-License-Identifier: MIT */
/* guess_start.c - decides where the frames of a chain begin.
 *
 * The same chain of fields exists for each offset. It matters where the capture starts and ends,
 * which offset fits what the length counts, and how far before the field the columns look like a
 * header.
 *
 */
#include "guess_start.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_START__SKIP (8 * GUESS_BIT) /* cost of bytes before the first frame */
#define GUESS_START__WIDTH_MAX 8          /* bytes of a number */
#define GUESS_START__GREETING_BYTES 80
#define GUESS_START__UNLIKE (6 * GUESS_BIT)  /* cost of a header byte that no other frame has */
#define GUESS_START__COLUMN GUESS_BIT        /* evidence of a column that looks like a header */
#define GUESS_START__ZERO (10 * GUESS_BIT)   /* cost of a zero before a big-endian number */
#define GUESS_START__BROKEN (16 * GUESS_BIT) /* cost of bytes after the last frame that fits */

static uint32_t guess_start__width(const struct guess_rule *rule)
{
    if (rule->kind == GUESS_RULE_NUMBER) return rule->width;
    return rule->kind == GUESS_RULE_VARINT || rule->kind == GUESS_RULE_VARINT_SELF ? 1 : 0;
}

static bool guess_start__has_offset(const struct guess_rule *rule)
{
    return guess_start__width(rule) > 0;
}

/* Returns whether the byte at this distance before the anchor is zero, except in a few frames. */
static bool guess_start__is_zero(const struct guess_columns *columns, int distance)
{
    int column = GUESS_COLUMNS_BEFORE - distance;

    return column >= 0 && columns->totals[column] > 1 &&
           columns->totals[column] - columns->counts[column][0] <= columns->totals[column] / 32;
}

/* Returns the evidence of the columns for a header that begins this far before the field. Before
 * the header, a frame ends, which is less likely to look alike each time. */
static int64_t guess_start__columns(const struct guess_columns *columns,
                                    const struct guess_rule *rule, uint32_t offset)
{
    int64_t evidence = 0;
    int anchor = (int)guess_rule_anchor(rule), outside = (int)offset + anchor + 1;

    for (int i = anchor + 1; i < outside && i <= GUESS_COLUMNS_BEFORE; i++) {
        if (!guess_columns_is_useful(columns, -i))
            evidence -= GUESS_START__COLUMN;
        else if (!guess_start__is_zero(columns, i))
            evidence += 2 * GUESS_START__COLUMN;
    }
    if (!guess_start__is_zero(columns, outside) && guess_columns_is_useful(columns, -outside))
        evidence -= 2 * GUESS_START__COLUMN;
    return evidence;
}

/* Returns the evidence of the byte before the field. A zero that always precedes a big-endian
 * number belongs to it. */
static int64_t guess_start__zero(const struct guess_columns *columns, const struct guess_rule *rule,
                                 uint32_t offset)
{
    bool is_big = rule->kind == GUESS_RULE_NUMBER && (!rule->is_little || rule->width == 1);

    if (!is_big || !guess_start__is_zero(columns, (int)guess_rule_anchor(rule) + 1)) return 0;
    return offset == 0 ? -GUESS_START__ZERO : -GUESS_START__ZERO / 2;
}

/* Returns the evidence of the first frame's header: it should look like the others. */
static int64_t guess_start__header(const struct guess_start *start,
                                   const struct guess_capture *capture,
                                   const struct guess_columns *columns)
{
    uint32_t anchor = guess_rule_anchor(&start->chain.rule);
    int64_t evidence = 0;

    for (uint32_t i = 1; i <= start->offset && i + anchor <= GUESS_COLUMNS_BEFORE; i++) {
        size_t column = GUESS_COLUMNS_BEFORE - anchor - i;
        uint32_t count = columns->counts[column][capture->bytes[start->chain.field - i]];
        if (count <= 1 && columns->totals[column] > 8 &&
            guess_columns_is_useful(columns, -(int)(i + anchor)))
            evidence -= GUESS_START__UNLIKE;
    }
    return evidence;
}

/* Returns the evidence of the first field by itself: the surprise of its bytes, minus the bits that
 * describe a number of this size. */
static int64_t guess_start__first(const struct guess_chain *chain,
                                  const struct guess_capture *capture)
{
    struct guess_rule_step step;
    int64_t evidence = 0;

    if (!guess_start__has_offset(&chain->rule) && chain->rule.kind != GUESS_RULE_NETSTRING)
        return 0;
    if (guess_rule_read(&chain->rule, capture, chain->field, &step) != GUESS_RULE_STEP) return 0;
    if (step.value == 0) return 0;
    for (uint32_t i = 0; i < step.width; i++)
        evidence += capture->surprise[chain->field + i] * (GUESS_BIT / GUESS_CAPTURE_SURPRISE_BIT);
    int32_t bits = guess_bits_log2(step.value + 1);
    evidence -= bits + 2 * guess_bits_log2((uint64_t)(bits / GUESS_BIT) + 1);
    return evidence > 0 ? evidence : 0;
}

static uint64_t guess_start__mean(const struct guess_chain *chain)
{
    uint64_t all = chain->next - chain->field;

    return all / (chain->frames_count > 0 ? chain->frames_count : 1);
}

/* Returns the evidence of the capture's end. */
static int64_t guess_start__end(const struct guess_start *start, uint64_t length)
{
    const struct guess_chain *chain = &start->chain;
    uint64_t last = chain->next - chain->last;

    if (chain->is_broken) return -GUESS_START__BROKEN;
    if (start->end == length) return guess_bits_log2(guess_start__mean(chain)) - GUESS_BIT;
    if (start->end < length || chain->frames_count < 2 || last <= chain->jump_max)
        return -GUESS_BIT;
    /* The last frame is cut off, and longer than any before it: it is less plausible the longer. */
    return -GUESS_BIT + guess_bits_log2(chain->jump_max) - guess_bits_log2(last);
}

/* Returns whether all frames that the walk counted begin with the preset's magic. */
static bool guess_start__has_magic(const struct guess_columns *columns,
                                   const struct guess_prior_preset *preset)
{
    for (uint32_t i = 0; i < preset->magic_bytes; i++) {
        uint32_t before = preset->offset - i + guess_rule_anchor(&preset->rule);
        if (before > GUESS_COLUMNS_BEFORE) continue;
        const uint32_t *counts = columns->counts[GUESS_COLUMNS_BEFORE - before];
        if (counts[preset->magic[i]] < columns->totals[GUESS_COLUMNS_BEFORE - before]) return false;
    }
    return true;
}

/* Moves to the first whole frame for this offset. Returns false if there is none. */
static bool guess_start__move(struct guess_start *start, const struct guess_capture *capture)
{
    struct guess_chain *chain = &start->chain;
    struct guess_rule_step step;

    if (chain->field < start->offset) {
        if (chain->frames_count < 2 ||
            guess_rule_read(&chain->rule, capture, chain->field, &step) != GUESS_RULE_STEP)
            return false;
        chain->field += (size_t)step.jump;
        chain->frames_count--;
    }
    if (chain->field < start->offset || chain->next < start->offset) return false;
    start->begin = chain->field - start->offset;
    start->end = chain->next - start->offset;
    return true;
}

/* Returns the evidence that the first frame begins where it does. Before it, there can be the rest
 * of a frame, or a short greeting. */
static int64_t guess_start__begin(const struct guess_start *start, size_t length)
{
    int64_t evidence = -GUESS_START__SKIP - guess_bits_log2(start->begin + 1);
    int64_t part = start->chain.gain > 0 ? start->chain.gain : 0;
    int64_t missing = (int64_t)(start->begin * 4096 / length);

    if (start->begin == 0) return 0;
    if (start->begin <= start->chain.jump_max) return evidence;
    if (start->begin > GUESS_START__GREETING_BYTES) evidence -= GUESS_START__BROKEN;
    /* Only a part of the capture would be explained. */
    return evidence - part * (missing < 1024 ? missing : 1024) / 1024;
}

/* Returns the cost of the rule at this offset. If all bytes of the header before the number are
 * zero, they can be part of it. */
static int64_t guess_start__cost(const struct guess_start *start,
                                 const struct guess_columns *columns,
                                 const struct guess_prior *prior)
{
    struct guess_rule wide = start->chain.rule;
    int64_t cost = guess_prior_cost(&wide, start->offset);
    int anchor = (int)guess_rule_anchor(&wide);

    if (wide.kind != GUESS_RULE_NUMBER || (wide.is_little && wide.width > 1)) return cost;
    if (start->offset == 0 || start->offset + wide.width > GUESS_START__WIDTH_MAX) return cost;
    for (int i = 1; i <= (int)start->offset; i++)
        if (!guess_start__is_zero(columns, anchor + i)) return cost;
    wide.width = (uint8_t)(wide.width + start->offset);
    wide.is_little = false;
    int64_t other = guess_prior_preset(prior, &wide, 0, start->chain.jump_min)
                        ? guess_prior_preset_cost()
                        : guess_prior_cost(&wide, 0);
    return other < cost ? other : cost;
}

/* Scores one offset. Returns false if it is impossible. */
static bool guess_start__score(struct guess_start *start, const struct guess_capture *capture,
                               const struct guess_columns *columns, const struct guess_prior *prior)
{
    uint32_t header = start->offset + guess_start__width(&start->chain.rule);
    uint64_t frame_min = start->chain.jump_min;

    if (frame_min < header || !guess_start__move(start, capture)) return false;
    start->cost = guess_start__cost(start, columns, prior);
    start->preset = guess_prior_preset(prior, &start->chain.rule, start->offset, frame_min);
    if (start->preset && !guess_start__has_magic(columns, start->preset)) start->preset = NULL;
    if (start->preset && start->cost > guess_prior_preset_cost())
        start->cost = guess_prior_preset_cost();
    start->score = start->chain.gain + guess_start__first(&start->chain, capture) - start->cost +
                   guess_start__columns(columns, &start->chain.rule, start->offset) +
                   guess_start__zero(columns, &start->chain.rule, start->offset) +
                   guess_start__end(start, capture->length);
    start->score +=
        guess_start__begin(start, capture->length) + guess_start__header(start, capture, columns);
    return true;
}

bool guess_start_choose(struct guess_start *start, const struct guess_chain *chain,
                        const struct guess_capture *capture, const struct guess_columns *columns,
                        const struct guess_prior *prior)
{
    uint32_t offset_max = guess_start__has_offset(&chain->rule) ? GUESS_PRIOR_OFFSET_MAX : 0;
    bool is_possible = false;
    int64_t rival = INT64_MIN;

    for (uint32_t offset = 0; offset <= offset_max; offset++) {
        struct guess_start other = {.chain = *chain, .offset = offset};
        if (!guess_start__score(&other, capture, columns, prior)) continue;
        if (is_possible && other.score <= start->score) {
            if (other.score > rival) rival = other.score;
            continue;
        }
        if (is_possible) rival = start->score;
        *start = other;
        is_possible = true;
    }
    start->rival = is_possible && rival > 0 ? start->score - rival : start->score;
    return is_possible;
}

bool guess_start_known(struct guess_start *start, const struct guess_chain *chain, uint32_t offset,
                       int64_t evidence, bool is_greeted, const struct guess_capture *capture,
                       const struct guess_columns *columns, const struct guess_prior *prior)
{
    struct guess_start other = {.chain = *chain, .offset = offset};

    if (!guess_start__score(&other, capture, columns, prior)) return false;
    *start = other;
    start->score = chain->gain + evidence + guess_start__end(start, capture->length);
    if (!is_greeted) start->score += guess_start__begin(start, capture->length);
    start->rival = start->score;
    start->cost = 0;
    return true;
}
