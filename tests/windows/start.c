/* SPDX-License-Identifier: MIT */
/* start.c - starts a program in ways that a shell cannot. Exits with the program's exit code.
 *
 *     start units PROGRAM ARG...            each \uXXXX in the arguments becomes that UTF-16 unit
 *     start no-stdin PROGRAM ARG...         without a stdin
 *     start console FILE PROGRAM ARG...     in a new console with the code pages 850 and 437
 *
 * In the console, the contents of FILE (UTF-8) are typed. ^C in it is Ctrl-C, sent when all before
 * it was read; text between two ^F is not typed, but awaited on the screen. Afterwards FILE has the
 * console's output code page at each Ctrl-C, both code pages at the end, and the lines of the
 * screen:
 *
 *     during 65001
 *     end 850 437
 *     the first line of the screen
 */
#include <windows.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define EXIT_USAGE 64
#define EXIT_BROKEN 70
#define TEXT_UNITS 32768
#define COLUMNS 200
#define ROWS 100
#define POLL_MS 10
#define CTRL_C 3
#define CTRL_F 6

#ifndef PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE
#define PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE 0x20016
#endif

int wmain(int count, wchar_t **arguments);

static int broken(const char *what)
{
    fprintf(stderr, "start: %s failed (error %lu)\n", what, GetLastError());
    return EXIT_BROKEN;
}

/* Returns the command line after its first words. */
static wchar_t *skip_words(wchar_t *line, int words)
{
    for (; words > 0; words--) {
        for (bool quoted = false; *line && (quoted || *line != L' '); line++)
            if (*line == L'"') quoted = !quoted;
        while (*line == L' ') line++;
    }
    return line;
}

/* Replaces each \uXXXX, in place. */
static void read_units(wchar_t *line)
{
    wchar_t *to = line;

    for (; *line; line++) {
        wchar_t digits[5] = L"";
        if (line[0] == L'\\' && line[1] == L'u' && wcslen(line) >= 6) wmemcpy(digits, line + 2, 4);
        *to++ = digits[0] ? (wchar_t)wcstoul(digits, NULL, 16) : *line;
        if (digits[0]) line += 5;
    }
    *to = L'\0';
}

/* Starts the command line. Returns the process; null: failed. */
static HANDLE start(wchar_t *line, STARTUPINFOW *how, DWORD flags)
{
    PROCESS_INFORMATION made;

    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, flags, NULL, NULL, how, &made)) return NULL;
    CloseHandle(made.hThread);
    return made.hProcess;
}

static int exit_code_of(HANDLE process)
{
    DWORD code = EXIT_BROKEN;

    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    return (int)code;
}

static int start_plainly(wchar_t *line, bool has_stdin)
{
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES};

    how.hStdInput = has_stdin ? GetStdHandle(STD_INPUT_HANDLE) : NULL;
    how.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    how.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    HANDLE process = start(line, &how, 0);
    return process ? exit_code_of(process) : broken("CreateProcess");
}

/* ---- inside the console ---- */

static HANDLE console_in, console_out;

/* Opens the console by its name, so that a program inherits it. */
static HANDLE open_console(const wchar_t *name)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};

    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                       &inherit, OPEN_EXISTING, 0, NULL);
}

static BOOL WINAPI ignore_ctrl_c(DWORD event)
{
    return event == CTRL_C_EVENT;
}

static void type_unit(wchar_t unit)
{
    INPUT_RECORD record = {.EventType = KEY_EVENT};
    DWORD written;

    record.Event.KeyEvent.bKeyDown = TRUE;
    record.Event.KeyEvent.wRepeatCount = 1;
    record.Event.KeyEvent.wVirtualKeyCode = unit == L'\n' ? VK_RETURN : 0;
    record.Event.KeyEvent.uChar.UnicodeChar = unit == L'\n' ? L'\r' : unit;
    WriteConsoleInputW(console_in, &record, 1, &written);
    record.Event.KeyEvent.bKeyDown = FALSE;
    WriteConsoleInputW(console_in, &record, 1, &written);
}

/* Waits until the program has read all that was typed, or has ended. */
static void wait_until_read(HANDLE process)
{
    DWORD waiting = 1;

    while (GetNumberOfConsoleInputEvents(console_in, &waiting) && waiting > 0 &&
           WaitForSingleObject(process, POLL_MS) == WAIT_TIMEOUT)
        continue;
}

/* Gets a line of the screen without the blanks at its end. Returns its length. */
static DWORD get_line(SHORT row, wchar_t line[COLUMNS + 1])
{
    DWORD length = 0;

    ReadConsoleOutputCharacterW(console_out, line, COLUMNS, (COORD){0, row}, &length);
    while (length > 0 && line[length - 1] == L' ') length--;
    line[length] = L'\0';
    return length;
}

/* Waits until a line of the screen contains the text up to a ^F, or the program has ended. Returns
 * the end of the text. */
static const wchar_t *await_text(const wchar_t *text, HANDLE process)
{
    size_t length = wcscspn(text, (const wchar_t[]){CTRL_F, 0});
    wchar_t line[COLUMNS + 1], wanted[COLUMNS + 1] = L"";
    bool found = false;

    if (length <= COLUMNS) wmemcpy(wanted, text, length);
    while (!found && WaitForSingleObject(process, POLL_MS) == WAIT_TIMEOUT)
        for (SHORT row = 0; row < ROWS && !found; row++)
            found = get_line(row, line) > 0 && wcsstr(line, wanted);
    return text + length;
}

