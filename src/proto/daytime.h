/* SPDX-License-Identifier: MIT */
/* daytime.h - seconds since 1970 as a date and time of day, in UTC. */
#ifndef PROTO_DAYTIME_H
#define PROTO_DAYTIME_H

#include <stdint.h>

#define DAYTIME_TEXT_BYTES 80 /* more than it takes: compilers see six numbers of any size */

/* "2026-11-27T15:40:00Z". From the year 1 to 9999; what is outside is the nearest of them. Returns
 * `text`. */
char *daytime_text(int64_t seconds, char text[DAYTIME_TEXT_BYTES]);

#endif
