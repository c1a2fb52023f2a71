/* SPDX-License-Identifier: MIT */
/* leave.c - leave WAY: prepares the console for UTF-8 as weir does, and ends in that way: exit,
 * abort, crash, or end (without waiting for anything). For tests/system: the console's code page
 * must be restored. */
#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_console.h"
#include "os_thread.h"

#define EXIT_USAGE 64

int main(int count, char **arguments)
{
    const char *way = count == 2 ? arguments[1] : "";

    (void)_setmode(_fileno(stdout), _O_BINARY);
    os_console_use_utf8();
    printf("\xe6\x97\xa5\xe6\x9c\xac\n");
    if (strcmp(way, "exit") == 0) exit(0);
    fflush(stdout);
    if (strcmp(way, "abort") == 0) abort();
    if (strcmp(way, "crash") == 0) RaiseException(EXCEPTION_ACCESS_VIOLATION, 0, 0, NULL);
    if (strcmp(way, "end") == 0) os_end_process(0);
    return EXIT_USAGE;
}
