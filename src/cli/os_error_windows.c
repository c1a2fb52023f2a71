/* SPDX-License-Identifier: MIT */
/* os_error_windows.c - the texts of Windows. */
#include "os_error.h"

#include <windows.h>
#include <stdio.h>

char *os_error_text(int os_error, char *text, size_t size)
{
    char message[160];
    DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                  (DWORD)os_error, MAKELANGID(LANG_ENGLISH, SUBLANG_DEFAULT),
                                  message, sizeof message, NULL);

    while (length > 0 && ((unsigned char)message[length - 1] <= ' ' || message[length - 1] == '.'))
        length--;
    snprintf(text, size, "%.*s%s(error %d)", (int)length, message, length > 0 ? " " : "", os_error);
    return text;
}

const char *os_error_advice(int os_error)
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
