/* SPDX-License-Identifier: MIT */
/* failure.c - joins what failed, the system's cause, and what to do next. */
#include "failure.h"

#include <stdio.h>

#include "escape.h"
#include "os_advice.h"
#include "os_error.h"

#define FAILURE__CAUSE_BYTES 192

char *failure_text(const char *what, int os_error, const char *advice, char *text, size_t size)
{
    char cause[FAILURE__CAUSE_BYTES];
    const char *better = os_advice(os_error);

    if (better) advice = better;
    snprintf(text, size, "%s: %s%s%s", what, os_error_text(os_error, cause, sizeof cause),
             advice ? "; " : "", advice ? advice : "");
    escape_controls(text);
    return text;
}
