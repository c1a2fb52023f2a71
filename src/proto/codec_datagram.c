/* SPDX-License-Identifier: MIT */
/* codec_datagram.c - the codec of UDP without framing: each datagram is a message. */
#include "builtin.h"

const struct weir_codec codec_datagram = {
    .size = sizeof(struct weir_codec),
    .name = "datagram",
    .summary = "every datagram is a message",
    .datagrams = true,
};
