/* SPDX-License-Identifier: MIT */
/* utc_time.h - a time of the calendar as text, without the C library's hidden state. */
#ifndef TEXT_UTC_TIME_H
#define TEXT_UTC_TIME_H

#include <stdint.h>

#define UTC_TIME_BYTES 32 /* of the text, with its NUL */

/* Writes a time as ISO 8601 and RFC 3339 do: "2026-11-30T15:38:02.123Z". `unix_ms` is in
 * milliseconds since 1970 and not negative; times after the year 9999 become its last
 * millisecond. Returns `text`. */
char *utc_time_text(int64_t unix_ms, char text[UTC_TIME_BYTES]);

#endif
