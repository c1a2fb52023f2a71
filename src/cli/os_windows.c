/* SPDX-License-Identifier: MIT */
/* os_windows.c - console events as shutdown requests, unchanged output, and DLLs. */
#include "os.h"

#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os_console.h"
#include "os_error.h"
#include "os_stream.h"
#include "os_wide.h"

static HANDLE os__stops;                          /* a semaphore: one count per request */
static HANDLE os__posted, os__reloads, os__ended; /* event objects */

#define OS__STOPS_MAX 1000

/* Called on a thread of the system. */
static BOOL WINAPI os__on_console(DWORD event)
{
    ReleaseSemaphore(os__stops, 1, NULL); /* fails if OS__STOPS_MAX requests are pending */
    /* After closing, logging off and shutting down, Windows ends the process when this returns, or
     * after some seconds. So wait here: the process exits after the drain. */
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE);
    return TRUE;
}

void os_open_streams(void)
{
    /* Lines end in LF on every system, for scripts. */
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
    (void)_setmode(_fileno(stderr), _O_BINARY);
    os_console_use_utf8();
}

bool os_renounce_privileges(int *os_error, const char **name)
{
    *os_error = 0;
    *name = NULL;
    return true;
}

const char *os_hint(int os_error)
{
    (void)os_error;
    return ""; /* Windows' own texts name the cause */
}

bool os_start(struct weir_error *error)
{
    os__stops = CreateSemaphoreW(NULL, 0, OS__STOPS_MAX, NULL);
    os__posted = CreateEventW(NULL, FALSE, FALSE, NULL);
    os__reloads = CreateEventW(NULL, FALSE, FALSE, NULL);
    os__ended = CreateEventW(NULL, FALSE, FALSE, NULL);
    bool good = os__stops && os__posted && os__reloads && os__ended &&
                SetConsoleCtrlHandler(NULL, FALSE) && SetConsoleCtrlHandler(os__on_console, TRUE);
    *error = (struct weir_error){.code = WEIR_SYSTEM,
                                 .os_error = (int)GetLastError(),
                                 .operation = "receive console events"};
    /* A server prints by os_write(), which does not need the code page. Other programs that use the
     * same console get theirs back. */
    os_console_restore();
    return good;
}

enum os_event os_wait(uint32_t timeout_ms)
{
    const HANDLE watched[4] = {os__stops, os__posted, os__reloads, os__ended};

    switch (WaitForMultipleObjects(4, watched, FALSE, timeout_ms == 0 ? INFINITE : timeout_ms)) {
    case WAIT_OBJECT_0: return OS_STOP;
    case WAIT_OBJECT_0 + 1: return OS_POSTED;
    case WAIT_OBJECT_0 + 2: return OS_RELOAD;
    case WAIT_TIMEOUT: return OS_TIME;
    default: return OS_ENDED;
    }
}

void os_post(void)
{
    SetEvent(os__posted);
}

void os_post_stop(void)
{
    ReleaseSemaphore(os__stops, 1, NULL);
}

void os_post_reload(void)
{
    SetEvent(os__reloads);
}

void os_post_ended(void)
{
    SetEvent(os__ended);
}

void os_return_memory(void) {} /* Windows' heap does so by itself */

void os_carry_bytes(void)
{
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
}

int os_redirect_input(const char *path)
{
    os_source source;
    int os_error = os_open_source(path, &source);

    if (os_error != 0) return os_error;
    return SetStdHandle(STD_INPUT_HANDLE, (HANDLE)source) ? 0 : (int)GetLastError();
}

uint64_t os_raise_files_limit(uint64_t *before)
{
    return *before = 0;
}

const void *os_load(const char *path, const char *name, char *why, size_t why_bytes)
{
    struct arena names = {0};
    const wchar_t *wide = os_wide(&names, path);
    DWORD size = wide ? GetFullPathNameW(wide, 0, NULL, NULL) : 0; /* with the NUL */
    wchar_t *whole = size > 0 ? arena_alloc(&names, size * sizeof *whole) : NULL;
    HMODULE library = NULL;
    FARPROC found = NULL;
    const void *address = NULL;

    /* With a full path Windows finds DLLs in the same folder, and does not search the current
     * one. */
    if (whole && GetFullPathNameW(wide, size, whole, NULL) < size)
        library = LoadLibraryExW(whole, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (library) found = GetProcAddress(library, name);
    if (!found) os_error_text((int)GetLastError(), why, why_bytes);
    arena_free(&names);
    memcpy(&address, &found,
           sizeof address); /* C has no cast from a function pointer to an object pointer */
    return address;
}
