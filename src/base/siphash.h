/* SPDX-License-Identifier: MIT */
/* siphash.h - SipHash (Aumasson and Bernstein, 2012): a keyed hash. Without the key, an attacker
 * cannot choose inputs that collide. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* 16 random bytes. One key can serve the whole process. */
struct siphash_key {
    uint8_t bytes[16];
};

/* Returns SipHash-2-4 of the bytes. */
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

/* Returns SipHash-1-3 of the words and of a tail of less than eight bytes (`tail` has no other
 * bits): for hash tables that are searched for each datagram, see docs/decisions/0014. Its input is
 * little-endian. */
uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, uint32_t words_count,
                       uint64_t tail, uint32_t tail_bytes);

#endif
