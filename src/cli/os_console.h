/* SPDX-License-Identifier: MIT */
/* os_console.h - a Windows console as a stream of UTF-8 bytes. Windows only.
 *
 * Reading, and the output of a running server, use the console's Unicode calls, which do not depend
 * on its code pages. The C library's streams do: for them the console's output code page is UTF-8
 * until the process ends. The code page belongs to the console and not to the process, so it is
 * restored on every way out. */
#ifndef CLI_OS_CONSOLE_H
#define CLI_OS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* Prepares stdout and stderr for UTF-8, if one of them is a console: sets its output code page
 * until os_console_restore() or the end of the process by return, exit(), abort(), Ctrl-C,
 * Ctrl-Break or a crash. From then on, what the C library writes to a console appears at fflush()
 * and exit(). Call it once. */
void os_console_use_utf8(void);

/* Restores the output code page. Thread: any. */
void os_console_restore(void);

/* Returns whether this handle of Windows is a console. */
bool os_console_is(void *handle);

/* Writes UTF-8 to the console of stdout (1) or stderr (2). A character can be cut between two
 * calls. Bytes that are no UTF-8 appear as U+FFFD. Thread: one per stream. */
bool os_console_write(int stream, void *handle, const char *bytes, size_t length);

/* Reads UTF-8 from a console: at least one byte, and waits for it. Returns 0 at the end of the
 * input, which is Ctrl-Z at the start of a line, or on an error: then *error is not 0. Thread: one.
 */
size_t os_console_read(void *handle, void *bytes, size_t size, int *error);

#endif
