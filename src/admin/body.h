/* SPDX-License-Identifier: MIT */
/* body.h - the body of an answer: text that grows, up to BODY_BYTES_MAX. Appending never fails: if
 * memory is exhausted or the limit is reached, the body remembers that, and ignores the rest. */
#ifndef ADMIN_BODY_H
#define ADMIN_BODY_H

#include <stdbool.h>
#include <stddef.h>

#define BODY_BYTES_MAX ((size_t)8 << 20)

/* Starts as {0}. */
struct body {
    char *bytes; /* null until something was added */
    size_t length, capacity;
    bool has_failed; /* something is missing: do not send it */
};

#if defined(__clang__)
#define BODY_FORMAT __attribute__((format(printf, 2, 3)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define BODY_FORMAT __attribute__((format(gnu_printf, 2, 3)))
#else
#define BODY_FORMAT
#endif

/* Appends bytes. */
void body_add(struct body *body, const void *bytes, size_t length);

/* Appends a text. */
void body_text(struct body *body, const char *text);

/* Appends the text that printf() would write, at most 1023 bytes. */
BODY_FORMAT void body_format(struct body *body, const char *format, ...);

/* Frees the bytes. The body is empty and can be used again. */
void body_free(struct body *body);

#endif
