/* SPDX-License-Identifier: MIT */
/* duration.h - reads a duration as the command line has it: "500ms", "30s", "30", "5m", "1h". */
#ifndef ADMIN_DURATION_H
#define ADMIN_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Returns false if the text is not a duration, or is longer than 24 days. */
bool duration_read(const char *text, uint32_t *ms);

#endif
