/* SPDX-License-Identifier: MIT */
/* bench_pattern.h - the bytes of the messages of `weir bench`. Each message of a connection differs
 * from the 65535 before it, so an answer that is lost, repeated, or meant for another connection
 * differs, too. Any thread may read a pattern at the same time. */
#ifndef CLI_BENCH_PATTERN_H
#define CLI_BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct bench_pattern {
    const uint8_t *bytes; /* of the arena; null: out of memory */
    uint32_t size;        /* of each message */
};

/* Makes the pattern of messages of `size` bytes: of letters and digits, or of all bytes. */
void bench_pattern_init(struct bench_pattern *pattern, uint32_t size, bool is_text,
                        struct arena *arena);

/* Returns the bytes of message `number` of a connection. */
const uint8_t *bench_pattern_message(const struct bench_pattern *pattern, uint32_t connection,
                                     uint64_t number);

/* Compares bytes of an answer with those at `offset` of the message. The caller has checked that
 * offset + length is at most `size`. Returns the index of the first byte that differs; `length`:
 * none does. */
size_t bench_pattern_differs(const struct bench_pattern *pattern, uint32_t connection,
                             uint64_t number, size_t offset, const uint8_t *bytes, size_t length);

#endif
