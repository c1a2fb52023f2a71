/* SPDX-License-Identifier: MIT */
/* utf8_check.h - checks UTF-8 text that arrives in pieces. */
#ifndef TEXT_UTF8_CHECK_H
#define TEXT_UTF8_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of checking one text. All 0: nothing of it was checked yet. */
struct utf8_check {
    uint8_t missing; /* continuation bytes that the current character still needs */
    uint8_t lowest,
        range; /* set while `missing` > 0: the next byte minus `lowest` is below `range` */
};

/* Checks the next piece of the text. Returns how many of its bytes can begin valid UTF-8 (RFC
 * 3629): fewer than `length` if the text is invalid, whatever follows. */
size_t utf8_check_continue(struct utf8_check *check, const uint8_t *bytes, size_t length);

/* Returns whether the text can end here: no character is incomplete. */
static inline bool utf8_check_is_whole(const struct utf8_check *check)
{
    return check->missing == 0;
}

#endif
