/* SPDX-License-Identifier: MIT */
/* os_target_windows.c - finds and writes output files on Windows, where another program that has a
 * file open can prevent that it is removed, renamed or written. */
#include "os_target.h"

#include <windows.h>
#include <string.h>
#include <wchar.h>

#include "os_wide.h"

#define OS_TARGET__NAMES_MAX 100
#define OS_TARGET__NAME_UNITS 40 /* of a new name without its folder */
#define OS_TARGET__PAUSE_MS 20
#define OS_TARGET__SHARED (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static int os_target__error(void)
{
    return (int)GetLastError();
}

/* Returns whether the error can pass when another program closes the file. A scanner opens each new
 * file for a moment. */
static bool os_target__is_locked(int os_error)
{
    return os_error == ERROR_SHARING_VIOLATION || os_error == ERROR_LOCK_VIOLATION ||
           os_error == ERROR_ACCESS_DENIED || os_error == ERROR_USER_MAPPED_FILE;
}

/* ---- finding ---- */

/* Returns whether the path names a device or a pipe: NUL, COM1, \\.\pipe\NAME. */
static bool os_target__is_device(const wchar_t *path)
{
    wchar_t whole[16] = L"";

    if (wcsncmp(path, L"\\\\.\\", 4) == 0 || wcsncmp(path, L"//./", 4) == 0) return true;
    DWORD length = GetFullPathNameW(path, sizeof whole / sizeof whole[0], whole, NULL);
    return length < sizeof whole / sizeof whole[0] && wcsncmp(whole, L"\\\\.\\", 4) == 0;
}

/* Returns whether something other than a file on a disk is there. */
static bool os_target__is_special(const wchar_t *path)
{
    HANDLE handle = CreateFileW(path, 0, OS_TARGET__SHARED, NULL, OPEN_EXISTING, 0, NULL);

    if (handle == INVALID_HANDLE_VALUE) return false;
    DWORD type = GetFileType(handle);
    CloseHandle(handle);
    return type == FILE_TYPE_CHAR || type == FILE_TYPE_PIPE;
}

int os_target_find(struct os_target *target, const char *path, struct arena *arena)
{
    size_t length = strlen(path);
    const wchar_t *wide = os_wide(arena, path);

    *target = (struct os_target){.path = path, .wide = wide, .handle = -1, .arena = arena};
    if (!wide) return os_target__error();
    if (os_target__is_device(wide)) {
        target->way = OS_TARGET_DIRECT;
        return 0;
    }
    if (length > 0 && strchr("/\\", path[length - 1])) return ERROR_DIRECTORY;
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return os_target__error() == ERROR_FILE_NOT_FOUND ? 0 : os_target__error();
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) return ERROR_DIRECTORY;
    if (os_target__is_special(wide))
        target->way = OS_TARGET_DIRECT;
    else if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        target->way = OS_TARGET_IN_PLACE; /* a symlink stays */
    return 0;
}

/* ---- a file that is renamed ---- */

/* Returns a name in the same folder that no file has; null: out of memory. */
static wchar_t *os_target__new_name(const struct os_target *target)
{
    static uint32_t count;
    const wchar_t *path = target->wide;
    size_t folder = 0;
    LARGE_INTEGER now;

    for (size_t i = 0; path[i] != L'\0'; i++)
        if (wcschr(L"/\\:", path[i])) folder = i + 1;
    wchar_t *name = arena_alloc(target->arena, (folder + OS_TARGET__NAME_UNITS) * sizeof *name);
    if (!name) return NULL;
    QueryPerformanceCounter(&now);
    memcpy(name, path, folder * sizeof *name);
    swprintf(name + folder, OS_TARGET__NAME_UNITS, L".weir-%08lx%08lx%08lx",
             (unsigned long)GetCurrentProcessId(), (unsigned long)(uint32_t)now.QuadPart,
             (unsigned long)++count);
    return name;
}

