/* SPDX-License-Identifier: MIT */
/* payload.c - frames a message once, for all of its recipients. */
#include "payload.h"

#include <string.h>

#include "check.h"
#include "framing_check.h"
#include "memory.h"

struct payload *payload_open(const struct weir_codec *codec, const void *bytes, size_t length,
                             enum weir_code *code)
{
    struct weir_framing framing = {.header_length = 0};

    *code = codec && codec->encode ? codec->encode(codec, bytes, length, &framing) : WEIR_OK;
    if (*code != WEIR_OK) return NULL;
    framing_check(&framing, length);
    size_t body_length = length - framing.skip;
    size_t frame_length = framing.header_length + body_length + framing.trailer_length;
    /* A header that replaces bytes of the message may change them: the message is kept, too. */
    size_t kept_length = framing.skip > 0 ? length : 0;
    struct payload *payload = memory_alloc(sizeof *payload + frame_length + kept_length);
    if (!payload) {
        *code = WEIR_NO_MEMORY;
        return NULL;
    }
    atomic_init(&payload->references, 1);
    payload->codec = codec;
    payload->kept_length = (uint32_t)kept_length;
    payload->length = (uint32_t)frame_length;
    payload->message_at = kept_length > 0 ? (uint32_t)frame_length : framing.header_length;
    if (kept_length > 0) memcpy(payload->bytes + frame_length, bytes, length);
    payload->message_length = (uint32_t)length;
    memcpy(payload->bytes, framing.header, framing.header_length);
    if (body_length > 0)
        memcpy(payload->bytes + framing.header_length, (const uint8_t *)bytes + framing.skip,
               body_length);
    memcpy(payload->bytes + framing.header_length + body_length, framing.trailer,
           framing.trailer_length);
    return payload;
}

static void payload__add(struct payload *payload, uint64_t bytes)
{
    atomic_fetch_add_explicit(&payload->charged_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(payload->sum_bytes, bytes, memory_order_relaxed);
}

void payload_charge(struct payload *payload, _Atomic uint64_t *sum_bytes)
{
    weir_check(!payload->sum_bytes);
    payload->sum_bytes = sum_bytes;
    payload__add(payload, payload_memory_bytes(payload) + PAYLOAD_SHARE_BYTES);
}

void payload_charge_shares(struct payload *payload, uint32_t shares_count)
{
    if (payload->sum_bytes) payload__add(payload, (uint64_t)shares_count * PAYLOAD_SHARE_BYTES);
}

uint32_t payload_memory_bytes(const struct payload *payload)
{
    return (uint32_t)sizeof *payload + payload->length + payload->kept_length;
}

struct payload *payload_ref(struct payload *payload)
{
    uint32_t before = atomic_fetch_add_explicit(&payload->references, 1, memory_order_relaxed);

    weir_check(before > 0);
    weir_check(before < UINT32_MAX);
    return payload;
}

void payload_unref(struct payload *payload)
{
    uint32_t before = atomic_fetch_sub_explicit(&payload->references, 1, memory_order_acq_rel);

    weir_check(before > 0);
    if (before > 1) return;
    if (payload->sum_bytes)
        atomic_fetch_sub_explicit(
            payload->sum_bytes, atomic_load_explicit(&payload->charged_bytes, memory_order_relaxed),
            memory_order_relaxed);
    memory_free(payload);
}
