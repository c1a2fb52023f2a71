/* SPDX-License-Identifier: MIT */
/* output.h - writes lines to one stream on a thread of its own, so that a reader of the stream that
 * has stopped delays neither shutdown requests nor the exit. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os_thread.h"

#define OUTPUT_BYTES 65536u /* of lines that wait for the stream */

#define OUTPUT_LOSS_BYTES 192u /* of the line that reports lost lines */

/* One stream. Its memory stays valid until the process ends: its thread is not waited for. */
struct output {
    /* Writes all bytes, and blocks if it must. Returns 0, or the system's error number. */
    int (*write)(int stream, const char *bytes, size_t length);
    void (*on_error)(void); /* called once, after the first failed write; null: not called */
    /* Makes the line that reports lost lines, with its newline; null: as text. Set before the first
     * line is added. */
    char *(*loss_line)(uint64_t lines, char line[OUTPUT_LOSS_BYTES]);
    int stream;
    struct os_thread thread;
    struct os_monitor *monitor; /* of everything below */
    uint64_t deadline_ms;       /* after it no call waits any longer; OS_NO_DEADLINE: none */
    uint64_t lost;              /* lines that found no room, until they are reported */
    size_t first, count;        /* the bytes in use: where they begin, and how many */
    bool writing;               /* the thread is in `write` with bytes that it took */
    int os_error;               /* of the first failed write; 0: none */
    char bytes[OUTPUT_BYTES];
};

/* Starts the thread, which also calls `on_error` (null: none). The arena must never be freed.
 * Returns false if memory or threads are exhausted. */
bool output_open(struct output *output, struct arena *arena, int stream,
                 int (*write)(int stream, const char *bytes, size_t length),
                 void (*on_error)(void));

/* Adds a whole line, with its newline. If there is no room, the line is lost, and a later line
 * reports how many were. Thread: any. */
void output_add(struct output *output, const char *line);

/* As output_add(), but waits for room until the deadline, if there is one. Thread: any. */
void output_add_waiting(struct output *output, const char *line);

/* Returns the system's error number of the first write that failed, which lost lines; 0: none has.
 * Later lines are written nevertheless: a disk can have room again. */
int output_error(struct output *output);

/* Sets the deadline of everything that waits, from now on. */
void output_set_deadline(struct output *output, uint64_t deadline_ms);

/* Waits until all lines are written, until this time at most. Returns whether they are. */
bool output_flush(struct output *output, uint64_t deadline_ms);

#endif
