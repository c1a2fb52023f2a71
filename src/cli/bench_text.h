/* SPDX-License-Identifier: MIT */
/* bench_text.h - numbers and durations in the reports of `weir bench`. */
#ifndef CLI_BENCH_TEXT_H
#define CLI_BENCH_TEXT_H

#include <stdint.h>

/* Text by value, for use as an argument of printf(). */
struct bench_text {
    char text[40];
};

/* Returns a duration with three digits: "812 ns", "37.5 us", "1.24 ms", "12.0 s". */
struct bench_text bench_text_duration(uint64_t ns);

/* Returns a number with its thousands separated: "1,334,221". */
struct bench_text bench_text_count(uint64_t count);

/* Returns "97.3 %", "99.99 %": the percentage with the digits that it needs. */
struct bench_text bench_text_percent(double percent);

#endif
