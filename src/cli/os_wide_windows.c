/* SPDX-License-Identifier: MIT */
/* os_wide_windows.c - conversions of names, and the texts of Windows for its error numbers. Calls
 * of Windows whose name ends in A are used nowhere: they lose characters outside of the system's
 * code page. */
#include "os_wide.h"

#include <windows.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os_error.h"
#include "utf16.h"
#include "utf8.h"

#define OS__TEXT_UNITS 512 /* of the text for an error number */

wchar_t *os_wide(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    wchar_t *wide = arena_alloc(arena, (length + 1) * sizeof *wide);

    if (!wide) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    struct utf16_result result = utf16_from_utf8(text, length, wide);
    if (result.wrong == 0 && result.read == length) return wide;
    SetLastError(ERROR_NO_UNICODE_TRANSLATION);
    return NULL;
}

/* Converts, and sets whether the text was valid. */
static char *os__narrow(struct arena *arena, const wchar_t *wide, bool *is_valid)
{
    size_t length = wcslen(wide);
    char *text = arena_alloc(arena, 3 * length + sizeof "\xef\xbf\xbd");

    *is_valid = false;
    if (!text) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    struct utf16_result result = utf16_to_utf8(wide, length, text);
    *is_valid = result.wrong == 0 && result.read == length;
    if (result.read < length) memcpy(text + result.written, "\xef\xbf\xbd", 3);
    return text;
}

char *os_narrow(struct arena *arena, const wchar_t *wide)
{
    bool is_valid;
    char *text = os__narrow(arena, wide, &is_valid);

    if (!text || is_valid) return text;
    SetLastError(ERROR_NO_UNICODE_TRANSLATION);
    return NULL;
}

char *os_narrow_for_display(struct arena *arena, const wchar_t *wide)
{
    bool is_valid;

    return os__narrow(arena, wide, &is_valid);
}

/* ---- error texts ---- */

/* Gets the text in English, like all messages of weir, or in the language of this Windows if it has
 * no English texts. Returns the number of units; 0: there is no text. */
static DWORD os__find_text(DWORD error, wchar_t wide[OS__TEXT_UNITS])
{
    static const DWORD languages[] = {MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), 0};
    const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS |
                        FORMAT_MESSAGE_MAX_WIDTH_MASK; /* no line breaks */
    DWORD length = 0;

    for (size_t i = 0; length == 0 && i < sizeof languages / sizeof languages[0]; i++)
        length = FormatMessageW(flags, NULL, error, languages[i], wide, OS__TEXT_UNITS, NULL);
    for (DWORD i = 0; i < length; i++)
        if (wide[i] < L' ') wide[i] = L' ';
    while (length > 0 && (wide[length - 1] == L' ' || wide[length - 1] == L'.')) length--;
    return length;
}

char *os_error_text(int error, char *text, size_t size)
{
    wchar_t wide[OS__TEXT_UNITS];
    char found[3 * OS__TEXT_UNITS], number[32];
    DWORD length = os__find_text((DWORD)error, wide);
    size_t found_length = utf16_to_utf8(wide, length, found).written;

    /* The number is not cut. */
    int number_length = snprintf(number, sizeof number, " (error %lu)", (unsigned long)error);
    size_t room = size > (size_t)number_length ? size - (size_t)number_length : 1;
    snprintf(text, room, "%.*s", (int)found_length, length > 0 ? found : "");
    if (length == 0) snprintf(text, room, "Windows has no text for this error");
    utf8_trim(text);
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", number);
    return text;
}
