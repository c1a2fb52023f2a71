/* SPDX-License-Identifier: MIT */
/* pattern.h - bytes that encode their position: byte `position` of stream `seed`. A lost, doubled,
 * moved or foreign byte is detected immediately. */
#ifndef SUPPORT_PATTERN_H
#define SUPPORT_PATTERN_H

#include <stdint.h>

static inline uint64_t pattern_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline uint8_t pattern_byte(uint64_t seed, uint64_t position)
{
    return (uint8_t)(pattern_mix(seed * UINT64_C(0x10001) + position / 8) >> (position % 8 * 8));
}

static inline void pattern_fill(uint64_t seed, uint64_t position, uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) bytes[i] = pattern_byte(seed, position + i);
}

/* Returns the index of the first wrong byte; `count` if all are right. */
static inline uint32_t pattern_wrong(uint64_t seed, uint64_t position, const uint8_t *bytes,
                                     uint32_t count)
{
    uint32_t i = 0;

    while (i < count && bytes[i] == pattern_byte(seed, position + i)) i++;
    return i;
}

/* Draws a number below `bound` from *state, for randomized tests. */
static inline uint64_t pattern_draw(uint64_t *state, uint64_t bound)
{
    *state += 1;
    return pattern_mix(*state) % bound;
}

#endif
