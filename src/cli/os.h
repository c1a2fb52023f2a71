/* SPDX-License-Identifier: MIT */
/* os.h - calls of the program to its operating system: shutdown requests, the limit on open files,
 * modules. One of os_linux.c and os_windows.c is compiled. */
#ifndef CLI_OS_H
#define CLI_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

enum os_event {
    OS_STOP,   /* shutdown is requested: SIGINT, SIGTERM; Ctrl-C, Ctrl-Break, closing the console */
    OS_RELOAD, /* SIGHUP: files may have changed; with a terminal on stdin it is OS_STOP */
    OS_REOPEN, /* SIGUSR1: the file of the log was renamed */
    OS_POSTED, /* os_post() was called: the start has ended, or the admin server has a request */
    OS_ENDED,  /* os_post_ended() was called */
    OS_TIME,   /* the timeout expired */
};

/* Reserves the standard streams that are closed: nothing else gets their numbers, and using them
 * fails. Has the streams carry bytes unchanged, on a Windows console UTF-8, and writing to a closed
 * pipe fail without a signal. Call it once, before anything else is opened. */
void os_open_streams(void);

/* Renounces privileges that programs gain from setuid bits and file capabilities, for this process
 * and its children, forever (Linux; other systems have none). Call it before any thread starts.
 * Returns false if the system refuses; *os_error says why, and `name` is its name. */
bool os_renounce_privileges(int *os_error, const char **name);

/* Directs signals to os_wait(). Call it before any thread starts. Returns false if the system
 * rejects it; *error says why, and what to do. */
bool os_start(struct weir_error *error);

/* Returns what a user can do about a system error that has the same cause wherever it occurs, such
 * as a limit or a policy. Returns "" for other errors. */
const char *os_hint(int os_error);

/* Has the C library return large blocks of freed memory to the system immediately. Otherwise it
 * holds back as much as the largest block that was freed before. Call it before any thread starts.
 */
void os_return_memory(void);

/* Waits for the next event. Returns OS_TIME after `timeout_ms`; 0: no timeout. */
enum os_event os_wait(uint32_t timeout_ms);

/* Makes os_wait() return OS_POSTED. Thread: any. */
void os_post(void);

/* Windows: make os_wait() return OS_STOP or OS_RELOAD, as the service manager asks. Thread: any. */
void os_post_stop(void);
void os_post_reload(void);

/* Makes os_wait() return OS_ENDED. Thread: any. */
void os_post_ended(void);

/* Turns off the conversion of newlines in stdin and stdout. */
void os_carry_bytes(void);

/* Replaces stdin by a file, before anything is read from it. Returns 0, or the system's error
 * number: errno on Linux, GetLastError() on Windows. */
int os_redirect_input(const char *path);

/* Raises the limit on open files as far as this user is allowed to. Returns the new limit, and the
 * old one in *before; 0: the system has no such limit. */
uint64_t os_raise_files_limit(uint64_t *before);

/* Loads a shared library, which stays loaded, and returns the address of the object `name` in it.
 * Null: `why` contains the system's error in one line. */
const void *os_load(const char *path, const char *name, char *why, size_t why_bytes);

#endif
