/* SPDX-License-Identifier: MIT */
/* daytime.c - computes the Gregorian calendar. gmtime() is not used: its result is shared by all
 * threads. */
#include "daytime.h"

#include <stdio.h>

#define DAYTIME__DAY INT64_C(86400)
#define DAYTIME__FIRST INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define DAYTIME__LAST INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

static int daytime__is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Subtracts whole months from the days of a year. Returns the month, 1 to 12. */
static int daytime__month(int year, int *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    for (int month = 0;; month++) {
        int length = lengths[month] + (month == 1 && daytime__is_leap(year));
        if (*days < length) return month + 1;
        *days -= length;
    }
}

/* Subtracts whole years from the days since the year 1. Returns the year. */
static int daytime__year(int64_t *days)
{
    int year = 1 + 400 * (int)(*days / 146097); /* the calendar repeats every 400 years */

    *days %= 146097;
    while (*days >= 365 + daytime__is_leap(year)) {
        *days -= 365 + daytime__is_leap(year);
        year++;
    }
    return year;
}

char *daytime_text(int64_t seconds, char text[DAYTIME_TEXT_BYTES])
{
    if (seconds < DAYTIME__FIRST) seconds = DAYTIME__FIRST;
    if (seconds > DAYTIME__LAST) seconds = DAYTIME__LAST;
    int64_t days = (seconds - DAYTIME__FIRST) / DAYTIME__DAY;
    int rest = (int)((seconds - DAYTIME__FIRST) % DAYTIME__DAY);
    int year = daytime__year(&days), day = (int)days;
    int month = daytime__month(year, &day);
    snprintf(text, DAYTIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day + 1,
             rest / 3600, rest / 60 % 60, rest % 60);
    return text;
}
