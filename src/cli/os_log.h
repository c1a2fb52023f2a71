/* SPDX-License-Identifier: MIT */
/* os_log.h - the file of the log. There is one at most. One of os_log_linux.c and os_log_windows.c
 * is compiled.
 *
 * Error numbers are the system's: errno on Linux, GetLastError() on Windows. 0: no error. */
#ifndef CLI_OS_LOG_H
#define CLI_OS_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a journald reads stderr: JOURNAL_STREAM names it (systemd.exec(5)). Windows: false. */
bool os_log_is_journal(void);

/* Opens the file at the end, and makes it if it is missing. Other programs can rename it meanwhile.
 * Returns 0, or the error number. Call it once. */
int os_log_open(const char *path);

/* Opens the file of this path in place of the one in use, which was renamed. After an error the old
 * file stays in use. The next write uses the new one. Returns 0, or the error number. Thread: the
 * one that called os_log_open(). */
int os_log_reopen(const char *path);

/* Writes all bytes at the end of the file, and waits as long as that takes. `stream` is ignored.
 * Returns 0, or the error number. Thread: any, one at a time. */
int os_log_write(int stream, const char *bytes, size_t length);

#endif
