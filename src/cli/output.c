/* SPDX-License-Identifier: MIT */
/* output.c - a ring of bytes between the threads that print and one thread per stream that writes.
 * The monitor is never held during a write. */
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"

#define OUTPUT__PIECE_BYTES 4096u /* per write: a pipe takes that many whole, or blocks */

/* Makes the report of lost lines. Returns its length; 0: none were lost. */
static size_t output__report(const struct output *output, char report[OUTPUT_LOSS_BYTES])
{
    if (output->lost == 0) return 0;
    if (output->loss_line) return strlen(output->loss_line(output->lost, report));
    int length = snprintf(report, OUTPUT_LOSS_BYTES,
                          "weir: warning: %" PRIu64 " lines of output were lost here: nothing "
                          "read them\n",
                          output->lost);
    return (size_t)length;
}

static void output__put(struct output *output, const char *bytes, size_t length)
{
    size_t at = (output->first + output->count) % OUTPUT_BYTES;
    size_t until_end = length < OUTPUT_BYTES - at ? length : OUTPUT_BYTES - at;

    memcpy(output->bytes + at, bytes, until_end);
    memcpy(output->bytes, bytes + until_end, length - until_end);
    output->count += length;
    os_monitor_wake(output->monitor);
}

/* Takes the oldest bytes, and cuts after a newline if it must cut: another program can write to the
 * same stream. */
static size_t output__take(struct output *output, char piece[OUTPUT__PIECE_BYTES])
{
    size_t length = output->count < OUTPUT__PIECE_BYTES ? output->count : OUTPUT__PIECE_BYTES;
    size_t after_newline = 0;

    for (size_t i = 0; i < length; i++) {
        piece[i] = output->bytes[(output->first + i) % OUTPUT_BYTES];
        if (piece[i] == '\n') after_newline = i + 1;
    }
    if (after_newline > 0) length = after_newline;
    output->first = (output->first + length) % OUTPUT_BYTES;
    output->count -= length;
    return length;
}

static void output__run(void *argument)
{
    struct output *output = argument;
    char piece[OUTPUT__PIECE_BYTES], report[OUTPUT_LOSS_BYTES];
    size_t length;

    os_monitor_enter(output->monitor);
    for (;;) {
        if (output->count == 0 && output->lost > 0) {
            length = output__report(output, report);
            output->lost = 0;
            output__put(output, report, length);
        }
        output->writing = output->count > 0;
        os_monitor_wake(output->monitor);
        if (!output->writing) {
            os_monitor_wait(output->monitor, OS_NO_DEADLINE);
            continue;
        }
        length = output__take(output, piece);
        os_monitor_leave(output->monitor);
        int os_error = output->write(output->stream, piece, length);
        os_monitor_enter(output->monitor);
        if (os_error == 0 || output->os_error != 0) continue;
        output->os_error = os_error;
        if (output->on_error) output->on_error();
    }
}

bool output_open(struct output *output, struct arena *arena, int stream,
                 int (*write)(int stream, const char *bytes, size_t length), void (*on_error)(void))
{
    memset(output, 0, sizeof *output);
    output->write = write;
    output->on_error = on_error;
    output->stream = stream;
    output->deadline_ms = OS_NO_DEADLINE;
    output->thread = (struct os_thread){.run = output__run, .argument = output};
    output->monitor = os_monitor_open(arena);
    return output->monitor && os_thread_start(&output->thread);
}

static void output__add(struct output *output, const char *line, bool waits)
{
    char report[OUTPUT_LOSS_BYTES];
    size_t length = strlen(line);

    os_monitor_enter(output->monitor);
    while (waits && output->count + OUTPUT_LOSS_BYTES + length > OUTPUT_BYTES)
        waits = os_monitor_wait(output->monitor, output->deadline_ms);
    size_t report_length = output__report(output, report);
    if (output->count + report_length + length <= OUTPUT_BYTES) {
        output__put(output, report, report_length);
        output__put(output, line, length);
        output->lost = 0;
    } else {
        output->lost++;
    }
    os_monitor_leave(output->monitor);
}

void output_add(struct output *output, const char *line)
{
    output__add(output, line, false);
}

void output_add_waiting(struct output *output, const char *line)
{
    output__add(output, line, true);
}

int output_error(struct output *output)
{
    os_monitor_enter(output->monitor);
    int os_error = output->os_error;
    os_monitor_leave(output->monitor);
    return os_error;
}

void output_set_deadline(struct output *output, uint64_t deadline_ms)
{
    os_monitor_enter(output->monitor);
    output->deadline_ms = deadline_ms;
    os_monitor_wake(output->monitor);
    os_monitor_leave(output->monitor);
}

bool output_flush(struct output *output, uint64_t deadline_ms)
{
    bool in_time = true;

    os_monitor_enter(output->monitor);
    while ((output->count > 0 || output->writing || output->lost > 0) && in_time)
        in_time = os_monitor_wait(output->monitor, deadline_ms);
    bool done = output->count == 0 && !output->writing;
    os_monitor_leave(output->monitor);
    return done;
}
