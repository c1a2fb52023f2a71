/* SPDX-License-Identifier: MIT */
/* siphash.c - SipHash-2-4 and SipHash-1-3. */
#include "siphash.h"

struct siphash__state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash__rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t siphash__read(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static inline void siphash__rounds(struct siphash__state *s, int count)
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

static inline void siphash__absorb(struct siphash__state *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    siphash__rounds(s, rounds);
    s->v0 ^= word;
}

/* The compiler makes one load of it. */
static inline uint64_t siphash__read_word(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static inline struct siphash__state siphash__begin(const struct siphash_key *key)
{
    uint64_t k0 = siphash__read_word(key->bytes), k1 = siphash__read_word(key->bytes + 8);

    return (struct siphash__state){
        k0 ^ UINT64_C(0x736f6d6570736575), /* "somepseudorandomlygeneratedbytes" */
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline uint64_t siphash__end(struct siphash__state *s, int rounds)
{
    s->v2 ^= 0xff;
    siphash__rounds(s, rounds);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    struct siphash__state s = siphash__begin(key);

    for (size_t left = length; left >= 8; left -= 8, at += 8)
        siphash__absorb(&s, siphash__read_word(at), 2);
    siphash__absorb(&s, siphash__read(at, length % 8) | (uint64_t)length << 56, 2);
    return siphash__end(&s, 4);
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, uint32_t words_count,
                       uint64_t tail, uint32_t tail_bytes)
{
    struct siphash__state s = siphash__begin(key);
    uint64_t length = (uint64_t)words_count * 8 + tail_bytes;

    for (uint32_t i = 0; i < words_count; i++) siphash__absorb(&s, words[i], 1);
    siphash__absorb(&s, tail | length << 56, 1);
    return siphash__end(&s, 3);
}
