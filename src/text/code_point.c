/* SPDX-License-Identifier: MIT */
/* code_point.c - a table of the characters of Unicode that a reader cannot see. */
#include "code_point.h"

#include <stdbool.h>
#include <stddef.h>

struct code_point__range {
    uint32_t first, last;
};

/* UnicodeData.txt and DerivedCoreProperties.txt of Unicode 15, in ascending order. */
static const struct code_point__range code_point__hidden[] = {
    {0x0000, 0x001f},   /* controls */
    {0x007f, 0x009f},   /* DELETE and the C1 controls */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x034f, 0x034f},   /* combining grapheme joiner */
    {0x0600, 0x0605},   /* Arabic number signs */
    {0x061c, 0x061c},   /* Arabic direction mark */
    {0x06dd, 0x06dd},   /* Arabic end of ayah */
    {0x070f, 0x070f},   /* Syriac abbreviation mark */
    {0x0890, 0x0891},   /* Arabic pound and piastre marks */
    {0x08e2, 0x08e2},   /* Arabic disputed end of ayah */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian variation selectors and vowel separator */
    {0x200b, 0x200f},   /* zero-width space and joiners, direction marks */
    {0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides of direction */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates of direction */
    {0x2800, 0x2800},   /* Braille blank */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfdd0, 0xfdef},   /* noncharacters */
    {0xfe00, 0xfe0d},   /* variation selectors, except those of emoji */
    {0xfeff, 0xfeff},   /* zero-width no-break space, also the byte order mark */
    {0xffa0, 0xffa0},   /* Hangul filler */
    {0xfff0, 0xfffb},   /* reserved, and interlinear annotations */
    {0xfffe, 0xffff},   /* noncharacters */
    {0x110bd, 0x110bd}, /* Kaithi number sign */
    {0x110cd, 0x110cd}, /* Kaithi number sign above */
    {0x13430, 0x1343f}, /* Egyptian hieroglyph format controls */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d159, 0x1d159}, /* musical null notehead */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe0fff}, /* tags, and variation selectors */
};

static const struct code_point__range code_point__blanks[] = {
    {0x0020, 0x0020}, {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

static bool code_point__is_in(uint32_t code_point, const struct code_point__range *ranges,
                              size_t count)
{
    for (size_t i = 0; i < count && code_point >= ranges[i].first; i++)
        if (code_point <= ranges[i].last) return true;
    return false;
}

enum code_point_kind code_point_kind_of(uint32_t code_point)
{
    static const size_t hidden_count = sizeof code_point__hidden / sizeof code_point__hidden[0];
    static const size_t blanks_count = sizeof code_point__blanks / sizeof code_point__blanks[0];

    if (code_point > 0x20 && code_point < 0x7f) return CODE_POINT_VISIBLE;
    if (code_point == 0xfe0e || code_point == 0xfe0f) return CODE_POINT_VARIATION;
    if (code_point__is_in(code_point, code_point__blanks, blanks_count)) return CODE_POINT_BLANK;
    /* The last two code points of each plane are noncharacters. */
    if ((code_point & 0xfffe) == 0xfffe || code_point > 0x10ffff) return CODE_POINT_HIDDEN;
    return code_point__is_in(code_point, code_point__hidden, hidden_count) ? CODE_POINT_HIDDEN
                                                                           : CODE_POINT_VISIBLE;
}
