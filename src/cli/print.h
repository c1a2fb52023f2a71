/* SPDX-License-Identifier: MIT */
/* print.h - prints to stdout, for commands that need no thread for it (a server uses output.h).
 * Output that is lost is an error: the first failure is printed on stderr, and decides the exit
 * code. Used by one thread. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define PRINT_FORMAT __attribute__((format(printf, 1, 2)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define PRINT_FORMAT __attribute__((format(gnu_printf, 1, 2)))
#else
#define PRINT_FORMAT
#endif

/* Prints what printf() would. The text has less than PRINT_TEXT_BYTES; longer text is cut. */
void print_text(const char *format, ...) PRINT_FORMAT;

#define PRINT_TEXT_BYTES 8192

/* Prints bytes unchanged. */
void print_bytes(const void *bytes, size_t length);

/* Prints bytes as escape_byte() writes them, so that they stay on one line and cannot control a
 * terminal. */
void print_escaped(const uint8_t *bytes, size_t length);

/* Prints bytes as hexadecimal digits. */
void print_hex(const uint8_t *bytes, size_t length);

/* Has stdout take all that was printed so far. Returns false if output was lost, now or before:
 * the command has nothing more to do. */
bool print_flush(void);

/* Prints "weir: ", the text and a newline on stderr, after all that was printed before. Prints
 * nothing if output was lost, which is the earlier error. */
void print_failure(const char *format, ...) PRINT_FORMAT;

/* Prints to stdout (1) or stderr (2) from now on, by this function, which is like os_write(). Lost
 * output is an error only on stdout: the report needs stderr. Forgets what was printed before. */
void print_redirect(int stream, int (*write)(int stream, const char *bytes, size_t length));

/* Flushes at the end of a command. Returns the exit code: `code`, or EXIT_CODE_IO if output was
 * lost. */
int print_end(int code);

#endif
