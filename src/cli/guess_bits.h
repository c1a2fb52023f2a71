/* SPDX-License-Identifier: MIT */
/* guess_bits.h - logarithms for the evidence of a guess, in units of 1/256 bit. */
#ifndef CLI_GUESS_BITS_H
#define CLI_GUESS_BITS_H

#include <stdint.h>

#define GUESS_BIT 256 /* one bit of evidence */

/* Returns GUESS_BIT * log2(value); 0 for 0. */
int32_t guess_bits_log2(uint64_t value);

/* Returns the evidence of a hypothesis that was thought of in one of eight cases, and has `bits` of
 * evidence in that case: at worst slightly below 0, otherwise 3 bits less. */
int32_t guess_bits_mix(int64_t bits);

#endif
