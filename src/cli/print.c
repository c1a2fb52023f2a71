/* SPDX-License-Identifier: MIT */
/* print.c - a buffer before stdout. Each failed write is seen here, with its cause. */
#include "print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "exit_code.h"
#include "failure.h"
#include "os_stream.h"

#define PRINT__BYTES 65536u

static char print__bytes[PRINT__BYTES];
static size_t print__used;
static bool print__lost; /* the stream has failed, and that was reported; the rest is discarded */
static int print__stream = 1;
static int (*print__write)(int stream, const char *bytes, size_t length) = os_write;

void print_redirect(int stream, int (*write)(int stream, const char *bytes, size_t length))
{
    print__used = 0;
    print__lost = false;
    print__stream = stream;
    print__write = write;
}

bool print_flush(void)
{
    char text[FAILURE_BYTES];
    size_t used = print__used;

    print__used = 0;
    if (print__lost || used == 0) return !print__lost;
    int os_error = print__write(print__stream, print__bytes, used);
    if (os_error == 0 || print__stream != 1) return true;
    print__lost = true;
    fprintf(stderr, "weir: %s\n",
            failure_text("cannot write to stdout", os_error, NULL, text, sizeof text));
    return false;
}

void print_bytes(const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0 && !print__lost) {
        size_t part = PRINT__BYTES - print__used;
        if (part > length) part = length;
        memcpy(print__bytes + print__used, at, part);
        print__used += part;
        at += part;
        length -= part;
        if (print__used == PRINT__BYTES) print_flush();
    }
}

void print_text(const char *format, ...)
{
    char text[PRINT_TEXT_BYTES];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    print_bytes(text, strlen(text));
}

void print_escaped(const uint8_t *bytes, size_t length)
{
    char text[ESCAPE_BYTES_MAX];

    for (size_t i = 0; i < length; i++) print_bytes(text, escape_byte(bytes[i], false, text));
}

void print_hex(const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        print_bytes(pair, sizeof pair);
    }
}

void print_failure(const char *format, ...)
{
    va_list values;

    if (!print_flush()) return;
    fputs("weir: ", stderr);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputs("\n", stderr);
}

int print_end(int code)
{
    return print_flush() ? code : EXIT_CODE_IO;
}
