/* SPDX-License-Identifier: MIT */
/* os_main_windows.c - the entry of the program on Windows. It takes the arguments in UTF-16, as
 * Windows has them, because main() gets them in the code page of the system. The manifest asks for
 * UTF-8 as this code page, but Windows before version 1903 ignores that. */
#include <windows.h>
#include <stdio.h>

#include "arena.h"
#include "exit_code.h"
#include "main.h"
#include "os.h"
#include "os_wide.h"

#if defined(__MINGW32__)
int _dowildcard = 0; /* some builds of mingw-w64 replace * and ? by the names of files otherwise */
#endif

int wmain(int count, wchar_t **arguments); /* no header declares it */

/* Explains why an argument cannot be converted. Returns the exit code. */
static int os__refuse(struct arena *arena, int position, const wchar_t *argument)
{
    bool is_text = GetLastError() == ERROR_NO_UNICODE_TRANSLATION;
    const char *displayed = is_text ? os_narrow_for_display(arena, argument) : NULL;

    if (!displayed) {
        fprintf(stderr, "weir: out of memory\n");
        return EXIT_CODE_FAILED;
    }
    fprintf(stderr,
            "weir: argument %d, \"%s\", is not valid Unicode: it contains half of a surrogate "
            "pair; write the whole character, or rename the file\n",
            position, displayed);
    return EXIT_CODE_USAGE;
}

static int os__run(struct arena *arena, int count, wchar_t **wide)
{
    char **arguments = arena_alloc(arena, ((size_t)count + 1) * sizeof *arguments);

    for (int i = 0; i < count; i++) {
        char *argument = arguments ? os_narrow(arena, wide[i]) : NULL;
        if (!argument) return os__refuse(arena, i, wide[i]);
        arguments[i] = argument;
    }
    return main_run(count, arguments);
}

int wmain(int count, wchar_t **arguments)
{
    struct arena arena = {0};

    os_open_streams();
    int code = os__run(&arena, count, arguments);
    arena_free(&arena);
    return code;
}
