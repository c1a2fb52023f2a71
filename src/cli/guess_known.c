/* SPDX-License-Identifier: MIT */
/* guess_known.c - recognises the headers of known protocols: every frame that is looked at must
 * have the known bytes, and the first one counts as evidence. */
#include "guess_known.h"

#include <string.h>

#include "escape.h"
#include "guess_bits.h"

#define GUESS_KNOWN__CHECKED 64      /* frames */
#define GUESS_KNOWN__WIDE 160        /* values of a range that says too little to be evidence */
#define GUESS_KNOWN__FEW 3           /* frames whose known bytes are evidence */
#define GUESS_KNOWN__FIRST_MAX 65536 /* bytes before the first header */
#define GUESS_KNOWN__COST (5 * GUESS_BIT)

#define GUESS_KNOWN__SPECIFIC (15 * GUESS_BIT) /* of headers that are searched for */
#define LENGTH_32_BE UINT32_MAX                /* the greeting begins with its own length */

/* One line of guess_known.def. */
struct guess_known__entry {
    const char *name;
    struct guess_rule rule;
    uint32_t offset;
    const char *greeting;
    uint32_t greeting_bytes;
    const char *header;
};

#define NUMBER(width_, is_little_, constant_)                                    \
    {                                                                            \
        .kind = GUESS_RULE_NUMBER, .width = (width_), .is_little = (is_little_), \
        .constant = (constant_)                                                  \
    }
#define VARINT(constant_)                                  \
    {                                                      \
        .kind = GUESS_RULE_VARINT, .constant = (constant_) \
    }
#define SUNRPC                                               \
    {                                                        \
        .kind = GUESS_RULE_SUNRPC, .width = 4, .constant = 4 \
    }
#define KNOWN(name, rule, offset, greeting, greeting_bytes, header) \
    {name, rule, offset, greeting, greeting_bytes, header},
static const struct guess_known__entry guess_known__entries[] = {
#include "guess_known.def"
};
#define GUESS_KNOWN__COUNT (sizeof guess_known__entries / sizeof guess_known__entries[0])

/* Reads one item of a pattern. Returns its first and last byte; 0 and 255: any. */
static const char *guess_known__item(const char *pattern, uint8_t *least, uint8_t *most)
{
    *least = 0;
    *most = UINT8_MAX;
    if (pattern[0] != '.') {
        *least = (uint8_t)(escape_hex_digit(pattern[0]) << 4 | escape_hex_digit(pattern[1]));
        *most = *least;
    }
    pattern += 2;
    if (*pattern == '-') {
        *most = (uint8_t)(escape_hex_digit(pattern[1]) << 4 | escape_hex_digit(pattern[2]));
        pattern += 3;
    }
    return *pattern == ' ' ? pattern + 1 : pattern;
}

/* Returns the bits that a pattern fixes. */
static int32_t guess_known__specific(const char *pattern)
{
    int32_t bits = 0;
    uint8_t least, most;

    while (*pattern) {
        pattern = guess_known__item(pattern, &least, &most);
        bits += 8 * GUESS_BIT - guess_bits_log2((uint64_t)(most - least) + 1);
    }
    return bits;
}

/* Returns the length of the greeting. */
static size_t guess_known__greeting_bytes(const struct guess_known__entry *entry,
                                          const struct guess_capture *capture)
{
    if (entry->greeting_bytes != LENGTH_32_BE) return entry->greeting_bytes;
    return capture->length < 4 ? SIZE_MAX : guess_rule_number(capture->bytes, 4, false);
}

