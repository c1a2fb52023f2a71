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

/* Writes the text of recognise_explain() (recognise.h). Returns WEIR_DECODED_BAD. */
enum weir_decoded decode_error_explain(struct weir_decode_error *decode_error, const char *what,
                                       const uint8_t *bytes, size_t length);

#endif
