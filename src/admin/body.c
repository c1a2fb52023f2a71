/* SPDX-License-Identifier: MIT */
/* body.c - see body.h. */
#include "body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heap.h"

#define BODY__FIRST_BYTES 4096u

static bool body__grow(struct body *body, size_t needed)
{
    size_t capacity = body->capacity > 0 ? body->capacity : BODY__FIRST_BYTES;

    if (needed <= body->capacity) return true;
    if (needed > BODY_BYTES_MAX) return false;
    while (capacity < needed) capacity *= 2;
    char *bytes = heap_resize(body->bytes, capacity);
    if (!bytes) return false;
    body->bytes = bytes;
    body->capacity = capacity;
    return true;
}

void body_add(struct body *body, const void *bytes, size_t length)
{
    if (body->has_failed || length == 0) return;
    if (length > BODY_BYTES_MAX || !body__grow(body, body->length + length)) {
        body->has_failed = true;
        return;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
}

void body_text(struct body *body, const char *text)
{
    body_add(body, text, strlen(text));
}

void body_format(struct body *body, const char *format, ...)
{
    char text[1024];
    va_list values;

    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (length < 0) return;
    body_add(body, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void body_free(struct body *body)
{
    heap_free(body->bytes);
    *body = (struct body){0};
}
