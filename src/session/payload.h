/* SPDX-License-Identifier: MIT */
/* payload.h - a message that is stored once and shared by the send queues of its recipients, on any
 * number of workers. It is counted by references: the last payload_unref() frees it. */
#ifndef SESSION_PAYLOAD_H
#define SESSION_PAYLOAD_H

#include <weir/weir.h>

#include "atomic.h"

#define PAYLOAD_SHARE_BYTES 96u /* memory of one entry of a send queue that refers to it */

/* Constant once it is shared, except for what is atomic. */
struct payload {
    _Atomic uint32_t references;
    _Atomic uint64_t *sum_bytes;    /* of all payloads; null: this one is not counted */
    _Atomic uint64_t charged_bytes; /* its part of the sum */
    const struct weir_codec *codec; /* that framed it; null: unframed */
    uint64_t except_id;             /* a broadcast: the session that is excluded */
    struct payload *next;           /* while it waits with its speaker: congestion.h */
    uint32_t group_hash;            /* a broadcast: group_hash() of the group's name */
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

/* Adds the memory of the payload, and of one share, to a sum, until it is freed. Once, before it is
 * shared. */
void payload_charge(struct payload *payload, _Atomic uint64_t *sum_bytes);

/* Adds the memory of further shares, until the payload is freed. Thread: any that has a reference.
 */
void payload_charge_shares(struct payload *payload, uint32_t shares_count);

/* Returns the memory that the payload takes. */
uint32_t payload_memory_bytes(const struct payload *payload);

/* Adds a reference. Thread: any that has one. */
struct payload *payload_ref(struct payload *payload);

/* Drops a reference. Thread: any. */
void payload_unref(struct payload *payload);

#endif
