/* SPDX-License-Identifier: MIT */
/* utf16.h - converts between UTF-8, which weir uses, and UTF-16, which Windows uses. It is plain C,
 * so that the tests of every system check it. */
#ifndef TEXT_UTF16_H
#define TEXT_UTF16_H

#include <stddef.h>
#include <stdint.h>

#define UTF16_REPLACEMENT 0xfffdu /* the character U+FFFD, written for what is no character */

/* The result of a conversion. A text is valid and complete if `wrong` is 0 and `read` is its
 * length. */
struct utf16_result {
    size_t read;        /* bytes or units taken; fewer than given: the rest begins a character */
    size_t written;     /* units or bytes written */
    size_t wrong;       /* replacement characters among them */
    size_t first_wrong; /* where the first replaced byte or unit was; valid if wrong > 0 */
};

/* Converts UTF-8. Each byte that is not part of a character becomes U+FFFD; an incomplete character
 * at the end is not taken. `wide` has room for `length` units. Writes no NUL. */
struct utf16_result utf16_from_utf8(const char *text, size_t length, uint16_t *wide);

/* Converts UTF-16. Each lone half of a surrogate pair becomes U+FFFD; a first half at the end is
 * not taken. `text` has room for 3 * length bytes. Writes no NUL. */
struct utf16_result utf16_to_utf8(const uint16_t *wide, size_t length, char *text);

#endif
