/* SPDX-License-Identifier: MIT */
/* os.h - what the program asks of its operating system: who wants it to end, the limit on files,
 * modules. One of os_linux.c and os_windows.c is compiled. */
#ifndef CLI_OS_H
#define CLI_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum os_event {
    OS_STOP,  /* somebody wants the program to end: SIGINT, SIGTERM; Ctrl-C, Ctrl-Break, closing */
    OS_ENDED, /* os_post_ended() was called */
    OS_TIME,  /* neither for so long */
};

/* Before anything is opened: the standard streams are there, and what is written to them goes out
 * as it is. */
void os_open_streams(void);

/* Before any thread starts: signals go to os_wait() from here on. False: the system will not;
 * *os_error says why. */
bool os_start(int *os_error);

/* Waits for the next event, at most `timeout_ms`; 0: for ever. */
enum os_event os_wait(uint32_t timeout_ms);

/* Makes os_wait() return OS_ENDED. Any thread. */
void os_post_ended(void);

/* Has stdin and stdout carry bytes as they are, also where text is something else. */
void os_carry_bytes(void);

/* Raises the limit on open files as far as this user may; returns what it is now, and what it
 * was. 0: there is no such limit here. */
uint64_t os_raise_files_limit(uint64_t *before);

/* Loads a library of code, for as long as the program runs, and finds an object in it. Null: `why`
 * says in one line what the system says. */
const void *os_load(const char *path, const char *name, char *why, size_t why_bytes);

#endif
