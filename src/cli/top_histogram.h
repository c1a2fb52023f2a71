/* SPDX-License-Identifier: MIT */
/* top_histogram.h - durations that the server counts by their length, as /stats.json has them. */
#ifndef CLI_TOP_HISTOGRAM_H
#define CLI_TOP_HISTOGRAM_H

#include <stdint.h>

#define TOP_BUCKETS_MAX 128u

/* Bucket i counts durations up to upper_ns[i] that are longer than upper_ns[i - 1], since the start
 * of the server. */
struct top_histogram {
    uint32_t count; /* of buckets */
    uint64_t upper_ns[TOP_BUCKETS_MAX], counts[TOP_BUCKETS_MAX];
};

/* Returns the duration that 99 of 100 durations since an earlier state do not exceed; `before`
 * null: since the start. 0: there are none. In the first bucket it is the bucket's bound, and in
 * the last one the bound of the bucket before it, because nothing else is known. */
uint64_t top_histogram_p99_ns(const struct top_histogram *now, const struct top_histogram *before);

#endif
