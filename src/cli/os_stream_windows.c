/* SPDX-License-Identifier: MIT */
/* os_stream_windows.c - reads and writes handles of Windows. */
#include "os_stream.h"

#include <windows.h>
#include <stdbool.h>

#include "arena.h"
#include "os_console.h"
#include "os_wide.h"

int os_write(int stream, const char *bytes, size_t length)
{
    HANDLE handle = GetStdHandle(stream == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);

    if (!handle) return ERROR_INVALID_HANDLE; /* the process was started without this stream */
    if (os_console_is(handle))
        return os_console_write(stream, handle, bytes, length) ? 0 : (int)GetLastError();
    while (length > 0) {
        DWORD written = 0;
        DWORD asked = length < MAXDWORD ? (DWORD)length : MAXDWORD;
        if (!WriteFile(handle, bytes, asked, &written, NULL)) return (int)GetLastError();
        bytes += written;
        length -= written;
    }
    return 0;
}

/* A folder is reported as "access denied". */
static int os__open_error(const wchar_t *path)
{
    int os_error = (int)GetLastError();
    DWORD attributes = GetFileAttributesW(path);
    bool is_folder =
        attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY);

    return is_folder ? ERROR_DIRECTORY : os_error;
}

int os_open_source(const char *path, os_source *source)
{
    struct arena names = {0};
    wchar_t *wide = os_wide(&names, path);
    int os_error = wide ? 0 : (int)GetLastError();
    HANDLE handle = INVALID_HANDLE_VALUE;

    if (wide) {
        handle =
            CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                        NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        if (handle == INVALID_HANDLE_VALUE) os_error = os__open_error(wide);
    }
    arena_free(&names);
    *source = (os_source)handle;
    return os_error;
}

int os_read(os_source source, void *bytes, size_t size, size_t *length)
{
    DWORD done = 0, asked = size < MAXDWORD ? (DWORD)size : MAXDWORD;
    DWORD os_error = 0;

    if (!source) return ERROR_INVALID_HANDLE;
    if (!ReadFile((HANDLE)source, bytes, asked, &done, NULL)) os_error = GetLastError();
    /* The end of a pipe is an error of ReadFile(). */
    if (os_error == ERROR_BROKEN_PIPE || os_error == ERROR_HANDLE_EOF) os_error = done = 0;
    *length = done;
    return (int)os_error;
}

void os_close_source(os_source source)
{
    CloseHandle((HANDLE)source);
}
