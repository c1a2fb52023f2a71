/* SPDX-License-Identifier: MIT */
/* input.c - reads to the end and not by the file's size: pipes and devices have none, and a file
 * can change while it is read. */
#include "input.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "os_input.h"
#include "os_stream.h"
#include "print.h"

#define INPUT__FIRST_BYTES 65536u

bool input_read(void *bytes, size_t size, size_t *length)
{
    char text[FAILURE_BYTES];
    int os_error;

    *length = os_input_read(bytes, size, &os_error);
    if (os_error == 0) return true;
    print_failure("%s", failure_text("cannot read stdin", os_error, NULL, text, sizeof text));
    return false;
}

/* A file that is read into memory that grows. */
struct input__file {
    os_source source;
    struct arena *arena;
    char *bytes;
    size_t used, room;
};

/* Makes room for more bytes. Returns false if memory is exhausted. */
static bool input__grow(struct input__file *file)
{
    size_t room = file->room > 0 ? 2 * file->room : INPUT__FIRST_BYTES;
    char *grown = arena_alloc(file->arena, room);

    if (!grown) return false;
    if (file->used > 0) memcpy(grown, file->bytes, file->used);
    file->bytes = grown;
    file->room = room;
    return true;
}

/* Reads to the end. Returns false: see `why`. */
static bool input__read_all(struct input__file *file, size_t bytes_max, char *why, size_t why_bytes)
{
    for (size_t more = 1; more > 0; file->used += more) {
        if (file->used > bytes_max) {
            snprintf(why, why_bytes, "the file has more than %zu MiB; split it", bytes_max >> 20);
            return false;
        }
        if (file->used == file->room && !input__grow(file)) {
            snprintf(why, why_bytes, "out of memory");
            return false;
        }
        int os_error =
            os_read(file->source, file->bytes + file->used, file->room - file->used, &more);
        if (os_error != 0) {
            failure_text("cannot read the file", os_error, NULL, why, why_bytes);
            return false;
        }
    }
    return true;
}

char *input_read_file(const char *path, size_t bytes_max, size_t *length, struct arena *arena,
                      char *why, size_t why_bytes)
{
    struct input__file file = {.arena = arena};
    int os_error = os_open_source(path, &file.source);

    if (os_error != 0) {
        failure_text("cannot open the file", os_error, "check that it exists and is readable", why,
                     why_bytes);
        return NULL;
    }
    bool good = input__read_all(&file, bytes_max, why, why_bytes);
    os_close_source(file.source);
    *length = file.used;
    return good ? file.bytes : NULL;
}
