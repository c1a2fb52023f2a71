/* SPDX-License-Identifier: MIT */
/* decode_error.h - writes the text of a weir_decode_error: what is wrong with received bytes, and
 * which protocol the peer probably speaks. Received bytes are escaped before they are quoted. */
#ifndef PROTO_DECODE_ERROR_H
#define PROTO_DECODE_ERROR_H

#include <weir/frame.h>

/* Writes the text. Returns WEIR_DECODED_BAD, so that the caller can reject input in one
 * statement. */
enum weir_decoded decode_error_write(struct weir_decode_error *decode_error, const char *format,
                                     ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Writes `what`, followed by the first bytes of the frame if they resemble a known protocol or
 * text: ": the first bytes are ASCII "GET ": this is an HTTP request". Returns WEIR_DECODED_BAD. */
enum weir_decoded decode_error_explain(struct weir_decode_error *decode_error, const char *what,
                                       const uint8_t *bytes, size_t length);

/* Returns the protocol that begins with these bytes, "this is an HTTP request"; null: unknown. */
const char *decode_error_recognise(const uint8_t *bytes, size_t length);

#endif
