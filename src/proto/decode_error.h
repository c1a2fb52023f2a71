/* SPDX-License-Identifier: MIT */
/* decode_error.h - what was wrong with received bytes, told so that its reader learns what to do.
 * Bytes of a peer never get into a text as they are: whatever is not printable is escaped. */
#ifndef PROTO_DECODE_ERROR_H
#define PROTO_DECODE_ERROR_H

#include <weir/frame.h>

/* Writes the text. Returns WEIR_DECODED_BAD, so that a refusal is one statement. */
enum weir_decoded decode_error_write(struct weir_decode_error *decode_error, const char *format,
                                     ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Writes `what`, and behind it what the first bytes of the frame look like, if that says anything:
 * ": the first bytes are ASCII "GET ": this is an HTTP request". Returns WEIR_DECODED_BAD. */
enum weir_decoded decode_error_explain(struct weir_decode_error *decode_error, const char *what,
                                       const uint8_t *bytes, size_t length);

/* Which protocol begins with these bytes: "this is an HTTP request"; null: none that we know. */
const char *decode_error_recognise(const uint8_t *bytes, size_t length);

#endif
