/* SPDX-License-Identifier: MIT */
/* duration.c - see duration.h. */
#include "duration.h"

#include <string.h>

#include "number.h"

bool duration_read(const char *text, uint32_t *ms)
{
    static const struct number_unit units[] = {{"ms", 1},      {"s", 1000}, {"m", 60000},
                                               {"h", 3600000}, {"", 1000},  {NULL, 0}};
    uint64_t value;

    if (!number_read(text, strlen(text), units, INT32_MAX, &value)) return false;
    *ms = (uint32_t)value;
    return true;
}