/* Makes a new file in the same folder. Returns 0 or the error number. */
static int os_target__make(const struct os_target *target, wchar_t **name, HANDLE *handle)
{
    int os_error = ERROR_FILE_EXISTS;

    *handle = INVALID_HANDLE_VALUE;
    for (int i = 0; i < OS_TARGET__NAMES_MAX && os_error == ERROR_FILE_EXISTS; i++) {
        *name = os_target__new_name(target);
        if (!*name) return ERROR_NOT_ENOUGH_MEMORY;
        *handle = CreateFileW(*name, GENERIC_WRITE, OS_TARGET__SHARED, NULL, CREATE_NEW,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        os_error = *handle == INVALID_HANDLE_VALUE ? os_target__error() : 0;
    }
    return os_error;
}

static int os_target__put(HANDLE handle, const char *bytes, size_t length)
{
    while (length > 0) {
        DWORD written = 0, asked = length < MAXDWORD ? (DWORD)length : MAXDWORD;
        if (!WriteFile(handle, bytes, asked, &written, NULL)) return os_target__error();
        if (written == 0) return ERROR_HANDLE_DISK_FULL;
        bytes += written;
        length -= written;
    }
    return 0;
}

static int os_target__close_handle(HANDLE handle)
{
    return CloseHandle(handle) ? 0 : os_target__error();
}

/* Replaces the file by the one with this name, when no other program has either open. */
static int os_target__rename(const wchar_t *name, const wchar_t *path, uint32_t patience_ms)
{
    for (uint32_t waited_ms = 0;; waited_ms += OS_TARGET__PAUSE_MS) {
        if (MoveFileExW(name, path, MOVEFILE_REPLACE_EXISTING)) return 0;
        int os_error = os_target__error();
        if (!os_target__is_locked(os_error) || waited_ms >= patience_ms) return os_error;
        Sleep(OS_TARGET__PAUSE_MS);
    }
}

static int os_target__write_renamed(const struct os_target *target, const char *bytes,
                                    size_t length, uint32_t patience_ms)
{
    wchar_t *name;
    HANDLE handle;
    int os_error = os_target__make(target, &name, &handle);

    if (os_error != 0) return os_error;
    os_error = os_target__put(handle, bytes, length);
    int close_error = os_target__close_handle(handle);
    if (os_error == 0) os_error = close_error;
    if (os_error == 0) os_error = os_target__rename(name, target->wide, patience_ms);
    if (os_error != 0) DeleteFileW(name);
    return os_error;
}

/* ---- a file that stays ---- */

/* Empties the file, and keeps it open: no other program can lock it from now on. */
static int os_target__empty(struct os_target *target)
{
    HANDLE handle = CreateFileW(target->wide, GENERIC_WRITE, OS_TARGET__SHARED, NULL,
                                TRUNCATE_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    if (handle == INVALID_HANDLE_VALUE) return os_target__error();
    target->way = OS_TARGET_IN_PLACE;
    target->handle = (intptr_t)handle;
    return 0;
}

static int os_target__set_end(const struct os_target *target)
{
    HANDLE handle = (HANDLE)target->handle;

    if (SetFilePointer(handle, 0, NULL, FILE_BEGIN) == INVALID_SET_FILE_POINTER ||
        !SetEndOfFile(handle))
        return os_target__error();
    return 0;
}

static int os_target__write_in_place(const struct os_target *target, const char *bytes,
                                     size_t length)
{
    int os_error = os_target__put((HANDLE)target->handle, bytes, length);

    if (os_error != 0) os_target__set_end(target);
    return os_error;
}

/* Removes the file if no other program has it open. Otherwise it would keep its name, which nothing
 * could use then, until that program closes it. */
static int os_target__remove(const struct os_target *target)
{
    HANDLE handle = CreateFileW(target->wide, DELETE, 0, NULL, OPEN_EXISTING,
                                FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT, NULL);

    if (handle != INVALID_HANDLE_VALUE) return os_target__close_handle(handle);
    return os_target__error() == ERROR_FILE_NOT_FOUND ? 0 : os_target__error();
}

int os_target_clear(struct os_target *target, uint32_t patience_ms)
{
    wchar_t *name;
    HANDLE handle;
    int os_error;

    if (target->way == OS_TARGET_DIRECT) return 0;
    for (uint32_t waited_ms = 0;; waited_ms += OS_TARGET__PAUSE_MS) {
        os_error =
            target->way == OS_TARGET_RENAMED ? os_target__remove(target) : ERROR_ACCESS_DENIED;
        if (os_error == 0) break;
        os_error = os_target__empty(target);
        if (os_error == 0 || !os_target__is_locked(os_error) || waited_ms >= patience_ms)
            return os_error;
        Sleep(OS_TARGET__PAUSE_MS);
    }
    os_error = os_target__make(target, &name, &handle);
    if (os_error != 0) return os_error;
    os_error = os_target__close_handle(handle);
    DeleteFileW(name);
    return os_error;
}

/* ---- devices and pipes ---- */

static int os_target__write_direct(const struct os_target *target, const char *bytes, size_t length)
{
    HANDLE handle = CreateFileW(target->wide, GENERIC_WRITE, OS_TARGET__SHARED, NULL, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, NULL);

    if (handle == INVALID_HANDLE_VALUE) return os_target__error();
    int os_error = os_target__put(handle, bytes, length);
    int close_error = os_target__close_handle(handle);
    return os_error != 0 ? os_error : close_error;
}

/* ---- all ---- */

int os_target_write(struct os_target *target, const char *bytes, size_t length,
                    uint32_t patience_ms)
{
    int os_error = 0;

    switch (target->way) {
    case OS_TARGET_RENAMED:
        os_error = os_target__write_renamed(target, bytes, length, patience_ms);
        break;
    case OS_TARGET_IN_PLACE: os_error = os_target__write_in_place(target, bytes, length); break;
    case OS_TARGET_DIRECT: os_error = os_target__write_direct(target, bytes, length); break;
    }
    target->is_written = os_error == 0;
    return os_error;
}

void os_target_discard(struct os_target *target)
{
    if (target->is_written && target->way == OS_TARGET_RENAMED) DeleteFileW(target->wide);
    if (target->is_written && target->way == OS_TARGET_IN_PLACE) os_target__set_end(target);
    os_target_close(target);
}

void os_target_close(struct os_target *target)
{
    if (target->handle != -1) CloseHandle((HANDLE)target->handle);
    target->handle = -1;
}
