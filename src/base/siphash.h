/* SPDX-License-Identifier: MIT */
/* siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash. Without the
 * key, an attacker cannot choose inputs that collide. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* 16 random bytes. One key can serve the whole process. */
struct siphash_key {
    uint8_t bytes[16];
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

#endif
