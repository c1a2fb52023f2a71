/* SPDX-License-Identifier: MIT */
/* histogram.h - counts durations in buckets, for struct weir_histogram: one thread or several
 * write, and any thread reads, without a lock. The bounds are the same for all histograms: ten per
 * decade, from 1 us to 10 s. An empty histogram is all zero. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <weir/observe.h>

#include "thread.h"

#define HISTOGRAM_BUCKETS_COUNT 72u /* 71 bounds, and what is above them */

struct histogram {
    thread_counter counts[HISTOGRAM_BUCKETS_COUNT];
    thread_counter sum_ns; /* of all durations */
};

/* Largest durations of the buckets. */
extern const uint64_t histogram_upper_ns[HISTOGRAM_BUCKETS_COUNT];

/* The first power of two above the first bound. */
#define HISTOGRAM_ABOVE_FIRST_EXPONENT 10u
#define HISTOGRAM_ABOVE_FIRST_NS (UINT64_C(1) << HISTOGRAM_ABOVE_FIRST_EXPONENT)

/* Returns the first bucket whose bound is not below `ns`. There are three bounds for each power of
 * two, and slightly more over all: its exponent leads to at most four buckets before that one. */
static inline uint32_t histogram_bucket(uint64_t ns)
{
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(ns | HISTOGRAM_ABOVE_FIRST_NS);
    uint32_t bucket = 3 * (exponent - HISTOGRAM_ABOVE_FIRST_EXPONENT);

    if (bucket > HISTOGRAM_BUCKETS_COUNT - 1) return HISTOGRAM_BUCKETS_COUNT - 1;
    while (ns > histogram_upper_ns[bucket]) bucket++;
    return bucket;
}

/* Counts a duration, in its bucket alone. Thread: the only one that writes. */
static inline void histogram_count(struct histogram *histogram, uint64_t ns)
{
    counter_add(&histogram->counts[histogram_bucket(ns)], 1);
}

/* Counts a duration, in its bucket and in the sum. Thread: any; several may write. */
void histogram_add_shared(struct histogram *histogram, uint64_t ns);

/* Fills in *out. The buckets below the one of `least_ns` are added to that one. Thread: any. */
void histogram_read(const struct histogram *histogram, uint64_t least_ns,
                    struct weir_histogram *out);

/* Adds a histogram to a sum, which is all zero or has the same bounds. */
void histogram_sum(struct weir_histogram *sum, const struct weir_histogram *histogram);

#endif
