/* SPDX-License-Identifier: MIT */
/* hold_file.c - opens a file as another program would, and holds it until stdin ends:
 *
 *     hold_file FILE [read] [write] [delete]     prints "held"; the words are what it shares
 */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

int wmain(int count, wchar_t **arguments); /* no header declares it */

int wmain(int count, wchar_t **arguments)
{
    DWORD shared = 0;

    for (int i = 2; i < count; i++) {
        if (wcscmp(arguments[i], L"read") == 0) shared |= FILE_SHARE_READ;
        if (wcscmp(arguments[i], L"write") == 0) shared |= FILE_SHARE_WRITE;
        if (wcscmp(arguments[i], L"delete") == 0) shared |= FILE_SHARE_DELETE;
    }
    if (count < 2) return 64;
    HANDLE file = CreateFileW(arguments[1], GENERIC_READ, shared, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 1;
    printf("held\n");
    fflush(stdout);
    while (getchar() != EOF) continue;
    CloseHandle(file);
    return 0;
}
