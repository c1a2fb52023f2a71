/* SPDX-License-Identifier: MIT */
/* os_advice_linux.c - advice by errno. */
#include "os_advice.h"

#include <errno.h>
#include <stddef.h>

const char *os_advice(int os_error)
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
