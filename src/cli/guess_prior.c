/* SPDX-License-Identifier: MIT */
/* guess_prior.c - how usual a framing is: a short code for usual ones, a long code for unusual
 * ones.
 *
 * The numbers are rough estimates of how often protocols do such things. They decide only between
 * framings for which a capture has similar evidence.
 *
 */
#include "guess_prior.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_PRIOR__PRESET (4 * GUESS_BIT)

/* Returns the rule of a length specification. */
static struct guess_rule guess_prior__rule(const struct weir_frame_info *info)
{
    struct guess_rule rule = {.kind = GUESS_RULE_NUMBER};
    bool counts_header = strcmp(info->covers, "header+body") == 0;

    rule.width = (uint8_t)info->width;
    rule.is_little = info->is_little;
    rule.constant = (int32_t)info->constant;
    if (info->width == 0) {
        rule.kind = counts_header ? GUESS_RULE_VARINT_SELF : GUESS_RULE_VARINT;
        rule.constant = (int32_t)info->adjust + (counts_header ? 0 : (int32_t)info->offset);
    }
    return rule;
}

static void guess_prior__add(struct guess_prior *prior, const char *name)
{
    struct guess_prior_preset *preset = &prior->presets[prior->presets_count];
    struct weir_frame_info info;
    struct weir_frame *frame;

    if (weir_frame_open(name, &frame, NULL) != WEIR_OK) return;
    weir_frame_describe(frame, &info);
    if (strcmp(info.kind, "length") == 0 && info.magic_bytes <= sizeof preset->magic) {
        preset->name = name;
        preset->rule = guess_prior__rule(&info);
        preset->offset = info.offset;
        preset->header = info.header;
        preset->magic_bytes = info.magic_bytes;
        if (info.magic_bytes > 0) memcpy(preset->magic, info.magic, info.magic_bytes);
        prior->presets_count++;
    }
    weir_frame_free(frame);
}

void guess_prior_open(struct guess_prior *prior)
{
    const struct weir_frame_preset *preset;

    prior->presets_count = 0;
    for (size_t i = 0; (preset = weir_frame_preset_at(i)) != NULL; i++)
        if (prior->presets_count < GUESS_PRIOR_PRESETS_MAX) guess_prior__add(prior, preset->name);
}

const struct guess_prior_preset *guess_prior_preset(const struct guess_prior *prior,
                                                    const struct guess_rule *rule, uint32_t offset,
                                                    uint64_t frame_min)
{
    for (size_t i = 0; i < prior->presets_count; i++) {
        const struct guess_prior_preset *preset = &prior->presets[i];
        const struct guess_rule *other = &preset->rule;
        if (other->kind == rule->kind && other->width == rule->width &&
            (other->is_little == rule->is_little || rule->width <= 1) &&
            other->constant == rule->constant && preset->offset == offset &&
            preset->header <= frame_min)
            return preset;
    }
    return NULL;
}

/* Returns the cost of a number whose size is not limited: about 2 log2(number). */
static int64_t guess_prior__number(uint64_t number)
{
    return 2 * guess_bits_log2(number + 1);
}

/* Returns the cost of what the length counts. */
static int64_t guess_prior__constant(int64_t constant, int64_t field_begin, int64_t field_end)
{
    if (constant == field_end) return GUESS_BIT;       /* what follows the field */
    if (constant == 0) return 2 * GUESS_BIT;           /* the frame */
    if (constant == field_begin) return 3 * GUESS_BIT; /* the field and what follows */
    if (constant > field_end)                          /* what follows a longer header */
        return 4 * GUESS_BIT + guess_prior__number((uint64_t)(constant - field_end));
    uint64_t distance = (uint64_t)(constant > 0 ? constant : -constant);
    return 8 * GUESS_BIT + guess_prior__number(distance);
}

static int64_t guess_prior__width(const struct guess_rule *rule)
{
    static const uint16_t widths[] = {0, 768, 512, 1024, 384, 1792, 1792, 1792, 1024};
    int64_t cost = widths[rule->width];

    return rule->is_little && rule->width > 1 ? cost + 180 : cost;
}

int64_t guess_prior_cost(const struct guess_rule *rule, uint32_t offset)
{
    int64_t position =
        offset == 0 ? GUESS_BIT / 2 : 3 * GUESS_BIT / 2 + guess_prior__number(offset);
    int64_t end = offset;

    switch (rule->kind) {
    case GUESS_RULE_NUMBER:
        end += rule->width;
        return position + guess_prior__width(rule) +
               guess_prior__constant(rule->constant, offset, end);
    case GUESS_RULE_VARINT:
        return position + 3 * GUESS_BIT + guess_prior__constant(rule->constant, offset, end);
    case GUESS_RULE_VARINT_SELF:
        return position + 6 * GUESS_BIT + guess_prior__constant(rule->constant, -1, end);
    case GUESS_RULE_FIXED: return 4 * GUESS_BIT + guess_prior__number((uint64_t)rule->constant);
    case GUESS_RULE_SUNRPC: return 6 * GUESS_BIT;
    case GUESS_RULE_NETSTRING: return -16 * GUESS_BIT; /* each frame was checked for its syntax */
    case GUESS_RULE_DELIMITER: return 3 * GUESS_BIT - rule->width; /* the longest that fits */
    }
    return 3 * GUESS_BIT;
}

int64_t guess_prior_preset_cost(void)
{
    return GUESS_PRIOR__PRESET;
}
