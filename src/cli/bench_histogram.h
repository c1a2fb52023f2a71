/* SPDX-License-Identifier: MIT */
/* bench_histogram.h - durations of `weir bench`, in the buckets of HdrHistogram with three
 * significant digits: 1 ns to more than an hour, each value with an error below a thousandth. Used
 * by one thread. An empty histogram is all zero. */
#ifndef CLI_BENCH_HISTOGRAM_H
#define CLI_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_HISTOGRAM_HALF 1024u /* buckets per power of two */
#define BENCH_HISTOGRAM_POWERS 33u /* of two, the first one with all that is below */
#define BENCH_HISTOGRAM_BITS 42u   /* longer durations count as the longest one */
#define BENCH_HISTOGRAM_BUCKETS_COUNT (BENCH_HISTOGRAM_POWERS * BENCH_HISTOGRAM_HALF)

struct bench_histogram {
    uint64_t counts[BENCH_HISTOGRAM_BUCKETS_COUNT];
    uint64_t count, least_ns, most_ns; /* least_ns and most_ns are exact */
    double sum_ns;
};

/* Counts one duration. */
void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns);

/* Adds all durations of another histogram. */
void bench_histogram_merge(struct bench_histogram *sum, const struct bench_histogram *other);

/* Returns the bucket of a duration. */
uint32_t bench_histogram_bucket(uint64_t ns);

/* Returns the longest duration of a bucket. */
uint64_t bench_histogram_upper_ns(uint32_t bucket);

/* Returns the duration that `percent` (0 to 100) of the durations do not exceed; 0: there are
 * none. */
uint64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double percent);

double bench_histogram_mean_ns(const struct bench_histogram *histogram);

/* Returns the standard deviation, computed from the middle of each bucket. */
double bench_histogram_deviation_ns(const struct bench_histogram *histogram);

/* One line of a percentile distribution. */
struct bench_percentile {
    uint64_t value_ns, count; /* durations up to value_ns */
    double fraction;          /* of all, 0 to 1 */
};

#define BENCH_PERCENTILES_MAX 512u

/* Fills in the percentile distribution as HdrHistogram prints it: `ticks` lines for each halving of
 * the distance to 100 %, the last one with the maximum. Returns the number of lines. */
size_t bench_histogram_distribution(const struct bench_histogram *histogram, uint32_t ticks,
                                    struct bench_percentile lines[BENCH_PERCENTILES_MAX]);

#endif
