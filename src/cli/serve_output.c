/* SPDX-License-Identifier: MIT */
/* serve_output.c - see serve_output.h. */
#include "serve_output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os.h"
#include "os_stream.h"
#include "output.h"

static struct output serve_output__out, serve_output__err;
static uint64_t serve_output__end_ms; /* set by serve_output_begin_end() */

bool serve_output_open(void)
{
    static struct arena forever; /* of the threads that write, which end with the process */

    return output_open(&serve_output__out, &forever, 1, os_write, os_post_ended) &&
           output_open(&serve_output__err, &forever, 2, os_write, NULL);
}

/* Adds the line after its newline, for which it has room. */
static void serve_output__add(struct output *output, char line[SERVE_OUTPUT_LINE_BYTES])
{
    size_t length = strlen(line);

    memcpy(line + length, "\n", 2);
    output_add(output, line);
}

void serve_output_print(const char *format, ...)
{
    char line[SERVE_OUTPUT_LINE_BYTES];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    serve_output__add(&serve_output__out, line);
}

void serve_output_report(const char *format, ...)
{
    char line[SERVE_OUTPUT_LINE_BYTES] = "weir: ";
    size_t used = strlen(line);
    va_list values;

    va_start(values, format);
    vsnprintf(line + used, sizeof line - 1 - used, format, values);
    va_end(values);
    serve_output__add(&serve_output__err, line);
}

/* Makes a line of the log with its newline. */
static char *serve_output__log_line(enum weir_log_level level, const char *text,
                                    char line[SERVE_OUTPUT_LINE_BYTES])
{
    static const char *const words[] = {"error", "warning", "info", "detail", "trace"};

    snprintf(line, SERVE_OUTPUT_LINE_BYTES, "weir: %s: %s\n", words[level], text);
    return line;
}

void serve_output_log(const struct options *options, enum weir_log_level level, const char *text)
{
    char line[SERVE_OUTPUT_LINE_BYTES];

    if (level <= options->config.log_level)
        output_add(&serve_output__err, serve_output__log_line(level, text, line));
}

void serve_output_write_log(void *user, enum weir_log_level level, const char *text)
{
    char line[SERVE_OUTPUT_LINE_BYTES];

    (void)user;
    output_add_waiting(&serve_output__err, serve_output__log_line(level, text, line));
}

void serve_output_flush_log(uint32_t ms)
{
    output_flush(&serve_output__err, os_now_ms() + ms);
}

int serve_output_error(void)
{
    return output_error(&serve_output__out);
}

void serve_output_begin_end(const struct options *options)
{
    if (serve_output__end_ms > 0) return;
    serve_output__end_ms = os_now_ms() + options->config.log_flush_ms;
    output_set_deadline(&serve_output__err, serve_output__end_ms);
}

/* Once the time is over the process must end, although this stream is written: the thread of the
 * log can be inside a call. */
static bool serve_output__end(struct output *output)
{
    return output_flush(output, serve_output__end_ms) && os_now_ms() < serve_output__end_ms;
}

bool serve_output_end_stdout(void)
{
    return serve_output__end(&serve_output__out);
}

bool serve_output_end_stderr(void)
{
    return serve_output__end(&serve_output__err);
}
