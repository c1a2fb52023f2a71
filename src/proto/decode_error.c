/* SPDX-License-Identifier: MIT */
/* decode_error.c - recognises protocols by their first bytes, and writes texts about malformed
 * frames. */
#include "decode_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

#define DECODE_ERROR__QUOTED_BYTES_MAX 12 /* received bytes in one text */

enum weir_decoded decode_error_write(struct weir_decode_error *decode_error, const char *format,
                                     ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(decode_error->text, sizeof decode_error->text, format, arguments);
    va_end(arguments);
    return WEIR_DECODED_BAD;
}

static bool decode_error__is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

/* The first bytes of a protocol. */
static const struct decode_error__look {
    const char *bytes;
    size_t least; /* at least this many bytes must be received; all received bytes must match */
    size_t length;
    const char *is;
} decode_error__looks[] = {
    {"GET ", 4, 4, "this is an HTTP request"},
    {"POST ", 4, 5, "this is an HTTP request"},
    {"HEAD ", 4, 5, "this is an HTTP request"},
    {"PUT ", 4, 4, "this is an HTTP request"},
    {"DELETE ", 4, 7, "this is an HTTP request"},
    {"OPTIONS ", 4, 8, "this is an HTTP request"},
    {"PATCH ", 4, 6, "this is an HTTP request"},
    {"TRACE ", 4, 6, "this is an HTTP request"},
    {"CONNECT ", 4, 8, "this is an HTTP request"},
    {"PRI * HTTP/2", 4, 12, "this is an HTTP/2 client"},
    {"SSH-", 3, 4, "this is an SSH client"},
    {"PROXY ", 3, 6, "this is a PROXY header, version 1: a load balancer sends it first"},
    {"\r\n\r\n\0\r\nQUIT\n", 4, 12,
     "this is a PROXY header, version 2: a load balancer sends it first"},
    {"\x16\x03\x00", 3, 3, "this is a TLS ClientHello: the client expects TLS"},
    {"\x16\x03\x01", 3, 3, "this is a TLS ClientHello: the client expects TLS"},
    {"\x16\x03\x02", 3, 3, "this is a TLS ClientHello: the client expects TLS"},
    {"\x16\x03\x03", 3, 3, "this is a TLS ClientHello: the client expects TLS"},
};

const char *decode_error_recognise(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof decode_error__looks / sizeof decode_error__looks[0]; i++) {
        const struct decode_error__look *look = &decode_error__looks[i];
        size_t compared = length < look->length ? length : look->length;
        if (length >= look->least && memcmp(bytes, look->bytes, compared) == 0) return look->is;
    }
    return NULL;
}

/* Returns whether the bytes are text that a person could have typed. */
static bool decode_error__is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!decode_error__is_printable(bytes[i]) && !strchr("\r\n\t", bytes[i] ? bytes[i] : 1))
            return false;
    return length >= 2;
}

enum weir_decoded decode_error_explain(struct weir_decode_error *decode_error, const char *what,
                                       const uint8_t *bytes, size_t length)
{
    size_t quoted =
        length < DECODE_ERROR__QUOTED_BYTES_MAX ? length : DECODE_ERROR__QUOTED_BYTES_MAX;
    bool is_text = decode_error__is_text(bytes, quoted);
    const char *is = decode_error_recognise(bytes, length);
    char escaped[4 * DECODE_ERROR__QUOTED_BYTES_MAX + 1];

    if (!is && is_text) is = "this client speaks text";
    if (!is) return decode_error_write(decode_error, "%s", what);
    return decode_error_write(decode_error, "%s: the first bytes are %s\"%s\": %s", what,
                              is_text ? "ASCII " : "",
                              escape_text(bytes, quoted, escaped, sizeof escaped), is);
}
