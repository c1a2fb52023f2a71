/* SPDX-License-Identifier: MIT */
/* frame_wireshark.h - writes a dissector for Wireshark from a frame specification. */
#ifndef CLI_FRAME_WIRESHARK_H
#define CLI_FRAME_WIRESHARK_H

#include <weir/frame.h>

#include "text_builder.h"

/* Longest dissector, with room to spare. */
#define FRAME_WIRESHARK_BYTES_MAX 16384

/* Longest name of a protocol. */
#define FRAME_WIRESHARK_NAME_BYTES_MAX 64

/* Adds a dissector in Lua, which splits a TCP stream into the same messages as weir. For the codec
 * datagram, it dissects UDP. `name` is any text, or null for the name of the codec. It becomes the
 * title; its letters and digits, in lower case after "weir_", are the name in display filters.
 * `port` is registered; 0: none, and the user chooses it with "Decode As". */
void frame_wireshark(struct text_builder *builder, const struct weir_frame *frame, const char *name,
                     uint16_t port);

#endif
