/* SPDX-License-Identifier: MIT */
/* codec_raw.c - TCP without messages: every piece of the stream is handed up as it arrives. */
#include "builtin.h"

const struct weir_codec codec_raw = {
    .size = sizeof(struct weir_codec),
    .name = "raw",
    .summary = "bytes as they arrive, no messages",
    .streams = true,
};
