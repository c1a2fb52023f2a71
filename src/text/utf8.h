/* SPDX-License-Identifier: MIT */
/* utf8.h - cuts text to a size without leaving part of a character at its end. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

/* Removes an incomplete UTF-8 character from the end of a text that was cut to fit. Any other text
 * is left unchanged. */
void utf8_trim(char *text);

#endif
