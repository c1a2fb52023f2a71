/* SPDX-License-Identifier: MIT */
/* top_histogram.c - finds the bucket of the 99th percentile, and interpolates inside it. */
#include "top_histogram.h"

#include <stddef.h>

static uint64_t top_histogram__grown(const struct top_histogram *now,
                                     const struct top_histogram *before, uint32_t i)
{
    uint64_t earlier = before && i < before->count ? before->counts[i] : 0;

    return now->counts[i] > earlier ? now->counts[i] - earlier : 0;
}

/* Returns the duration below which `part` of the `count` durations of a bucket are. */
static uint64_t top_histogram__inside(const struct top_histogram *now, uint32_t i, double part,
                                      uint64_t count)
{
    if (i == 0) return now->upper_ns[0];
    uint64_t lower_ns = now->upper_ns[i - 1];
    if (i + 1 == now->count) return lower_ns;
    return lower_ns + (uint64_t)((double)(now->upper_ns[i] - lower_ns) * part / (double)count);
}

uint64_t top_histogram_p99_ns(const struct top_histogram *now, const struct top_histogram *before)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < now->count; i++) all += top_histogram__grown(now, before, i);
    if (all == 0) return 0;
    double left = (double)all * 0.99;
    for (uint32_t i = 0; i < now->count; i++) {
        uint64_t count = top_histogram__grown(now, before, i);
        if ((double)count >= left) return top_histogram__inside(now, i, left, count);
        left -= (double)count;
    }
    return 0;
}