/* Compares the bytes with a pattern, as far as both go. Sets *evidence to that of equality. */
static bool guess_known__fits(const char *pattern, const struct guess_capture *capture, size_t at,
                              int64_t *evidence)
{
    uint8_t least, most;

    *evidence = 0;
    for (; *pattern && at < capture->length; at++) {
        pattern = guess_known__item(pattern, &least, &most);
        uint8_t byte = capture->bytes[at];
        if (byte < least || byte > most) return false;
        if (most - least >= GUESS_KNOWN__WIDE) continue;
        int32_t range = guess_bits_log2((uint64_t)(most - least) + 1);
        *evidence += capture->surprise[at] * (GUESS_BIT / GUESS_CAPTURE_SURPRISE_BIT) - range;
    }
    return true;
}

/* Returns whether the frames from `begin` on have the known header. Adds the evidence of a few of
 * them, of which columns have not learned yet. */
static bool guess_known__is_chain(const struct guess_known__entry *entry,
                                  const struct guess_capture *capture, size_t begin,
                                  bool is_greeted, int64_t *evidence)
{
    struct guess_rule_step step;
    int64_t frame;

    for (int i = 0; i < GUESS_KNOWN__CHECKED; i++) {
        bool is_enough = i > 0 || is_greeted; /* to be the last frame */
        if (!guess_known__fits(entry->header, capture, begin, &frame)) return false;
        if (i < GUESS_KNOWN__FEW && is_enough) *evidence += frame;
        if (begin + entry->offset >= capture->length) return is_enough;
        enum guess_rule_result result =
            guess_rule_read(&entry->rule, capture, begin + entry->offset, &step);
        if (result == GUESS_RULE_BAD) return false;
        if (result == GUESS_RULE_SHORT || step.jump > capture->length - begin) return is_enough;
        begin += (size_t)step.jump;
    }
    return true;
}

/* Looks for the greeting, and for frames after it. */
static bool guess_known__greets(const struct guess_known__entry *entry,
                                const struct guess_capture *capture, size_t *begin,
                                struct guess_known *known)
{
    *begin = guess_known__greeting_bytes(entry, capture);
    known->is_greeted = entry->greeting[0] && *begin < capture->length &&
                        guess_known__fits(entry->greeting, capture, 0, &known->evidence) &&
                        guess_known__is_chain(entry, capture, *begin, true, &known->evidence);
    return known->is_greeted;
}

/* Returns how many positions to try for the first frame. Only specific headers are searched for,
 * and others need the greeting if there is one. */
static size_t guess_known__last(const struct guess_known__entry *entry, size_t length)
{
    if (entry->greeting[0] && entry->greeting_bytes == 0) return 0;
    if (guess_known__specific(entry->header) < GUESS_KNOWN__SPECIFIC)
        return entry->greeting[0] ? 0 : 1;
    return length < GUESS_KNOWN__FIRST_MAX ? length : GUESS_KNOWN__FIRST_MAX;
}

/* Finds the first frame. Returns false if no frame has the known header. */
static bool guess_known__begin(const struct guess_known__entry *entry,
                               const struct guess_capture *capture, size_t *begin,
                               struct guess_known *known)
{
    if (guess_known__greets(entry, capture, begin, known)) return true;
    size_t last = guess_known__last(entry, capture->length);
    for (*begin = 0; *begin < last; ++*begin) {
        if (!guess_known__fits(entry->header, capture, *begin, &known->evidence)) continue;
        if (known->evidence > 0 &&
            guess_known__is_chain(entry, capture, *begin, false, &known->evidence))
            return true;
    }
    return false;
}

bool guess_known_next(const struct guess_capture *capture, size_t *index, struct guess_known *known)
{
    while (*index < GUESS_KNOWN__COUNT) {
        const struct guess_known__entry *entry = &guess_known__entries[(*index)++];
        size_t begin;
        if (!guess_known__begin(entry, capture, &begin, known)) continue;
        memset(&known->chain, 0, sizeof known->chain);
        known->name = entry->name;
        known->chain.rule = entry->rule;
        known->chain.field = begin + entry->offset;
        known->offset = entry->offset;
        known->evidence -= GUESS_KNOWN__COST;
        return true;
    }
    return false;
}
