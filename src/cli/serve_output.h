/* SPDX-License-Identifier: MIT */
/* serve_output.h - the output of `weir serve`: lines for scripts on stdout, the log on stderr, in a
 * file, or in the event log of Windows. A line of the log that repeats the line before is counted
 * in place of being written. Every line passes through a thread, see output.h: the main thread
 * never waits for a stream, because it handles the shutdown requests. */
#ifndef CLI_SERVE_OUTPUT_H
#define CLI_SERVE_OUTPUT_H

#include "options.h"

/* The longest text, which has all counters. */
#define SERVE_OUTPUT_TEXT_BYTES 4096

#if defined(__clang__)
#define SERVE_OUTPUT_FORMAT(at) __attribute__((format(printf, at, at + 1)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define SERVE_OUTPUT_FORMAT(at) __attribute__((format(gnu_printf, at, at + 1)))
#else
#define SERVE_OUTPUT_FORMAT(at)
#endif

/* Opens both streams. Returns false if the system has no thread or memory for them. */
bool serve_output_open(void);

/* Selects the format of the log, and opens its file. Call it once, before anything is logged.
 * Returns false after reporting that the file cannot be written. */
bool serve_output_open_log(const struct options *options);

/* Opens the file of the log again, after it was renamed. The log says if that fails; the old file
 * stays in use then. Thread: as serve_output_open_log(). */
void serve_output_reopen(const struct options *options);

/* Adds a line to stdout; the format has no newline. Thread: any. */
SERVE_OUTPUT_FORMAT(1) void serve_output_print(const char *format, ...);

/* Adds a line to the log whatever the level of the options; as text it does not name its level. An
 * error is added to stderr, too, if the log has a file: a user must see why a start failed. The
 * format has no newline. Thread: any. */
SERVE_OUTPUT_FORMAT(2)
void serve_output_report(enum weir_log_level level, const char *format, ...);

/* Adds a line to the log, unless its level is more verbose than that of the options. Never waits.
 * Thread: any. */
void serve_output_log(const struct options *options, enum weir_log_level level, const char *text);

/* weir_config.log: adds a line whatever its level, and waits for room. The library drops the levels
 * that are not shown. Thread: the log's. */
void serve_output_write_log(void *user, enum weir_log_level level, const char *text);

/* Waits until the log is written, for at most `ms`. */
void serve_output_flush_log(uint32_t ms);

/* Returns the system's error number of the first write to stdout that failed; 0: none has. Lost
 * lines of stdout end the server, by os_post_ended(). Lost lines of stderr do not: a server must
 * not end because its log has no room. */
int serve_output_error(void);

/* Sets the time at which the process ends, even if the streams are blocked: log_flush_ms after the
 * first call. */
void serve_output_begin_end(const struct options *options);

/* Waits for stdout, or for the log, until that time. Returns whether all lines were written. */
bool serve_output_end_stdout(void);
bool serve_output_end_log(void);

#endif
