/* SPDX-License-Identifier: MIT */
/* require.c - reports a failed requirement from any thread or child process. */
#include "require.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "require_child.h"

static bool require__in_child;

/* Runs before main. cmocka's _fail() works only on the main thread. */
#if defined(_MSC_VER)
#pragma section(".CRT$XCU", read)
static void require__before_main(void)
{
    require_note_main_thread();
}
__declspec(allocate(".CRT$XCU")) void (*require__initializer)(void) = require__before_main;
#else
__attribute__((constructor)) static void require__before_main(void)
{
    require_note_main_thread();
}
#endif

void require_become_child(void)
{
    require__in_child = true;
}

void require_failed(const char *file, int line, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!require__in_child && require_on_main_thread()) {
        print_error("requirement failed: %s\n", text);
        _fail(file, line);
    }
    fprintf(stderr, "%s:%d: requirement failed: %s\n", file, line, text);
    fflush(stderr);
    _Exit(3);
}

void require_equal_at(const char *file, int line, const char *what, uint64_t a, uint64_t b)
{
    if (a != b)
        require_failed(file, line, "%s (%llu, %llu)", what, (unsigned long long)a,
                       (unsigned long long)b);
}
