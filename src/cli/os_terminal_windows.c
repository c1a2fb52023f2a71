/* SPDX-License-Identifier: MIT */
/* os_terminal_windows.c - a console with virtual terminal sequences, which Windows has had since
 * Windows 10, version 1511. */
#include "os_terminal.h"

#include <windows.h>

static DWORD os__saved_input_mode, os__saved_output_mode;
static bool os__terminal_is_open;

bool os_terminal_open(void)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE), output = GetStdHandle(STD_OUTPUT_HANDLE);

    if (!GetConsoleMode(input, &os__saved_input_mode) ||
        !GetConsoleMode(output, &os__saved_output_mode))
        return false;
    if (!SetConsoleMode(output, os__saved_output_mode | ENABLE_PROCESSED_OUTPUT |
                                    ENABLE_VIRTUAL_TERMINAL_PROCESSING))
        return false;
    os__terminal_is_open = SetConsoleMode(input, ENABLE_WINDOW_INPUT) != 0;
    if (!os__terminal_is_open) SetConsoleMode(output, os__saved_output_mode);
    return os__terminal_is_open;
}

void os_terminal_close(void)
{
    if (!os__terminal_is_open) return;
    SetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), os__saved_input_mode);
    SetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), os__saved_output_mode);
    os__terminal_is_open = false;
}

void os_terminal_size(uint32_t *columns, uint32_t *rows)
{
    CONSOLE_SCREEN_BUFFER_INFO info;

    *columns = 80;
    *rows = 24;
    if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info)) return;
    *columns = (uint32_t)(info.srWindow.Right - info.srWindow.Left + 1);
    *rows = (uint32_t)(info.srWindow.Bottom - info.srWindow.Top + 1);
}

/* Takes one input record. Returns TIME if it is of no interest. */
static enum os_terminal_event os__take_record(HANDLE input, char *key)
{
    INPUT_RECORD record;
    DWORD count = 0;

    if (!ReadConsoleInputW(input, &record, 1, &count) || count == 0) return OS_TERMINAL_STOP;
    if (record.EventType == WINDOW_BUFFER_SIZE_EVENT) return OS_TERMINAL_RESIZED;
    if (record.EventType != KEY_EVENT || !record.Event.KeyEvent.bKeyDown) return OS_TERMINAL_TIME;
    WCHAR unit = record.Event.KeyEvent.uChar.UnicodeChar;
    if (unit == 0 || unit > 0x7f) return OS_TERMINAL_TIME;
    *key = (char)unit;
    return OS_TERMINAL_KEY;
}

enum os_terminal_event os_terminal_wait(uint32_t timeout_ms, char *key)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    ULONGLONG end_ms = GetTickCount64() + timeout_ms;

    if (!os__terminal_is_open) {
        Sleep(timeout_ms);
        return OS_TERMINAL_TIME;
    }
    for (;;) {
        ULONGLONG now_ms = GetTickCount64();
        if (now_ms >= end_ms) return OS_TERMINAL_TIME;
        DWORD ready = WaitForSingleObject(input, (DWORD)(end_ms - now_ms));
        if (ready == WAIT_TIMEOUT) return OS_TERMINAL_TIME;
        if (ready != WAIT_OBJECT_0) return OS_TERMINAL_STOP;
        enum os_terminal_event event = os__take_record(input, key);
        if (event != OS_TERMINAL_TIME) return event;
    }
}
