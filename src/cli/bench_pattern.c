/* SPDX-License-Identifier: MIT */
/* bench_pattern.c - a message is a part of one array of random bytes. Where it begins depends on
 * the connection and its number, so nothing is computed or copied per message. */
#include "bench_pattern.h"

#include <string.h>

#define BENCH_PATTERN__STARTS 65536u
#define BENCH_PATTERN__STRIDE 40503u /* odd, so 65536 messages in a row have different begins */
#define BENCH_PATTERN__CONNECTION_STRIDE 25173u

void bench_pattern_init(struct bench_pattern *pattern, uint32_t size, bool is_text,
                        struct arena *arena)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"; /* 64 */
    size_t count = (size_t)BENCH_PATTERN__STARTS + size;
    uint8_t *bytes = arena_alloc(arena, count);
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

    *pattern = (struct bench_pattern){.bytes = bytes, .size = size};
    for (size_t i = 0; bytes && i < count; i++) {
        state ^= state << 13; /* xorshift64 */
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = is_text ? (uint8_t)letters[state >> 58] : (uint8_t)(state >> 56);
    }
}

const uint8_t *bench_pattern_message(const struct bench_pattern *pattern, uint32_t connection,
                                     uint64_t number)
{
    uint64_t start =
        number * BENCH_PATTERN__STRIDE + (uint64_t)connection * BENCH_PATTERN__CONNECTION_STRIDE;

    return pattern->bytes + start % BENCH_PATTERN__STARTS;
}

size_t bench_pattern_differs(const struct bench_pattern *pattern, uint32_t connection,
                             uint64_t number, size_t offset, const uint8_t *bytes, size_t length)
{
    const uint8_t *expected = bench_pattern_message(pattern, connection, number) + offset;
    size_t i = 0;

    if (length == 0 || memcmp(bytes, expected, length) == 0) return length;
    while (bytes[i] == expected[i]) i++;
    return i;
}
