/* SPDX-License-Identifier: MIT */
/* amount.h - durations, sizes and numbers as a person says them: "40 s", "64 KiB", "12 ms". */
#ifndef TEXT_AMOUNT_H
#define TEXT_AMOUNT_H

#include <stdint.h>

/* Text by value, for use as an argument of printf(). */
struct amount {
    char text[32];
};

/* Returns "12 ms", "40 s", "3 min", "5 h" or "2 days", without the rest. */
struct amount amount_duration(uint64_t ms);

/* Returns "1.5 ms" or "80 us"; durations of 10 s and more as amount_duration(). */
struct amount amount_duration_ns(uint64_t ns);

/* Returns "812 bytes", "64 KiB" or "1.5 GiB". */
struct amount amount_bytes(uint64_t bytes);

/* Returns "9999", "12 k" or "1.5 M". */
struct amount amount_count(uint64_t count);

/* Returns 100 * part / whole, without an overflow; 0 if `whole` is 0. */
uint64_t amount_percent(uint64_t part, uint64_t whole);

#endif
