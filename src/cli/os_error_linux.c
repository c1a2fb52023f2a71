/* SPDX-License-Identifier: MIT */
/* os_error_linux.c - the texts of the C library, in English whatever the locale. */
#include "os_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *os_error_text(int os_error, char *text, size_t size)
{
    const char *name = strerrorname_np(os_error), *meaning = strerrordesc_np(os_error);

    if (name && meaning)
        snprintf(text, size, "%s (%s)", meaning, name);
    else
        snprintf(text, size, "error %d", os_error);
    return text;
}

const char *os_error_advice(int os_error)
{
    switch (os_error) {
    case EBADF: return "it is closed, or open in the other direction only";
    case EISDIR: return "it is a folder; name a file";
    case ENOSPC:
    case EDQUOT: return "free some space there";
    case EFBIG: return "raise the limit on the size of files (ulimit -f)";
    case EROFS: return "name a file on a file system that can be written";
    case EBUSY: return "it is in use, for example as stdout; name another one";
    case EPIPE: return "the program that reads it has ended";
    default: return NULL;
    }
}
