/* SPDX-License-Identifier: MIT */
/* bench_histogram.c - log-linear buckets: 1024 of equal width for each power of two.
 *
 *      0 ... 2047 ns: 1 ns each | 2048 ... 4095: 2 ns each | 4096 ... 8191: 4 ns each | ...
 */
#include "bench_histogram.h"

#include <math.h>
#include <string.h>

#define BENCH_HISTOGRAM__NS_MAX ((UINT64_C(1) << BENCH_HISTOGRAM_BITS) - 1)
#define BENCH_HISTOGRAM__FULL (2 * BENCH_HISTOGRAM_HALF - 1)

uint32_t bench_histogram_bucket(uint64_t ns)
{
    uint64_t value = ns < BENCH_HISTOGRAM__NS_MAX ? ns : BENCH_HISTOGRAM__NS_MAX;
    uint32_t shift = 53 - (uint32_t)__builtin_clzll(value | BENCH_HISTOGRAM__FULL);

    return shift * BENCH_HISTOGRAM_HALF + (uint32_t)(value >> shift);
}

/* Returns by how many bits the durations of a bucket are shifted. */
static uint32_t bench_histogram__shift(uint32_t bucket)
{
    return bucket < 2 * BENCH_HISTOGRAM_HALF ? 0 : bucket / BENCH_HISTOGRAM_HALF - 1;
}

uint64_t bench_histogram_upper_ns(uint32_t bucket)
{
    uint32_t shift = bench_histogram__shift(bucket);
    uint64_t units = bucket - shift * BENCH_HISTOGRAM_HALF;

    return ((units + 1) << shift) - 1;
}

void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns)
{
    histogram->counts[bench_histogram_bucket(ns)]++;
    if (histogram->count == 0 || ns < histogram->least_ns) histogram->least_ns = ns;
    if (ns > histogram->most_ns) histogram->most_ns = ns;
    histogram->count++;
    histogram->sum_ns += (double)ns;
}

void bench_histogram_merge(struct bench_histogram *sum, const struct bench_histogram *other)
{
    if (other->count == 0) return;
    if (sum->count == 0 || other->least_ns < sum->least_ns) sum->least_ns = other->least_ns;
    if (other->most_ns > sum->most_ns) sum->most_ns = other->most_ns;
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS_COUNT; i++) sum->counts[i] += other->counts[i];
    sum->count += other->count;
    sum->sum_ns += other->sum_ns;
}

/* The bounds of the outermost buckets are known exactly. */
static uint64_t bench_histogram__value(const struct bench_histogram *histogram, uint32_t bucket)
{
    uint64_t upper_ns = bench_histogram_upper_ns(bucket);

    return upper_ns < histogram->most_ns && bucket + 1 < BENCH_HISTOGRAM_BUCKETS_COUNT
               ? upper_ns
               : histogram->most_ns;
}

uint64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double percent)
{
    double exact = percent / 100 * (double)histogram->count;
    uint64_t rank = (uint64_t)ceil(exact - 1e-9 * exact), seen = 0;

    if (histogram->count == 0) return 0;
    if (rank < 1) rank = 1;
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS_COUNT; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) return bench_histogram__value(histogram, i);
    }
    return histogram->most_ns;
}

double bench_histogram_mean_ns(const struct bench_histogram *histogram)
{
    return histogram->count > 0 ? histogram->sum_ns / (double)histogram->count : 0;
}

double bench_histogram_deviation_ns(const struct bench_histogram *histogram)
{
    double mean_ns = bench_histogram_mean_ns(histogram), squares = 0;

    if (histogram->count == 0) return 0;
    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS_COUNT; i++) {
        if (histogram->counts[i] == 0) continue;
        double upper_ns = (double)bench_histogram_upper_ns(i);
        double width_ns = (double)(UINT64_C(1) << bench_histogram__shift(i));
        double away_ns = upper_ns - (width_ns - 1) / 2 - mean_ns;
        squares += away_ns * away_ns * (double)histogram->counts[i];
    }
    return sqrt(squares / (double)histogram->count);
}

/* Returns the step to the next line: `ticks` lines until the rest has halved. */
static double bench_histogram__step(double percent, uint32_t ticks)
{
    double halvings = floor(log2(100 / (100 - percent))) + 1;

    return 100 / (ticks * pow(2, halvings));
}

size_t bench_histogram_distribution(const struct bench_histogram *histogram, uint32_t ticks,
                                    struct bench_percentile lines[BENCH_PERCENTILES_MAX])
{
    uint64_t seen = 0;
    double next = 0; /* percent of the next line */
    size_t count = 0;

    for (uint32_t i = 0; i < BENCH_HISTOGRAM_BUCKETS_COUNT && seen < histogram->count; i++) {
        if (histogram->counts[i] == 0) continue;
        seen += histogram->counts[i];
        double reached = 100 * (double)seen / (double)histogram->count;
        if (reached < next && seen < histogram->count) continue;
        if (count + 1 == BENCH_PERCENTILES_MAX && seen < histogram->count) continue;
        lines[count++] = (struct bench_percentile){bench_histogram__value(histogram, i), seen,
                                                   (double)seen / (double)histogram->count};
        while (next <= reached && next < 100 - 1e-9) next += bench_histogram__step(next, ticks);
    }
    return count;
}
