/* SPDX-License-Identifier: MIT */
/* os_terminal.h - a terminal as a screen: its size, single keys, and waiting for them. One of
 * os_terminal_linux.c and os_terminal_windows.c is compiled.
 *
 * Thread: one, the main thread. */
#ifndef CLI_OS_TERMINAL_H
#define CLI_OS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

enum os_terminal_event {
    OS_TERMINAL_KEY,     /* a key was pressed */
    OS_TERMINAL_RESIZED, /* the size has changed */
    OS_TERMINAL_STOP, /* the program shall end: SIGTERM, SIGHUP, SIGINT, or no input any longer */
    OS_TERMINAL_TIME, /* the timeout expired */
};

/* Returns whether stdin and stdout are a terminal that understands VT sequences (ECMA-48). Then
 * keys arrive one by one, are not echoed, and Ctrl-C is a key, too, until os_terminal_close(). */
bool os_terminal_open(void);

/* Restores the terminal. Harmless if it is not open. */
void os_terminal_close(void);

/* Returns the size of the open terminal; 80 columns and 24 rows if it does not say. */
void os_terminal_size(uint32_t *columns, uint32_t *rows);

/* Waits for the next event. *key is set for OS_TERMINAL_KEY. Without an open terminal it only waits
 * for the time, and for signals. */
enum os_terminal_event os_terminal_wait(uint32_t timeout_ms, char *key);

#endif
