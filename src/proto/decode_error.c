/* SPDX-License-Identifier: MIT */
/* decode_error.c - writes texts about malformed frames. */
#include "decode_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "recognise.h"

enum weir_decoded decode_error_write(struct weir_decode_error *decode_error, const char *format,
                                     ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(decode_error->text, sizeof decode_error->text, format, arguments);
    va_end(arguments);
    return WEIR_DECODED_BAD;
}

enum weir_decoded decode_error_explain(struct weir_decode_error *decode_error, const char *what,
                                       const uint8_t *bytes, size_t length)
{
    recognise_explain(what, bytes, length, decode_error->text, sizeof decode_error->text);
    return WEIR_DECODED_BAD;
}
