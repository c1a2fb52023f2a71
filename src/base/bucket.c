/* SPDX-License-Identifier: MIT */
/* bucket.c - a token bucket in eight bytes.
 *
 *      full_at - now:   0 ............ burst's time ............
 *                       full           empty       in debt
 */
#include "bucket.h"

#include "check.h"

#define BUCKET__NS_PER_S UINT64_C(1000000000)
#define BUCKET__NS_MAX (UINT64_MAX / 4) /* sums of three do not overflow */

/* Returns how long this amount takes to refill; at most 146 years. */
static uint64_t bucket__ns(uint64_t amount, uint64_t per_second)
{
    weir_check(per_second > 0);
    uint64_t seconds = amount / per_second, rest = amount % per_second;
    if (seconds >= BUCKET__NS_MAX / BUCKET__NS_PER_S) return BUCKET__NS_MAX;
    if (rest > UINT64_MAX / BUCKET__NS_PER_S) /* a fraction of a second, at an enormous rate */
        return seconds * BUCKET__NS_PER_S + rest / (per_second / BUCKET__NS_PER_S);
    return seconds * BUCKET__NS_PER_S + rest * BUCKET__NS_PER_S / per_second;
}

/* Returns when the bucket would be full after taking; *debt_ns: how far into debt that is. */
static uint64_t bucket__after(uint64_t full_at_ns, uint64_t now_ns, uint64_t taken_ns,
                              uint64_t burst_ns, uint64_t *debt_ns)
{
    uint64_t from_ns = full_at_ns > now_ns ? full_at_ns : now_ns;
    uint64_t after_ns = from_ns < BUCKET__NS_MAX * 2 ? from_ns + taken_ns : from_ns;
    uint64_t ahead_ns = after_ns - now_ns;

    weir_check(after_ns >= now_ns);
    *debt_ns = ahead_ns > burst_ns ? ahead_ns - burst_ns : 0;
    return after_ns;
}

uint64_t bucket_take(struct bucket *bucket, uint64_t now_ns, uint64_t amount, uint64_t per_second,
                     uint64_t burst)
{
    uint64_t debt_ns;

    bucket->full_at_ns = bucket__after(bucket->full_at_ns, now_ns, bucket__ns(amount, per_second),
                                       bucket__ns(burst, per_second), &debt_ns);
    return debt_ns;
}

bool bucket_shared_take(_Atomic uint64_t *full_at_ns, uint64_t now_ns, uint64_t per_second,
                        uint64_t burst)
{
    uint64_t one_ns = bucket__ns(1, per_second), burst_ns = bucket__ns(burst, per_second);
    uint64_t before_ns = atomic_load_explicit(full_at_ns, memory_order_relaxed);
    uint64_t after_ns, debt_ns;

    do {
        after_ns = bucket__after(before_ns, now_ns, one_ns, burst_ns, &debt_ns);
        if (debt_ns > 0) return false;
    } while (!atomic_compare_exchange_weak_explicit(full_at_ns, &before_ns, after_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
