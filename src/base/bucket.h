/* SPDX-License-Identifier: MIT */
/* bucket.h - a token bucket in eight bytes, stored as the time at which it will be full (generic
 * cell rate algorithm, ITU-T I.371). Taking tokens moves that time into the future. */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct bucket {
    uint64_t full_at_ns; /* 0: it is full */
};

/* Takes `amount` tokens; the bucket refills at `per_second` and holds `burst`. It may go into debt:
 * returns how many nanoseconds until it is out of debt; 0: it is not in debt. */
uint64_t bucket_take(struct bucket *bucket, uint64_t now_ns, uint64_t amount, uint64_t per_second,
                     uint64_t burst);

/* Takes one token from a bucket that several threads share. Returns false, and takes none, if the
 * bucket is empty. */
bool bucket_shared_take(_Atomic uint64_t *full_at_ns, uint64_t now_ns, uint64_t per_second,
                        uint64_t burst);

#endif
