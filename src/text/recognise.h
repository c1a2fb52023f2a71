/* SPDX-License-Identifier: MIT */
/* recognise.h - says which protocol a peer probably speaks, by the first bytes that it sent. Such a
 * text helps a user who connected the wrong client, or to the wrong port. */
#ifndef TEXT_RECOGNISE_H
#define TEXT_RECOGNISE_H

#include <stddef.h>
#include <stdint.h>

/* Returns the protocol that begins with these bytes, "this is an HTTP request"; null: unknown. */
const char *recognise_protocol(const uint8_t *bytes, size_t length);

/* Writes `what`, followed by the first bytes, escaped, if they resemble a known protocol or text:
 * ": the first bytes are ASCII "GET ": this is an HTTP request". Returns `text`. */
char *recognise_explain(const char *what, const uint8_t *bytes, size_t length, char *text,
                        size_t size);

#endif
