/* SPDX-License-Identifier: MIT */
/* os_wide_windows.c - conversions of names, and the texts of Windows for its error numbers. */
#include "os_wide.h"

#include <windows.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os_error.h"

wchar_t *os_wide(struct arena *arena, const char *text)
{
    int units = (int)strlen(text) + 1;
    wchar_t *wide = arena_alloc(arena, (size_t)units * sizeof *wide);

    if (!wide) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    /* The arguments of main() are in the code page of the system. */
    return MultiByteToWideChar(CP_ACP, 0, text, units, wide, units) > 0 ? wide : NULL;
}

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
