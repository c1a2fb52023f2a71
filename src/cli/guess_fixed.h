/* SPDX-License-Identifier: MIT */
/* guess_fixed.h - finds the sizes of records that repeat without a header. */
#ifndef CLI_GUESS_FIXED_H
#define CLI_GUESS_FIXED_H

#include "guess_rule.h"

#define GUESS_FIXED_SIZES_MAX 4
#define GUESS_FIXED_SIZE_MAX 4096 /* bytes of a record */

/* Writes the sizes at which a capture resembles itself most, best first. Returns how many. */
size_t guess_fixed_find(const struct guess_capture *capture, uint32_t sizes[GUESS_FIXED_SIZES_MAX]);

/* Returns the position, below `size`, of the byte that differs least from record to record: records
 * often begin there. */
size_t guess_fixed_begin(const struct guess_capture *capture, uint32_t size);

#endif
