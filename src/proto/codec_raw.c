/* SPDX-License-Identifier: MIT */
/* codec_raw.c - the codec of TCP without framing: the bytes of each receive are a message. */
#include "builtin.h"

const struct weir_codec codec_raw = {
    .size = sizeof(struct weir_codec),
    .name = "raw",
    .summary = "bytes as they arrive, no messages",
    .streams = true,
};
