/* SPDX-License-Identifier: MIT */
/* os_target.h - the system calls for output_file.h. One of os_target_linux.c and
 * os_target_windows.c is compiled. Error numbers are the system's; 0: no error. */
#ifndef CLI_OS_TARGET_H
#define CLI_OS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum os_target_way {
    OS_TARGET_RENAMED,  /* a file, or nothing yet: written under another name, then renamed */
    OS_TARGET_IN_PLACE, /* a file that cannot be removed or replaced: emptied, then written */
    OS_TARGET_DIRECT,   /* a device, FIFO, socket or open stream: only written */
};

/* A file or device for output. */
struct os_target {
    enum os_target_way way;
    const char *path;     /* after symlinks at its end; belongs to the arena or the caller */
    const void *wide;     /* Windows: the path in UTF-16 */
    unsigned permissions; /* of the file that was removed; 0: of a new file */
    bool is_written;      /* os_target_write() has succeeded */
    intptr_t handle;      /* of OS_TARGET_IN_PLACE, and of an open stream; -1: none */
    struct arena *arena;
};

/* Finds what is at the path, and how to write it, without changing anything. Returns 0 or the error
 * number. */
int os_target_find(struct os_target *target, const char *path, struct arena *arena);

/* Removes the file that is there, or empties it if it cannot be removed. Checks that a new one can
 * be made. Waits at most `patience_ms` for other programs that have it open. Returns 0 or the error
 * number. */
int os_target_clear(struct os_target *target, uint32_t patience_ms);

/* Writes all bytes. Waits at most `patience_ms` for other programs: for one that opens the other
 * end of a FIFO, or one that has the file open. After an error, nothing of the bytes is left in a
 * file. Returns 0 or the error number. */
int os_target_write(struct os_target *target, const char *bytes, size_t length,
                    uint32_t patience_ms);

/* Removes or empties the file that os_target_write() has made, and frees the handle. A program that
 * already waits for bytes of a FIFO gets its end. */
void os_target_discard(struct os_target *target);

/* Frees the handle and keeps the file. */
void os_target_close(struct os_target *target);

#endif
