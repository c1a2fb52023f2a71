/* SPDX-License-Identifier: MIT */
/* os_console_windows.c - Unicode calls for consoles, and the output code page for the C library. */
#include "os_console.h"

#include <windows.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf16.h"

#define OS__LINE_UNITS 8192   /* a console's line cannot be longer */
#define OS__PIECE_BYTES 4096u /* per write */
#define OS__COLLECTED_BYTES 32768
#define OS__CUT_BYTES 3u /* an incomplete character has at most this many bytes */
#define OS__CTRL_Z 0x1a

bool os_console_is(void *handle)
{
    DWORD mode;

    return GetConsoleMode(handle, &mode) != 0;
}

/* ---- the output code page ---- */

static _Atomic UINT os__saved_codepage; /* 0: nothing is to be restored */
static LPTOP_LEVEL_EXCEPTION_FILTER os__previous_filter;

void os_console_restore(void)
{
    UINT saved = atomic_exchange(&os__saved_codepage, 0);

    if (saved != 0) SetConsoleOutputCP(saved);
}

/* Called on a thread of the system. Windows then ends the process, unless another handler, which a
 * server installs later, has the event first. */
static BOOL WINAPI os__on_console_event(DWORD event)
{
    (void)event;
    os_console_restore();
    return FALSE;
}

static void os__on_abort(int number)
{
    (void)number;
    os_console_restore();
}

static LONG WINAPI os__on_crash(EXCEPTION_POINTERS *exception)
{
    os_console_restore();
    return os__previous_filter ? os__previous_filter(exception) : EXCEPTION_CONTINUE_SEARCH;
}

/* Has the C library collect what it writes to a console: it would write byte by byte, and a console
 * shows no character whose bytes come separately. Returns false if the stream is no console. */
static bool os__collect(FILE *stream, DWORD number)
{
    return os_console_is(GetStdHandle(number)) &&
           setvbuf(stream, NULL, _IOFBF, OS__COLLECTED_BYTES) == 0;
}

static void os__at_exit(void)
{
    fflush(stdout);
    fflush(stderr);
    os_console_restore();
}

void os_console_use_utf8(void)
{
    bool out = os__collect(stdout, STD_OUTPUT_HANDLE), err = os__collect(stderr, STD_ERROR_HANDLE);
    UINT saved = GetConsoleOutputCP();

    if (!out && !err) return;
    atexit(os__at_exit);
    if (saved == CP_UTF8) return;
    os__saved_codepage = saved;
    SetConsoleCtrlHandler(os__on_console_event, TRUE);
    signal(SIGABRT, os__on_abort);
    os__previous_filter = SetUnhandledExceptionFilter(os__on_crash);
    if (!SetConsoleOutputCP(CP_UTF8)) os__saved_codepage = 0;
}

/* ---- writing ---- */

/* Bytes of a character that was cut, by stream. */
static struct {
    char bytes[OS__CUT_BYTES];
    size_t count;
} os__cut[3];

static bool os__write_units(HANDLE handle, const wchar_t *wide, size_t count)
{
    while (count > 0) {
        DWORD written = 0;
        if (!WriteConsoleW(handle, wide, (DWORD)count, &written, NULL) || written == 0)
            return false;
        wide += written;
        count -= written;
    }
    return true;
}

bool os_console_write(int stream, void *handle, const char *bytes, size_t length)
{
    char piece[OS__CUT_BYTES + OS__PIECE_BYTES];
    wchar_t wide[sizeof piece];

    while (length > 0) {
        size_t cut = os__cut[stream].count;
        size_t taken = length < OS__PIECE_BYTES ? length : OS__PIECE_BYTES;
        memcpy(piece, os__cut[stream].bytes, cut);
        memcpy(piece + cut, bytes, taken);
        struct utf16_result result = utf16_from_utf8(piece, cut + taken, wide);
        os__cut[stream].count = cut + taken - result.read;
        memcpy(os__cut[stream].bytes, piece + result.read, os__cut[stream].count);
        if (!os__write_units(handle, wide, result.written)) return false;
        bytes += taken;
        length -= taken;
    }
    return true;
}

/* ---- reading ---- */

/* The line that was read last, and how much of it was passed on. */
static struct {
    wchar_t wide[1 + OS__LINE_UNITS]; /* begins with a first half of a pair, if one was cut off */
    size_t half;                      /* 1 if it does */
    char bytes[3 * (1 + OS__LINE_UNITS)];
    size_t length, used;
    bool inside_line;
} os__line;

/* Reads units behind those that are there. Returns their number; 0: the end, or *error. */
static size_t os__read_units(HANDLE handle, int *error)
{
    const wchar_t *begin = os__line.wide + os__line.half;
    DWORD count = 0;

    do {
        SetLastError(ERROR_SUCCESS);
        if (!ReadConsoleW(handle, os__line.wide + os__line.half, OS__LINE_UNITS, &count, NULL)) {
            *error = (int)GetLastError();
            return 0;
        }
        /* Ctrl-C: the process ends, or ignores it. */
    } while (count == 0 && GetLastError() == ERROR_OPERATION_ABORTED);
    if (count > 0 && !os__line.inside_line && begin[0] == OS__CTRL_Z) return 0;
    os__line.inside_line = count > 0 && begin[count - 1] != L'\n';
    return count;
}

/* Reads the next line, or a part of it. Returns false at the end of the input, or on an error. */
static bool os__read_line(HANDLE handle, int *error)
{
    os__line.length = os__line.used = 0;
    while (os__line.length == 0) {
        size_t units = os__read_units(handle, error);
        if (units == 0 && os__line.half > 0 && *error == 0) *error = ERROR_NO_UNICODE_TRANSLATION;
        if (units == 0) return false;
        units += os__line.half;
        struct utf16_result result = utf16_to_utf8(os__line.wide, units, os__line.bytes);
        if (result.wrong > 0) {
            *error = ERROR_NO_UNICODE_TRANSLATION;
            return false;
        }
        os__line.length = result.written;
        os__line.half = units - result.read;
        os__line.wide[0] = os__line.wide[result.read < units ? result.read : 0];
    }
    return true;
}

size_t os_console_read(void *handle, void *bytes, size_t size, int *error)
{
    *error = 0;
    if (os__line.used == os__line.length && !os__read_line(handle, error)) return 0;
    size_t left = os__line.length - os__line.used;
    size_t taken = left < size ? left : size;
    memcpy(bytes, os__line.bytes + os__line.used, taken);
    os__line.used += taken;
    return taken;
}
