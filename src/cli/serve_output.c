/* SPDX-License-Identifier: MIT */
/* serve_output.c - see serve_output.h. */
#include "serve_output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "log_fold.h"
#include "os.h"
#include "os_log.h"
#include "os_service.h"
#include "os_stream.h"
#include "output.h"

static struct output serve_output__out, serve_output__err, serve_output__file;
static struct output *serve_output__log = &serve_output__err; /* or the file */
static uint64_t serve_output__end_ms;                         /* set by serve_output_begin_end() */

/* Set before any line is added to the log. */
static struct log_format serve_output__format = {.has_name = true};
static struct os_monitor *serve_output__fold_monitor; /* of serve_output__fold */
static struct log_fold serve_output__fold;

static struct arena
    serve_output__forever; /* of the threads that write, which end with the process */

/* A service of Windows has no stdout. */
static int serve_output__discard(int stream, const char *bytes, size_t length)
{
    (void)stream;
    (void)bytes;
    (void)length;
    return 0;
}

bool serve_output_open(void)
{
    struct arena *forever = &serve_output__forever;
    bool is_service = os_service_is_running();

    serve_output__fold_monitor = os_monitor_open(forever);
    return serve_output__fold_monitor &&
           output_open(&serve_output__out, forever, 1,
                       is_service ? serve_output__discard : os_write, os_post_ended) &&
           output_open(&serve_output__err, forever, 2,
                       is_service ? os_service_write_events : os_write, NULL);
}

static char *serve_output__loss_line(uint64_t lines, char line[OUTPUT_LOSS_BYTES])
{
    char text[96], whole[LOG_FORMAT_LINE_BYTES];

    snprintf(text, sizeof text, "%" PRIu64 " lines of output were lost here: nothing read them",
             lines);
    log_format_line(&serve_output__format, WEIR_LOG_WARNING, false, weir_unix_time_ms(), text,
                    whole);
    snprintf(line, OUTPUT_LOSS_BYTES, "%.*s", (int)OUTPUT_LOSS_BYTES - 1, whole);
    return line;
}

/* ---- the file ---- */

static void serve_output__report_failure(const char *what, const char *path, int os_error)
{
    char failed[FAILURE_BYTES], text[FAILURE_BYTES];

    snprintf(failed, sizeof failed, "%s %s", what, path);
    serve_output_report(
        WEIR_LOG_ERROR, "%s",
        failure_text(failed, os_error, "name a file that weir may write", text, sizeof text));
}

static bool serve_output__open_file(const struct options *options)
{
    int os_error = os_log_open(options->log_file);

    if (os_error != 0) {
        serve_output__report_failure("cannot write --log-file", options->log_file, os_error);
        return false;
    }
    if (!output_open(&serve_output__file, &serve_output__forever, -1, os_log_write, NULL)) {
        serve_output_report(WEIR_LOG_ERROR, "cannot start a thread for --log-file; raise the limit "
                                            "on threads (ulimit -u)");
        return false;
    }
    serve_output__log = &serve_output__file;
    return true;
}

bool serve_output_open_log(const struct options *options)
{
    if (options->log_file && !serve_output__open_file(options)) return false;
    serve_output__format.kind = options->log_format;
    serve_output__format.has_time = options->log_file != NULL;
    serve_output__format.has_priority =
        !options->log_file && (os_log_is_journal() || os_service_is_running());
    /* The journal and the file name the program. */
    serve_output__format.has_name =
        !serve_output__format.has_time && !serve_output__format.has_priority;
    serve_output__log->loss_line = serve_output__loss_line;
    return true;
}

void serve_output_reopen(const struct options *options)
{
    if (!options->log_file) return;
    int os_error = os_log_reopen(options->log_file);
    if (os_error == 0)
        serve_output_log(options, WEIR_LOG_INFO, "the file of the log was opened again");
    else
        serve_output__report_failure("the log goes on in the old file: cannot write --log-file",
                                     options->log_file, os_error);
}

/* ---- lines ---- */

/* Makes the lines to write for one line of the log: none, a note about repetitions, or both. A
 * report is always written: each line of counters says that the server runs. */
static void serve_output__make(enum weir_log_level level, bool is_report, const char *text,
                               char lines[2 * LOG_FORMAT_LINE_BYTES])
{
    int64_t now_ms = weir_unix_time_ms();
    char note[LOG_FOLD_NOTE_BYTES];
    enum weir_log_level note_level;
    bool is_new = true;

    os_monitor_enter(serve_output__fold_monitor);
    if (is_report)
        log_fold_end(&serve_output__fold, note, &note_level);
    else
        is_new = log_fold_add(&serve_output__fold, level, text, now_ms, note, &note_level);
    os_monitor_leave(serve_output__fold_monitor);
    lines[0] = '\0';
    if (note[0] != '\0')
        log_format_line(&serve_output__format, note_level, false, now_ms, note, lines);
    if (is_new)
        log_format_line(&serve_output__format, level, is_report && serve_output__format.has_name,
                        now_ms, text, lines + strlen(lines));
}

void serve_output_print(const char *format, ...)
{
    char line[SERVE_OUTPUT_TEXT_BYTES];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    size_t length = strlen(line);
    memcpy(line + length, "\n", 2);
    output_add(&serve_output__out, line);
}

void serve_output_report(enum weir_log_level level, const char *format, ...)
{
    bool is_service = os_service_is_running();
    const struct log_format plain = {.has_name = !is_service, .has_priority = is_service};
    char text[SERVE_OUTPUT_TEXT_BYTES], lines[2 * LOG_FORMAT_LINE_BYTES];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    serve_output__make(level, true, text, lines);
    output_add(serve_output__log, lines);
    if (level > WEIR_LOG_ERROR || serve_output__log == &serve_output__err) return;
    output_add(&serve_output__err, log_format_line(&plain, level, true, 0, text, lines));
}

void serve_output_log(const struct options *options, enum weir_log_level level, const char *text)
{
    char lines[2 * LOG_FORMAT_LINE_BYTES];

    if (level > options->config.log_level) return;
    serve_output__make(level, false, text, lines);
    output_add(serve_output__log, lines);
}

void serve_output_write_log(void *user, enum weir_log_level level, const char *text)
{
    char lines[2 * LOG_FORMAT_LINE_BYTES];

    (void)user;
    serve_output__make(level, false, text, lines);
    output_add_waiting(serve_output__log, lines);
}

void serve_output_flush_log(uint32_t ms)
{
    output_flush(serve_output__log, os_now_ms() + ms);
}

int serve_output_error(void)
{
    return output_error(&serve_output__out);
}

/* ---- the end ---- */

void serve_output_begin_end(const struct options *options)
{
    if (serve_output__end_ms > 0) return;
    serve_output__end_ms = os_now_ms() + options->config.log_flush_ms;
    output_set_deadline(serve_output__log, serve_output__end_ms);
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

bool serve_output_end_log(void)
{
    char note[LOG_FOLD_NOTE_BYTES], line[LOG_FORMAT_LINE_BYTES];
    enum weir_log_level level;

    os_monitor_enter(serve_output__fold_monitor);
    log_fold_end(&serve_output__fold, note, &level);
    os_monitor_leave(serve_output__fold_monitor);
    if (note[0] != '\0')
        output_add(serve_output__log, log_format_line(&serve_output__format, level, false,
                                                      weir_unix_time_ms(), note, line));
    bool is_written = serve_output__end(serve_output__log);
    return serve_output__log == &serve_output__err ? is_written
                                                   : serve_output__end(&serve_output__err);
}
