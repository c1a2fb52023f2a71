/* SPDX-License-Identifier: MIT */
/* guess_text.c - finds delimiters that can end the messages of a capture of text.
 *
 * Text has no control bytes. So a control byte that does occur, and alone, ends or starts
 * something. Newlines divide messages or only lay out a text, which no look at the bytes can
 * decide; they are weaker evidence than CR LF, which network protocols use.
 *
 */
#include "guess_text.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_TEXT__BEGINS (200 * GUESS_BIT)    /* cost of a control byte that starts the capture */
#define GUESS_TEXT__PUNCTUATION (4 * GUESS_BIT) /* cost of a delimiter that text contains anyway */
#define GUESS_TEXT__TOGETHER_MAX 16             /* occurrences that count as evidence */

/* The counts of a capture. */
struct guess_text__survey {
    const struct guess_capture *capture;
    uint64_t counts[256];
    struct guess_text_delimiter *delimiters;
    size_t delimiters_count;
};

static bool guess_text__is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n') || byte == 0x7f;
}

static bool guess_text__is_punctuation(uint8_t byte)
{
    return byte > ' ' && byte < 0x7f && !(byte >= '0' && byte <= '9') &&
           !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static uint64_t guess_text__count(const struct guess_capture *capture,
                                  const struct guess_rule *rule)
{
    struct guess_rule_step step;
    uint64_t count = 0;

    for (size_t at = 0; guess_rule_read(rule, capture, at, &step) == GUESS_RULE_STEP;
         at += (size_t)step.jump)
        count++;
    return count;
}

/* Returns the evidence that the first two bytes of a delimiter, which occurs `count` times, belong
 * together: they never occur apart. */
static int64_t guess_text__together(const struct guess_text__survey *survey,
                                    const struct guess_rule *rule, uint64_t count)
{
    uint64_t together = count < GUESS_TEXT__TOGETHER_MAX ? count : GUESS_TEXT__TOGETHER_MAX;

    if (rule->width < 2 || survey->counts[rule->delimiter[0]] != count) return 0;
    if (!guess_text__is_control(rule->delimiter[0]) && survey->counts[rule->delimiter[1]] != count)
        return 0;
    return (int64_t)together * 4 * GUESS_BIT;
}

/* Adds a delimiter if it occurs. `evidence` is that of its first byte. */
static void guess_text__add(struct guess_text__survey *survey, const char *bytes, size_t length,
                            int64_t evidence)
{
    struct guess_rule rule = {.kind = GUESS_RULE_DELIMITER, .width = (uint8_t)length};

    memcpy(rule.delimiter, bytes, length);
    for (size_t i = 0; i < survey->delimiters_count; i++)
        if (memcmp(&survey->delimiters[i].rule, &rule, sizeof rule) == 0) return;
    uint64_t count = guess_text__count(survey->capture, &rule);
    if (count == 0 || survey->delimiters_count == GUESS_TEXT_DELIMITERS_MAX) return;
    if (guess_text__is_control(rule.delimiter[0]) &&
        memcmp(survey->capture->bytes, bytes, length) == 0)
        evidence -= GUESS_TEXT__BEGINS;
    evidence += guess_text__together(survey, &rule, count);
    survey->delimiters[survey->delimiters_count++] =
        (struct guess_text_delimiter){rule, count, evidence};
}

/* Returns the length of the UTF-8 character at the front; 0: there is none. */
static size_t guess_text__character(const uint8_t *bytes, size_t left)
{
    size_t length;

    if (bytes[0] < 0x80) return 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4) return 0;
    length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80) return 0;
    return length;
}

/* Returns whether the bytes from 0x80 on are UTF-8, except where the capture was cut. */
static bool guess_text__is_utf8(const struct guess_capture *capture)
{
    size_t bad = 0;

    for (size_t at = 0; at < capture->length;) {
        size_t length = guess_text__character(capture->bytes + at, capture->length - at);
        bad += length == 0;
        at += length > 0 ? length : 1;
    }
    return bad <= 6 + capture->length / 1000;
}

/* Adds each control byte that occurs, and the control byte before a newline. */
static void guess_text__add_controls(struct guess_text__survey *survey, size_t kinds)
{
    int64_t evidence = (int64_t)(kinds == 1 ? 16 : 8) * GUESS_BIT;

    for (int i = 0; i < 256; i++) {
        const char byte = (char)i, before_return[2] = {byte, '\r'},
                   before_newline[2] = {byte, '\n'};
        if (!guess_text__is_control((uint8_t)i) || survey->counts[i] == 0) continue;
        guess_text__add(survey, &byte, 1, evidence);
        guess_text__add(survey, before_return, 2, evidence);
        guess_text__add(survey, before_newline, 2, evidence);
    }
}

static void guess_text__add_all(struct guess_text__survey *survey, size_t control_kinds)
{
    const struct guess_capture *capture = survey->capture;
    const uint8_t *end = capture->bytes + capture->length;

    if (control_kinds > 0) {
        guess_text__add_controls(survey, control_kinds);
        return;
    }
    guess_text__add(survey, "\r\n", 2, 16 * GUESS_BIT);
    guess_text__add(survey, "\n", 1, 16 * GUESS_BIT);
    if (survey->counts['\n'] == 0) guess_text__add(survey, "\r", 1, 16 * GUESS_BIT);
    guess_text__add(survey, "\r\n\r\n", 4, 0);
    if (survey->counts['\n'] > 0 || capture->length < 8) return;
    for (size_t length = 1; length <= 2; length++)
        if (guess_text__is_punctuation(end[-(ptrdiff_t)length]))
            guess_text__add(survey, (const char *)end - length, length, -GUESS_TEXT__PUNCTUATION);
}

size_t guess_text_find(const struct guess_capture *capture,
                       struct guess_text_delimiter delimiters[GUESS_TEXT_DELIMITERS_MAX])
{
    struct guess_text__survey survey = {.capture = capture, .delimiters = delimiters};
    uint64_t controls = 0;
    size_t kinds = 0;

    for (size_t i = 0; i < capture->length; i++) survey.counts[capture->bytes[i]]++;
    for (int i = 0; i < 256; i++) {
        if (!guess_text__is_control((uint8_t)i) || survey.counts[i] == 0) continue;
        controls += survey.counts[i];
        kinds++;
    }
    if (kinds > 3 || controls > capture->length / 8 || !guess_text__is_utf8(capture)) return 0;
    guess_text__add_all(&survey, kinds);
    return survey.delimiters_count;
}
