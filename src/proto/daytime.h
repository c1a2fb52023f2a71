/* SPDX-License-Identifier: MIT */
/* daytime.h - writes seconds since 1970 as date and time of day, in UTC. */
#ifndef PROTO_DAYTIME_H
#define PROTO_DAYTIME_H

#include <stdint.h>

#define DAYTIME_TEXT_BYTES 80 /* compilers assume that six numbers of any size are printed */

/* Writes "2026-11-27T15:40:00Z". Times before the year 1 or after 9999 become the first or last
 * second of that range. Returns `text`. */
char *daytime_text(int64_t seconds, char text[DAYTIME_TEXT_BYTES]);

#endif
