/* SPDX-License-Identifier: MIT */
/* os_child_windows.c - runs this program as a process of its own, which prints to a pipe. */
#include "os_child.h"

#include <windows.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define OS_CHILD__PATH_MAX 1024u
#define OS_CHILD__CRASHED 0xC0000000u /* exception codes begin here */
#define OS_CHILD__POLL_MS 10          /* a pipe cannot be waited for */

/* The process, and both ends of the pipe that it prints to. */
struct os_child__process {
    HANDLE process, read_end, write_end;
};

/* Starts the process. Returns 0 or the error number. */
static int os_child__start(const char *const arguments[4], struct os_child__process *child)
{
    static wchar_t program[OS_CHILD__PATH_MAX], command[OS_CHILD__PATH_MAX + 200];
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION started;
    DWORD length = GetModuleFileNameW(NULL, program, OS_CHILD__PATH_MAX);

    if (length == 0 || length >= OS_CHILD__PATH_MAX) return ERROR_BAD_PATHNAME;
    how.hStdOutput = how.hStdError = child->write_end;
    size_t used = (size_t)swprintf(command, OS_CHILD__PATH_MAX + 200, L"\"%ls\"", program);
    for (int i = 0; i < 4 && arguments[i]; i++)
        used += (size_t)swprintf(command + used, OS_CHILD__PATH_MAX + 200 - used, L" %hs",
                                 arguments[i]);
    if (!CreateProcessW(program, command, NULL, NULL, TRUE, 0, NULL, NULL, &how, &started))
        return (int)GetLastError();
    CloseHandle(started.hThread);
    child->process = started.hProcess;
    return 0;
}

/* Passes on what the pipe holds now. */
static void os_child__read(HANDLE read_end, os_child_take *take, void *context)
{
    char piece[4096];
    DWORD waiting = 0, count = 0;

    while (PeekNamedPipe(read_end, NULL, 0, NULL, &waiting, NULL) && waiting > 0 &&
           ReadFile(read_end, piece, sizeof piece, &count, NULL))
        take(context, piece, count);
}

/* Passes on what the process prints, until it ends or the time limit ends it. */
static enum os_child_end os_child__await(const struct os_child__process *child, uint32_t limit_ms,
                                         os_child_take *take, void *context, int *code)
{
    ULONGLONG end_ms = GetTickCount64() + limit_ms;
    DWORD exit_code = 0, waited;

    while ((waited = WaitForSingleObject(child->process, OS_CHILD__POLL_MS)) != WAIT_OBJECT_0 &&
           GetTickCount64() < end_ms)
        os_child__read(child->read_end, take, context);
    if (waited != WAIT_OBJECT_0) {
        TerminateProcess(child->process, WAIT_TIMEOUT);
        WaitForSingleObject(child->process, INFINITE);
    }
    os_child__read(child->read_end, take, context);
    if (waited != WAIT_OBJECT_0) return OS_CHILD_STOOD_STILL;
    GetExitCodeProcess(child->process, &exit_code);
    *code = (int)exit_code;
    return exit_code >= OS_CHILD__CRASHED ? OS_CHILD_CRASHED : OS_CHILD_ENDED;
}

enum os_child_end os_child_run(const char *const arguments[4], uint32_t limit_ms,
                               os_child_take *take, void *context, int *code)
{
    struct os_child__process child = {0};
    enum os_child_end end = OS_CHILD_NOT_STARTED;

    if (!CreatePipe(&child.read_end, &child.write_end, NULL, 0)) {
        *code = (int)GetLastError();
        return end;
    }
    SetHandleInformation(child.write_end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    *code = os_child__start(arguments, &child);
    CloseHandle(child.write_end);
    if (*code == 0) {
        end = os_child__await(&child, limit_ms, take, context, code);
        CloseHandle(child.process);
    }
    CloseHandle(child.read_end);
    return end;
}

char *os_child_system(char *text, size_t size)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = ntdll ? GetProcAddress(ntdll, "RtlGetVersion") : NULL;
    LONG(WINAPI * get_version)(OSVERSIONINFOW *);
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};

    /* GetVersionEx would report an older Windows to a program without a manifest. */
    _Static_assert(sizeof get_version == sizeof found, "function pointers have one size");
    memcpy(&get_version, &found, sizeof get_version);
    if (found && get_version(&version) == 0)
        snprintf(text, size, "%s %lu.%lu.%lu",
                 ntdll && GetProcAddress(ntdll, "wine_get_version") ? "Wine, as Windows"
                                                                    : "Windows",
                 version.dwMajorVersion, version.dwMinorVersion, version.dwBuildNumber);
    else
        snprintf(text, size, "Windows");
    return text;
}
