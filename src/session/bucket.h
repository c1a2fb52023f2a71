/* SPDX-License-Identifier: MIT */
/* bucket.h - a token bucket in eight bytes, kept as the moment at which it will be full (generic
 * cell rate algorithm, ITU-T I.371): what is taken moves the moment on, and time catches up. */
#ifndef SESSION_BUCKET_H
#define SESSION_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct bucket {
    uint64_t full_at_ns; /* 0: it is full */
};

/* Takes `amount` of what comes back at `per_second`; up to `burst` may be taken at once. It may go
 * into debt: returns how long until it is out of it, 0 when it is not. */
uint64_t bucket_take(struct bucket *bucket, uint64_t now_ns, uint64_t amount, uint64_t per_second,
                     uint64_t burst);

/* Takes one from a bucket that several threads share; false, and none was taken: there is none. */
bool bucket_shared_take(_Atomic uint64_t *full_at_ns, uint64_t now_ns, uint64_t per_second,
                        uint64_t burst);

#endif
