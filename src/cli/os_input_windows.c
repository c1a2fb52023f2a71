/* SPDX-License-Identifier: MIT */
/* os_input_windows.c - stdin by its handle, without the C library, whose locks a blocked read would
 * hold until the process ends. */
#include "os_input.h"

#include <windows.h>
#include <stdbool.h>

#include "os_console.h"

/* Returns whether a successful read of 0 bytes is not the end: the program at the other side of the
 * pipe wrote 0 bytes, and has the pipe open. */
static bool os__is_empty_write(HANDLE handle)
{
    return GetFileType(handle) == FILE_TYPE_PIPE &&
           PeekNamedPipe(handle, NULL, 0, NULL, NULL, NULL);
}

size_t os_input_read(void *bytes, size_t size, int *error)
{
    HANDLE handle = GetStdHandle(STD_INPUT_HANDLE);
    DWORD asked = size < MAXDWORD ? (DWORD)size : MAXDWORD, got = 0;

    *error = 0;
    if (!handle || handle == INVALID_HANDLE_VALUE) {
        *error = ERROR_INVALID_HANDLE; /* closed */
        return 0;
    }
    if (os_console_is(handle)) return os_console_read(handle, bytes, size, error);
    do {
        if (ReadFile(handle, bytes, asked, &got, NULL)) continue;
        DWORD failure = GetLastError();
        bool is_end = failure == ERROR_BROKEN_PIPE || failure == ERROR_HANDLE_EOF;
        *error = is_end ? 0 : (int)failure;
        return 0;
    } while (got == 0 && os__is_empty_write(handle));
    return got;
}
