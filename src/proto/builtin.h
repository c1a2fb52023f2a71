/* SPDX-License-Identifier: MIT */
/* builtin.h - finds the built-in handlers and codecs by name. */
#ifndef PROTO_BUILTIN_H
#define PROTO_BUILTIN_H

#include <weir/weir.h>

extern const struct weir_handler handler_echo;
extern const struct weir_handler handler_discard;
extern const struct weir_handler handler_time;
extern const struct weir_handler handler_chat;
extern const struct weir_codec codec_raw;
extern const struct weir_codec codec_datagram;

/* Return the built-in handler or codec with this name; null: there is none. */
const struct weir_handler *builtin_handler(const char *name);
const struct weir_codec *builtin_codec(const char *name);

/* Write all names into `text`, "raw, datagram", for error messages. Return `text`. */
const char *builtin_handler_names(char *text, size_t size);
const char *builtin_codec_names(char *text, size_t size);

#endif
