/* SPDX-License-Identifier: MIT */
/* payload.c - a message that is stored once and shared. */
#include "payload.h"

#include <string.h>

#include "check.h"
#include "memory.h"

struct payload *payload_open(const struct weir_codec *codec, const void *bytes, size_t length,
                             enum weir_code *code)
{
    struct weir_envelope envelope = {.head_length = 0};

    *code = codec && codec->encode ? codec->encode(codec, bytes, length, &envelope) : WEIR_OK;
    if (*code != WEIR_OK) return NULL;
    weir_check(envelope.skip <= length);
    size_t body_length = length - envelope.skip;
    size_t frame_length = envelope.head_length + body_length + envelope.tail_length;
    /* A head that replaces bytes of the message may change them: the message is kept beside it. */
    size_t kept_length = envelope.skip > 0 ? length : 0;
    struct payload *payload = memory_alloc(sizeof *payload + frame_length + kept_length);
    if (!payload) {
        *code = WEIR_NO_MEMORY;
        return NULL;
    }
    atomic_init(&payload->references, 1);
    payload->codec = codec;
    payload->length = (uint32_t)frame_length;
    payload->message_at = kept_length > 0 ? (uint32_t)frame_length : envelope.head_length;
    if (kept_length > 0) memcpy(payload->bytes + frame_length, bytes, length);
    payload->message_length = (uint32_t)length;
    memcpy(payload->bytes, envelope.head, envelope.head_length);
    if (body_length > 0)
        memcpy(payload->bytes + envelope.head_length, (const uint8_t *)bytes + envelope.skip,
               body_length);
    memcpy(payload->bytes + envelope.head_length + body_length, envelope.tail,
           envelope.tail_length);
    return payload;
}

struct payload *payload_share(struct payload *payload)
{
    uint32_t before = atomic_fetch_add_explicit(&payload->references, 1, memory_order_relaxed);

    weir_check(before > 0);
    weir_check(before < UINT32_MAX);
    return payload;
}

void payload_give_back(struct payload *payload)
{
    uint32_t before = atomic_fetch_sub_explicit(&payload->references, 1, memory_order_acq_rel);

    weir_check(before > 0);
    if (before == 1) memory_free(payload);
}
