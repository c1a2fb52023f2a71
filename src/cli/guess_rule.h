/* SPDX-License-Identifier: MIT */
/* guess_rule.h - how one frame leads to the next: the part of a frame specification that cuts.
 *
 * A rule names no offset. It leads from the length field of one frame to the length field of the
 * next, and so describes the same chain of fields wherever frames are said to begin.
 */
#ifndef CLI_GUESS_RULE_H
#define CLI_GUESS_RULE_H

#include "guess_capture.h"

#define GUESS_RULE_DELIMITER_BYTES_MAX 4
#define GUESS_RULE_VARINT_BYTES_MAX 5

enum guess_rule_kind {
    GUESS_RULE_NUMBER,      /* a length of `width` bytes */
    GUESS_RULE_VARINT,      /* a LEB128 length; `constant` does not include its own bytes */
    GUESS_RULE_VARINT_SELF, /* a LEB128 length that counts its own bytes */
    GUESS_RULE_SUNRPC,      /* a number of 4 bytes without its highest bit */
    GUESS_RULE_NETSTRING,
    GUESS_RULE_FIXED, /* `constant` bytes */
    GUESS_RULE_DELIMITER,
};

struct guess_rule {
    enum guess_rule_kind kind;
    uint8_t width;    /* number: 1 to 4; delimiter: its length */
    bool is_little;   /* number */
    int32_t constant; /* distance to the next field, minus the value */
    uint8_t delimiter[GUESS_RULE_DELIMITER_BYTES_MAX];
};

/* One frame's length field. */
struct guess_rule_step {
    uint64_t value; /* of the field; of a line, its length */
    uint64_t jump;  /* bytes to the next field, at least 1 */
    uint32_t width; /* bytes of the field */
    bool is_padded; /* a varint with unnecessary bytes */
};

enum guess_rule_result {
    GUESS_RULE_STEP,  /* *step is filled in. The jump can lead beyond the capture. */
    GUESS_RULE_SHORT, /* the capture ends within the field, or before the delimiter */
    GUESS_RULE_BAD,   /* no frame of this rule has these bytes */
};

/* Reads the field at `at`, which is at most the capture's length. */
enum guess_rule_result guess_rule_read(const struct guess_rule *rule,
                                       const struct guess_capture *capture, size_t at,
                                       struct guess_rule_step *step);

/* Returns the distance of a field's byte of the lowest value from its first byte. */
static inline uint32_t guess_rule_anchor(const struct guess_rule *rule)
{
    bool is_big =
        (rule->kind == GUESS_RULE_NUMBER && !rule->is_little) || rule->kind == GUESS_RULE_SUNRPC;

    return is_big ? rule->width - 1U : 0;
}

/* Reads a number of 1 to 4 bytes. */
static inline uint32_t guess_rule_number(const uint8_t *bytes, uint32_t width, bool is_little)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < width; i++) value = value << 8 | bytes[is_little ? width - 1 - i : i];
    return value;
}

/* Reads a LEB128 number of at most 5 bytes. Returns its bytes; 0: the bytes end within it; -1: it
 * is longer. */
int guess_rule_varint(const uint8_t *bytes, size_t length, uint64_t *value);

#endif
