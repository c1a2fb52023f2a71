/* SPDX-License-Identifier: MIT */
/* os_advice_windows.c - advice by the error numbers of Win32. */
#include "os_advice.h"

#include <windows.h>

const char *os_advice(int os_error)
{
    switch (os_error) {
    case ERROR_INVALID_HANDLE: return "it is closed";
    case ERROR_DIRECTORY: return "it is a folder; name a file";
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: return "free some space there";
    case ERROR_BROKEN_PIPE:
    case ERROR_NO_DATA:
    case ERROR_PIPE_NOT_CONNECTED: return "the program that reads it has ended";
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION: return "another program has locked it; end that program first";
    default: return NULL;
    }
}
