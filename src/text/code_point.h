/* SPDX-License-Identifier: MIT */
/* code_point.h - which characters of Unicode a reader can see. Text for other users is checked, so
 * that it cannot control their terminals, hide content, or reverse its direction. */
#ifndef TEXT_CODE_POINT_H
#define TEXT_CODE_POINT_H

#include <stdint.h>

enum code_point_kind {
    CODE_POINT_VISIBLE,
    CODE_POINT_BLANK,     /* a space, of any width */
    CODE_POINT_VARIATION, /* U+FE0E and U+FE0F: the preceding character as text or as emoji */
    CODE_POINT_HIDDEN,    /* a control, format or zero-width character, a filler, a noncharacter */
};

/* Returns the kind of a code point, as of Unicode 15: general categories Cc, Cf, Zl and Zp,
 * Default_Ignorable_Code_Point, and the characters that are drawn as nothing. */
enum code_point_kind code_point_kind_of(uint32_t code_point);

#endif
