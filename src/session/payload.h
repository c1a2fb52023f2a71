/* SPDX-License-Identifier: MIT */
/* payload.h - a message that is stored once and shared: by the queues of all who are to get it, on
 * any number of workers. Counted references; whoever gives back the last one frees it. */
#ifndef SESSION_PAYLOAD_H
#define SESSION_PAYLOAD_H

#include <weir/weir.h>

#include "atomic.h"

/* Constant once made, but for the count. */
struct payload {
    _Atomic uint32_t references;
    const struct weir_codec *codec; /* that framed it; null: nobody did */
    uint64_t except_id;             /* a broadcast's: who does not get it */
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];
    uint32_t message_at, message_length; /* the message: inside of the frame, or behind it */
    uint32_t length;
    uint8_t bytes[]; /* the frame, of `length` bytes */
};

/* A copy of the message as the codec frames it (null: as it is), with one reference. Null: the
 * reason is in *code, WEIR_NO_MEMORY or what the codec says. */
struct payload *payload_open(const struct weir_codec *codec, const void *bytes, size_t length,
                             enum weir_code *code);

/* One more reference. Any thread that has one. */
struct payload *payload_ref(struct payload *payload);

/* One less. Any thread. */
void payload_unref(struct payload *payload);

#endif
