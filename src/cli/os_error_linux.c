/* SPDX-License-Identifier: MIT */
/* os_error_linux.c - the texts of the C library, in English whatever the locale. */
#include "os_error.h"

#include <stdio.h>
#include <string.h>

char *os_error_text(int error, char *text, size_t size)
{
    const char *name = strerrorname_np(error), *sentence = strerrordesc_np(error);

    if (name && sentence)
        snprintf(text, size, "%s (%s)", sentence, name);
    else
        snprintf(text, size, "Linux has no text for this error (error %d)", error);
    return text;
}
