/* SPDX-License-Identifier: MIT */
/* utc_time.c - days since 1970 as year, month and day of the Gregorian calendar. */
#include "utc_time.h"

#include <stdbool.h>
#include <stdio.h>

#define UTC_TIME__DAY_MS INT64_C(86400000)
#define UTC_TIME__LAST_MS INT64_C(253402300799999)

static bool utc_time__is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

char *utc_time_text(int64_t unix_ms, char text[UTC_TIME_BYTES])
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t time_ms = unix_ms < 0 ? 0 : unix_ms > UTC_TIME__LAST_MS ? UTC_TIME__LAST_MS : unix_ms;
    int64_t days = time_ms / UTC_TIME__DAY_MS, ms = time_ms % UTC_TIME__DAY_MS, year = 1970;
    int month = 0;

    /* 400 years have 146097 days, whichever year they begin with. */
    year += days / 146097 * 400;
    days %= 146097;
    while (days >= 365 + utc_time__is_leap(year)) days -= 365 + utc_time__is_leap(year++);
    while (days >= lengths[month] + (month == 1 && utc_time__is_leap(year))) {
        days -= lengths[month] + (month == 1 && utc_time__is_leap(year));
        month++;
    }
    snprintf(text, UTC_TIME_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000,
             (unsigned)(month + 1) % 100, (unsigned)(days + 1) % 100,
             (unsigned)(ms / 3600000) % 100, (unsigned)(ms / 60000 % 60),
             (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    return text;
}
