/* SPDX-License-Identifier: MIT */
/* guess_rule.c - reads length fields and delimiters. */
#include "guess_rule.h"

#include <string.h>

#define GUESS_RULE__DIGITS_MAX 9
#define GUESS_RULE__SUNRPC_LAST UINT32_C(0x80000000)

int guess_rule_varint(const uint8_t *bytes, size_t length, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < GUESS_RULE_VARINT_BYTES_MAX; i++) {
        if ((size_t)i == length) return 0;
        *value |= (uint64_t)(bytes[i] & 0x7f) << 7 * i;
        if (!(bytes[i] & 0x80)) return i + 1;
    }
    return -1;
}

/* Sets the jump. Returns GUESS_RULE_BAD if the frame would end within its own field. */
static enum guess_rule_result guess_rule__jump(const struct guess_rule *rule, uint64_t own,
                                               struct guess_rule_step *step)
{
    int64_t jump = (int64_t)(step->value + own) + rule->constant;

    if (jump < (int64_t)step->width) return GUESS_RULE_BAD;
    step->jump = (uint64_t)jump;
    return GUESS_RULE_STEP;
}

static enum guess_rule_result guess_rule__read_varint(const struct guess_rule *rule,
                                                      const uint8_t *bytes, size_t length,
                                                      struct guess_rule_step *step)
{
    int width = guess_rule_varint(bytes, length, &step->value);

    if (width < 0) return GUESS_RULE_BAD;
    if (width == 0) return GUESS_RULE_SHORT;
    step->width = (uint32_t)width;
    step->is_padded = width > 1 && bytes[width - 1] == 0;
    return guess_rule__jump(rule, rule->kind == GUESS_RULE_VARINT ? step->width : 0, step);
}

static enum guess_rule_result guess_rule__read_number(const struct guess_rule *rule,
                                                      const uint8_t *bytes, size_t length,
                                                      struct guess_rule_step *step)
{
    if (length < rule->width) return GUESS_RULE_SHORT;
    uint32_t value = guess_rule_number(bytes, rule->width, rule->is_little);
    step->width = rule->width;
    if (rule->kind == GUESS_RULE_SUNRPC) value &= ~GUESS_RULE__SUNRPC_LAST;
    step->value = value;
    return guess_rule__jump(rule, 0, step);
}

/* Reads the digits at the front. Returns how many there are. */
static uint32_t guess_rule__digits(const uint8_t *bytes, size_t length, uint64_t *value)
{
    uint32_t digits = 0;

    *value = 0;
    while (digits < length && digits < GUESS_RULE__DIGITS_MAX && bytes[digits] >= '0' &&
           bytes[digits] <= '9')
        *value = *value * 10 + (uint64_t)(bytes[digits++] - '0');
    return digits;
}

static enum guess_rule_result guess_rule__read_netstring(const uint8_t *bytes, size_t length,
                                                         struct guess_rule_step *step)
{
    uint32_t digits = guess_rule__digits(bytes, length, &step->value);

    if (digits == length) return GUESS_RULE_SHORT;
    if (digits == 0 || bytes[digits] != ':' || (digits > 1 && bytes[0] == '0'))
        return GUESS_RULE_BAD;
    step->width = digits + 1;
    step->jump = step->value + digits + 2;
    return step->jump <= length && bytes[step->jump - 1] != ',' ? GUESS_RULE_BAD : GUESS_RULE_STEP;
}

static enum guess_rule_result guess_rule__read_line(const struct guess_rule *rule,
                                                    const uint8_t *bytes, size_t length,
                                                    struct guess_rule_step *step)
{
    const uint8_t *at = bytes, *end = bytes + length;

    for (; (size_t)(end - at) >= rule->width; at++) {
        at = memchr(at, rule->delimiter[0], (size_t)(end - at) - rule->width + 1);
        if (!at) break;
        if (memcmp(at, rule->delimiter, rule->width) != 0) continue;
        step->value = (uint64_t)(at - bytes);
        step->jump = step->value + rule->width;
        step->width = 0;
        return GUESS_RULE_STEP;
    }
    return GUESS_RULE_SHORT;
}

enum guess_rule_result guess_rule_read(const struct guess_rule *rule,
                                       const struct guess_capture *capture, size_t at,
                                       struct guess_rule_step *step)
{
    const uint8_t *bytes = capture->bytes + at;
    size_t length = capture->length - at;

    step->is_padded = false;
    switch (rule->kind) {
    case GUESS_RULE_NUMBER:
    case GUESS_RULE_SUNRPC: return guess_rule__read_number(rule, bytes, length, step);
    case GUESS_RULE_VARINT:
    case GUESS_RULE_VARINT_SELF: return guess_rule__read_varint(rule, bytes, length, step);
    case GUESS_RULE_NETSTRING: return guess_rule__read_netstring(bytes, length, step);
    case GUESS_RULE_DELIMITER: return guess_rule__read_line(rule, bytes, length, step);
    case GUESS_RULE_FIXED: break;
    }
    step->width = 0;
    step->value = step->jump = (uint64_t)rule->constant;
    return length == 0 ? GUESS_RULE_SHORT : GUESS_RULE_STEP;
}
