/* SPDX-License-Identifier: MIT */
/* require_windows.c - runs child processes on Windows, which has no fork: the program starts itself
 * again.
 *
 * Environment variables name the test and the number of the require_death() within it. The child
 * runs only that test, skips the calls before that number, and must abort in the call with it.
 */
#include <windows.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "require.h"
#include "require_child.h"

#define REQUIRE__CHILD_MS 60000
#define REQUIRE__TEST "WEIR_TEST_DEATH_IN"
#define REQUIRE__NUMBER "WEIR_TEST_DEATH"
#define REQUIRE__BEGINS "the death begins here"
#define REQUIRE__ABORTED 3 /* the exit code of abort() */

static DWORD require__main_thread;
static const char *require__test;      /* the test of the last require_death() */
static uint32_t require__deaths_count; /* calls of require_death() in that test */

void require_note_main_thread(void)
{
    const char *test = getenv(REQUIRE__TEST);

    require__main_thread = GetCurrentThreadId();
    if (test) cmocka_set_test_filter(test);
}

bool require_on_main_thread(void)
{
    return require__main_thread == 0 || GetCurrentThreadId() == require__main_thread;
}

/* Runs the command line and reads its output until EOF. Returns its exit code. */
static int require__run_line(wchar_t *line, char *text, uint32_t text_bytes)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION child;
    HANDLE reader, writer;
    DWORD got, code = 0;
    uint32_t used = 0;
    char piece[512];

    require(CreatePipe(&reader, &writer, &inherited, 0));
    SetHandleInformation(reader, HANDLE_FLAG_INHERIT, 0);
    startup.hStdOutput = startup.hStdError = writer;
    require(CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child));
    CloseHandle(writer);
    while (ReadFile(reader, piece, sizeof piece, &got, NULL) && got > 0) {
        uint32_t room = text_bytes - 1 - used;
        uint32_t taken = got < room ? (uint32_t)got : room;
        if (got > room) { /* keeps the last bytes: the message of the check */
            uint32_t drop = (uint32_t)got - room;
            memmove(text, text + drop, used - drop);
            used -= drop;
            taken = (uint32_t)got;
        }
        memcpy(text + used, piece, taken);
        used += taken;
    }
    text[used] = '\0';
    CloseHandle(reader);
    if (WaitForSingleObject(child.hProcess, REQUIRE__CHILD_MS) != WAIT_OBJECT_0)
        TerminateProcess(child.hProcess, 99);
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hProcess);
    CloseHandle(child.hThread);
    return (int)code;
}

/* Returns whether this child was started for another call of require_death(). */
static bool require__is_another(const char *test)
{
    const char *asked = getenv(REQUIRE__NUMBER);

    return strcmp(getenv(REQUIRE__TEST), test) != 0 ||
           strtoul(asked ? asked : "", NULL, 10) != require__deaths_count;
}

void require_death_in(const char *test, void (*run)(void *argument), void *argument,
                      const char *rule)
{
    static char text[16384];
    wchar_t line[4096];
    char number[16];

    if (!require__test || strcmp(require__test, test) != 0) require__deaths_count = 0;
    require__test = test;
    require__deaths_count++;
    if (getenv(REQUIRE__TEST)) {
        if (require__is_another(test)) return;
        require_become_child();
        fprintf(stderr, "%s\n", REQUIRE__BEGINS);
        run(argument);
        fprintf(stderr, "no check stopped it\n");
        fflush(stderr);
        _Exit(4);
    }
    snprintf(number, sizeof number, "%u", require__deaths_count);
    wcsncpy(line, GetCommandLineW(), sizeof line / sizeof line[0] - 1);
    line[sizeof line / sizeof line[0] - 1] = L'\0';
    _putenv_s(REQUIRE__TEST, test);
    _putenv_s(REQUIRE__NUMBER, number);
    int code = require__run_line(line, text, sizeof text);
    _putenv_s(REQUIRE__TEST, "");
    _putenv_s(REQUIRE__NUMBER, "");
    const char *words = strstr(text, REQUIRE__BEGINS);
    if (code != REQUIRE__ABORTED || !words || !strstr(words, rule))
        require_failed(__FILE__, __LINE__,
                       "the child should have been stopped by \"%s\"; it ended with %d: %s", rule,
                       code, text);
}

int require_run(char *const arguments[], char *text, uint32_t text_bytes)
{
    wchar_t line[4096], path[MAX_PATH];
    size_t used;

    require(GetModuleFileNameW(NULL, path, MAX_PATH) > 0);
    used = (size_t)_snwprintf(line, 4095, L"\"%ls\"", path);
    for (int i = 1; arguments[i]; i++)
        used += (size_t)_snwprintf(line + used, 4095 - used, L" \"%hs\"", arguments[i]);
    line[used] = L'\0';
    return require__run_line(line, text, text_bytes);
}
