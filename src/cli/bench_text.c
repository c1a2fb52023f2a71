/* SPDX-License-Identifier: MIT */
/* bench_text.c - see bench_text.h. */
#include "bench_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct bench_text bench_text_duration(uint64_t ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    struct bench_text made;
    double value = (double)ns;
    size_t unit = 0;

    for (; value >= 999.5 && unit < 3; unit++) value /= 1000;
    int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(made.text, sizeof made.text, "%.*f %s", digits, value, units[unit]);
    return made;
}

struct bench_text bench_text_count(uint64_t count)
{
    struct bench_text made;
    char digits[24];
    size_t at = 0;

    snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) made.text[at++] = ',';
        made.text[at++] = digits[i];
    }
    made.text[at] = '\0';
    return made;
}

struct bench_text bench_text_percent(double percent)
{
    struct bench_text made;

    snprintf(made.text, sizeof made.text, "%.6f", percent);
    size_t length = strlen(made.text);
    while (made.text[length - 1] == '0') length--;
    if (made.text[length - 1] == '.') length--;
    snprintf(made.text + length, sizeof made.text - length, " %%");
    return made;
}