static void type_text(const wchar_t *text, HANDLE process, FILE *result)
{
    for (; *text; text++) {
        if (*text == CTRL_F) {
            text = await_text(text + 1, process);
        } else if (*text == CTRL_C) {
            wait_until_read(process);
            fprintf(result, "during %u\n", GetConsoleOutputCP());
            GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
        } else {
            type_unit(*text);
        }
    }
}

static void print_wide(FILE *file, const wchar_t *wide)
{
    char text[3 * COLUMNS + 1];

    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof text, NULL, NULL);
    fprintf(file, "%s\n", text);
}

static void print_screen(FILE *file)
{
    wchar_t line[COLUMNS + 1];

    for (SHORT row = 0; row < ROWS; row++)
        if (get_line(row, line) > 0) print_wide(file, line);
}

static int run_inside(const wchar_t *path, wchar_t *line)
{
    static char bytes[TEXT_UNITS];
    static wchar_t typed[TEXT_UNITS];
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES};
    FILE *file = _wfopen(path, L"rb");

    if (!file) return broken("opening FILE");
    bytes[fread(bytes, 1, sizeof bytes - 1, file)] = '\0';
    fclose(file);
    MultiByteToWideChar(CP_UTF8, 0, bytes, -1, typed, TEXT_UNITS);
    if ((file = _wfopen(path, L"wb")) == NULL) return broken("opening FILE");
    console_in = how.hStdInput = open_console(L"CONIN$");
    console_out = how.hStdOutput = how.hStdError = open_console(L"CONOUT$");
    SetConsoleCP(850);
    SetConsoleOutputCP(437);
    SetConsoleCtrlHandler(ignore_ctrl_c, TRUE);
    HANDLE process = start(line, &how, 0);
    if (!process) return broken("CreateProcess in the console");
    type_text(typed, process, file);
    int code = exit_code_of(process);
    fprintf(file, "end %u %u\n", GetConsoleCP(), GetConsoleOutputCP());
    print_screen(file);
    fclose(file);
    return code;
}

/* ---- the console ---- */

typedef HRESULT(WINAPI *create_console)(COORD size, HANDLE in, HANDLE out, DWORD flags,
                                        void **console);

/* Discards what the console shows, so that it never waits. */
static DWORD WINAPI discard(void *pipe)
{
    char piece[4096];
    DWORD got;

    while (ReadFile(pipe, piece, sizeof piece, &got, NULL)) continue;
    return 0;
}

/* Returns a new console; null: this Windows has none of this kind. */
static void *make_console(void)
{
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    FARPROC found = GetProcAddress(kernel, "CreatePseudoConsole");
    HANDLE in_reader, in_writer, out_reader, out_writer;
    void *console = NULL;

    if (!found || !CreatePipe(&in_reader, &in_writer, NULL, 0) ||
        !CreatePipe(&out_reader, &out_writer, NULL, 0))
        return NULL;
    CreateThread(NULL, 0, discard, out_reader, 0, NULL);
    create_console create = (create_console)(void (*)(void))found;
    return create((COORD){COLUMNS, ROWS}, in_reader, out_writer, 0, &console) == S_OK ? console
                                                                                      : NULL;
}

/* Starts this program again, inside a new console. */
static int run_in_console(const wchar_t *own_path, const wchar_t *rest)
{
    static wchar_t line[TEXT_UNITS];
    static uint64_t list[64];
    STARTUPINFOEXW how = {.StartupInfo.cb = sizeof how};
    SIZE_T size = sizeof list;
    void *console = make_console();

    if (!console) return broken("CreatePseudoConsole");
    how.lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)list;
    if (!InitializeProcThreadAttributeList(how.lpAttributeList, 1, 0, &size) ||
        !UpdateProcThreadAttribute(how.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE,
                                   console, sizeof console, NULL, NULL))
        return broken("UpdateProcThreadAttribute");
    swprintf(line, TEXT_UNITS, L"\"%ls\" inside %ls", own_path, rest);
    HANDLE process = start(line, &how.StartupInfo, EXTENDED_STARTUPINFO_PRESENT);
    return process ? exit_code_of(process) : broken("CreateProcess");
}

int wmain(int count, wchar_t **arguments)
{
    static wchar_t line[TEXT_UNITS];

    wcsncpy(line, GetCommandLineW(), TEXT_UNITS - 1);
    if (count >= 3 && wcscmp(arguments[1], L"units") == 0) {
        read_units(line);
        return start_plainly(skip_words(line, 2), true);
    }
    if (count >= 3 && wcscmp(arguments[1], L"no-stdin") == 0)
        return start_plainly(skip_words(line, 2), false);
    if (count >= 4 && wcscmp(arguments[1], L"console") == 0)
        return run_in_console(arguments[0], skip_words(line, 2));
    if (count >= 4 && wcscmp(arguments[1], L"inside") == 0)
        return run_inside(arguments[2], skip_words(line, 3));
    fprintf(stderr, "usage: start units|no-stdin PROGRAM ARG... | start console FILE PROGRAM "
                    "ARG...\n");
    return EXIT_USAGE;
}
