/* SPDX-License-Identifier: MIT */
/* siphash.c - SipHash-2-4. */
#include "siphash.h"

struct siphash__state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t siphash__rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t siphash__read(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void siphash__rounds(struct siphash__state *s, int count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = siphash__rotate(s->v1, 13) ^ s->v0;
        s->v3 = siphash__rotate(s->v3, 16) ^ s->v2;
        s->v0 = siphash__rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = siphash__rotate(s->v1, 17) ^ s->v2;
        s->v3 = siphash__rotate(s->v3, 21) ^ s->v0;
        s->v2 = siphash__rotate(s->v2, 32);
    }
}

static void siphash__absorb(struct siphash__state *s, uint64_t word)
{
    s->v3 ^= word;
    siphash__rounds(s, 2);
    s->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t k0 = siphash__read(key->bytes, 8), k1 = siphash__read(key->bytes + 8, 8);
    struct siphash__state s = {
        k0 ^ UINT64_C(0x736f6d6570736575), /* "somepseudorandomlygeneratedbytes" */
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };

    for (size_t left = length; left >= 8; left -= 8, at += 8)
        siphash__absorb(&s, siphash__read(at, 8));
    siphash__absorb(&s, siphash__read(at, length % 8) | (uint64_t)length << 56);
    s.v2 ^= 0xff;
    siphash__rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
