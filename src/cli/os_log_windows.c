/* SPDX-License-Identifier: MIT */
/* os_log_windows.c - see os_log.h. The thread that writes changes to a new file before its next
 * write. */
#include "os_log.h"

#include <windows.h>

#include "arena.h"
#include "os_wide.h"

static HANDLE os_log__file = INVALID_HANDLE_VALUE; /* of the thread that writes */
static PVOID os_log__next;                         /* handed over by os_log_reopen(); null: none */

bool os_log_is_journal(void)
{
    return false;
}

static int os_log__open(const char *path, HANDLE *file)
{
    struct arena names = {0};
    const wchar_t *wide = os_wide(&names, path);
    int os_error = 0;

    *file = INVALID_HANDLE_VALUE;
    if (wide)
        *file = CreateFileW(wide, FILE_APPEND_DATA | SYNCHRONIZE,
                            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                            OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (*file == INVALID_HANDLE_VALUE) os_error = (int)GetLastError();
    arena_free(&names);
    return os_error;
}

int os_log_open(const char *path)
{
    return os_log__open(path, &os_log__file);
}

int os_log_reopen(const char *path)
{
    HANDLE file;
    int os_error = os_log__open(path, &file);

    if (os_error != 0) return os_error;
    HANDLE unused = InterlockedExchangePointer(&os_log__next, file);
    if (unused) CloseHandle(unused);
    return 0;
}

int os_log_write(int stream, const char *bytes, size_t length)
{
    HANDLE next = InterlockedExchangePointer(&os_log__next, NULL);

    (void)stream;
    if (next) {
        CloseHandle(os_log__file);
        os_log__file = next;
    }
    while (length > 0) {
        DWORD written = 0;
        DWORD asked = length < MAXDWORD ? (DWORD)length : MAXDWORD;
        if (!WriteFile(os_log__file, bytes, asked, &written, NULL)) return (int)GetLastError();
        bytes += written;
        length -= written;
    }
    return 0;
}
