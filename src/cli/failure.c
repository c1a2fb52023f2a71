/* SPDX-License-Identifier: MIT */
/* failure.c - joins what failed, the system's cause, and what to do next. */
#include "failure.h"

#include <stdio.h>

#include "escape.h"
#include "os_error.h"

char *failure_text(const char *what, int os_error, const char *advice, char *text, size_t size)
{
    char cause[OS_ERROR_TEXT_BYTES];
    const char *better = os_error_advice(os_error);

    if (better) advice = better;
    snprintf(text, size, "%s: %s%s%s", what, os_error_text(os_error, cause, sizeof cause),
             advice ? "; " : "", advice ? advice : "");
    escape_controls(text);
    return text;
}
