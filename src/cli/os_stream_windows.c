/* SPDX-License-Identifier: MIT */
/* os_stream_windows.c - reads and writes handles of Windows. */
#include "os_stream.h"

#include <windows.h>
#include <stdbool.h>

int os_write(int stream, const char *bytes, size_t length)
{
    HANDLE handle = GetStdHandle(stream == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);

    if (!handle) return ERROR_INVALID_HANDLE; /* the process was started without this stream */
    while (length > 0) {
        DWORD written = 0;
        DWORD asked = length < MAXDWORD ? (DWORD)length : MAXDWORD;
        if (!WriteFile(handle, bytes, asked, &written, NULL)) return (int)GetLastError();
        bytes += written;
        length -= written;
    }
    return 0;
}

os_input os_stdin(void)
{
    return (os_input)GetStdHandle(STD_INPUT_HANDLE);
}

int os_open_input(const char *path, os_input *input)
{
    HANDLE handle =
        CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    *input = (os_input)handle;
    if (handle != INVALID_HANDLE_VALUE) return 0;
    int os_error = (int)GetLastError();
    DWORD attributes = GetFileAttributesA(path); /* a folder is reported as "access denied" */
    bool is_folder =
        attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY);
    return is_folder ? ERROR_DIRECTORY : os_error;
}

int os_read(os_input input, void *bytes, size_t size, size_t *length)
{
    DWORD done = 0, asked = size < MAXDWORD ? (DWORD)size : MAXDWORD;
    DWORD os_error = 0;

    if (!input) return ERROR_INVALID_HANDLE;
    if (!ReadFile((HANDLE)input, bytes, asked, &done, NULL)) os_error = GetLastError();
    /* The end of a pipe is an error of ReadFile(). */
    if (os_error == ERROR_BROKEN_PIPE || os_error == ERROR_HANDLE_EOF) os_error = done = 0;
    *length = done;
    return (int)os_error;
}

void os_close_input(os_input input)
{
    CloseHandle((HANDLE)input);
}
