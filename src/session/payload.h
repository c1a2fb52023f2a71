/* SPDX-License-Identifier: MIT */
/* payload.h - a message that is stored once and shared by the send queues of its recipients, on any
 * number of workers. It is counted by references: the last payload_unref() frees it. */
#ifndef SESSION_PAYLOAD_H
#define SESSION_PAYLOAD_H

#include <weir/weir.h>

#include "atomic.h"

/* Constant once it is shared, except for the count. */
struct payload {
    _Atomic uint32_t references;
    const struct weir_codec *codec; /* that framed it; null: unframed */
    uint64_t except_id;             /* a broadcast: the session that is excluded */
    struct payload *next;           /* while it waits with its speaker: congestion.h */
    uint16_t slot;                  /* a broadcast: of the group's name */
    bool has_speaker;               /* its speaker waits for members that are above their mark */
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];
    uint32_t message_at, message_length; /* the message: within the frame, or after it */
    uint32_t length;
    uint32_t kept_length; /* of the message after the frame; 0: it is within the frame */
    uint8_t bytes[];      /* the frame, of `length` bytes */
};

/* Returns a copy of the message as the codec frames it (null: unframed), with one reference.
 * Returns null and the reason in *code: WEIR_NO_MEMORY, or the codec's. */
struct payload *payload_open(const struct weir_codec *codec, const void *bytes, size_t length,
                             enum weir_code *code);

/* Returns the memory that the payload takes. */
uint32_t payload_memory_bytes(const struct payload *payload);

/* Adds a reference. Thread: any that has one. */
struct payload *payload_ref(struct payload *payload);

/* Drops a reference. Thread: any. */
void payload_unref(struct payload *payload);

#endif
