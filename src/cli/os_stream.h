/* SPDX-License-Identifier: MIT */
/* os_stream.h - reads and writes streams without stdio, which forgets why a call failed and holds a
 * lock while it blocks. One of os_stream_linux.c and os_stream_windows.c is compiled.
 *
 * Error numbers are the system's: errno on Linux, GetLastError() on Windows. 0: no error. */
#ifndef CLI_OS_STREAM_H
#define CLI_OS_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Writes all bytes to stdout (1) or stderr (2), and waits as long as that takes. Returns 0, or the
 * error number; some of the bytes can be written then. */
int os_write(int stream, const char *bytes, size_t length);

/* A file that is read: a descriptor on Linux, a HANDLE on Windows. */
typedef intptr_t os_source;

/* Opens a file for reading, or anything else that has a name and can be read. Returns 0, or the
 * error number. The caller calls os_close_source() after success. */
int os_open_source(const char *path, os_source *source);

/* Waits for at least one byte. *length is the number of bytes read; 0 at the end of the input.
 * Returns 0, or the error number. */
int os_read(os_source source, void *bytes, size_t size, size_t *length);

void os_close_source(os_source source);

#endif
