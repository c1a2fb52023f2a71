/* SPDX-License-Identifier: MIT */
/* builtin.h - the handlers and codecs that come with weir, by name. */
#ifndef PROTO_BUILTIN_H
#define PROTO_BUILTIN_H

#include <weir/weir.h>

extern const struct weir_handler handler_echo;
extern const struct weir_handler handler_discard;
extern const struct weir_handler handler_time;
extern const struct weir_handler handler_chat;
extern const struct weir_codec codec_raw;
extern const struct weir_codec codec_datagram;

/* The one of that name; null: there is none. */
const struct weir_handler *builtin_handler(const char *name);
const struct weir_codec *builtin_codec(const char *name);

/* All names, "raw, datagram", for messages. Returns `text`. */
const char *builtin_handler_names(char *text, size_t size);
const char *builtin_codec_names(char *text, size_t size);

#endif
