/* SPDX-License-Identifier: MIT */
/* recognise.c - recognises protocols by their first bytes. */
#include "recognise.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

#define RECOGNISE__QUOTED_BYTES_MAX 12 /* received bytes in one text */

static bool recognise__is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

/* The first bytes of a protocol. */
static const struct recognise__look {
    const char *bytes;
    size_t least; /* at least this many bytes must be received; all received bytes must match */
    size_t length;
    const char *is;
} recognise__looks[] = {
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

const char *recognise_protocol(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof recognise__looks / sizeof recognise__looks[0]; i++) {
        const struct recognise__look *look = &recognise__looks[i];
        size_t compared = length < look->length ? length : look->length;
        if (length >= look->least && memcmp(bytes, look->bytes, compared) == 0) return look->is;
    }
    return NULL;
}

/* Returns whether the bytes are text that a person could have typed. */
static bool recognise__is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!recognise__is_printable(bytes[i]) && !strchr("\r\n\t", bytes[i] ? bytes[i] : 1))
            return false;
    return length >= 2;
}

char *recognise_explain(const char *what, const uint8_t *bytes, size_t length, char *text,
                        size_t size)
{
    size_t quoted = length < RECOGNISE__QUOTED_BYTES_MAX ? length : RECOGNISE__QUOTED_BYTES_MAX;
    bool is_text = recognise__is_text(bytes, quoted);
    const char *is = recognise_protocol(bytes, length);
    char escaped[ESCAPE_BYTES_MAX * RECOGNISE__QUOTED_BYTES_MAX + 1];

    if (!is && is_text) is = "this client speaks text";
    if (is)
        snprintf(text, size, "%s: the first bytes are %s\"%s\": %s", what, is_text ? "ASCII " : "",
                 escape_text(bytes, quoted, escaped, sizeof escaped), is);
    else
        snprintf(text, size, "%s", what);
    return text;
}
