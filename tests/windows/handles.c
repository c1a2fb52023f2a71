/* SPDX-License-Identifier: MIT */
/* handles.c - handles NAME.exe: prints the number of open handles of the process with that name.
 *
 * GetProcessHandleCount returns 0 under Wine, and asking for the list of all handles can crash
 * Wine's server. Therefore the program tries every possible handle number: Windows assigns the
 * lowest free number, so a long range of free numbers marks the end.
 */
#include <windows.h>
#include <tlhelp32.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define STEP 4u
#define FREE_STRETCH 10000u /* this many can be closed below an open one */
#define EXIT_USAGE 64
#define EXIT_NO_PROCESS 1

/* Returns the process id; 0 if there is no such process. */
static DWORD process_named(const wchar_t *name)
{
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    DWORD found = 0;

    for (BOOL more = Process32FirstW(list, &entry); more; more = Process32NextW(list, &entry))
        if (lstrcmpiW(entry.szExeFile, name) == 0) found = entry.th32ProcessID;
    CloseHandle(list);
    return found;
}

static bool is_open(HANDLE process, uintptr_t number)
{
    HANDLE copy;

    if (!DuplicateHandle(process, (HANDLE)number, GetCurrentProcess(), &copy, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return false;
    CloseHandle(copy);
    return true;
}

int main(int argc, char **argv)
{
    wchar_t name[MAX_PATH];
    unsigned count = 0;

    if (argc != 2 || MultiByteToWideChar(CP_UTF8, 0, argv[1], -1, name, MAX_PATH) == 0) {
        fprintf(stderr, "usage: handles NAME.exe\n");
        return EXIT_USAGE;
    }
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, process_named(name));
    if (!process) {
        fprintf(stderr, "handles: no process is named %s\n", argv[1]);
        return EXIT_NO_PROCESS;
    }
    for (uintptr_t number = STEP, free_count = 0; free_count < FREE_STRETCH; number += STEP) {
        bool open = is_open(process, number);
        count += open;
        free_count = open ? 0 : free_count + 1;
    }
    CloseHandle(process);
    printf("%u\n", count);
    return 0;
}
