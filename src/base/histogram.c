/* SPDX-License-Identifier: MIT */
/* histogram.c - counts durations in buckets, and computes percentiles of what was counted.
 *
 *      1 | 1.25 | 1.6 | 2 | 2.5 | 3.2 | 4 | 5 | 6.3 | 8 us ... 8 s | 10 s | more
 *
 * The bounds are preferred numbers (ISO 3, series R10): round, and at equal ratios. */
#include "histogram.h"

#include "check.h"

#define HISTOGRAM__DECADE(unit_ns)                                                       \
    100 * (unit_ns), 125 * (unit_ns), 160 * (unit_ns), 200 * (unit_ns), 250 * (unit_ns), \
        320 * (unit_ns), 400 * (unit_ns), 500 * (unit_ns), 630 * (unit_ns), 800 * (unit_ns)

const uint64_t histogram_upper_ns[HISTOGRAM_BUCKETS_COUNT] = {
    HISTOGRAM__DECADE(UINT64_C(10)),
    HISTOGRAM__DECADE(UINT64_C(100)),
    HISTOGRAM__DECADE(UINT64_C(1000)),
    HISTOGRAM__DECADE(UINT64_C(10000)),
    HISTOGRAM__DECADE(UINT64_C(100000)),
    HISTOGRAM__DECADE(UINT64_C(1000000)),
    HISTOGRAM__DECADE(UINT64_C(10000000)),
    UINT64_C(10000000000),
    UINT64_MAX,
};

_Static_assert(HISTOGRAM_BUCKETS_COUNT <= WEIR_HISTOGRAM_BUCKETS_MAX,
               "a struct weir_histogram has room for every bucket");

/* ---- counting ---- */

void histogram_add_shared(struct histogram *histogram, uint64_t ns)
{
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_release);
    atomic_fetch_add_explicit(&histogram->counts[histogram_bucket(ns)], 1, memory_order_release);
}

/* ---- reading ---- */

void histogram_read(const struct histogram *histogram, uint64_t least_ns,
                    struct weir_histogram *out)
{
    uint32_t first = histogram_bucket(least_ns);

    *out = (struct weir_histogram){.buckets_count = HISTOGRAM_BUCKETS_COUNT - first};
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS_COUNT; i++) {
        uint32_t bucket = i > first ? i - first : 0;
        uint64_t count = counter_read(&histogram->counts[i]);
        out->upper_ns[bucket] = histogram_upper_ns[i];
        out->counts[bucket] += count;
        out->count += count;
    }
    out->sum_ns = counter_read(&histogram->sum_ns);
}

void histogram_sum(struct weir_histogram *sum, const struct weir_histogram *histogram)
{
    sum->count += histogram->count;
    sum->sum_ns += histogram->sum_ns;
    sum->buckets_count = histogram->buckets_count;
    for (uint32_t i = 0; i < histogram->buckets_count; i++) {
        sum->upper_ns[i] = histogram->upper_ns[i];
        sum->counts[i] += histogram->counts[i];
    }
}

void weir_histogram_subtract(struct weir_histogram *histogram, const struct weir_histogram *earlier)
{
    histogram->count -= earlier->count;
    histogram->sum_ns -= earlier->sum_ns;
    for (uint32_t i = 0; i < histogram->buckets_count; i++)
        histogram->counts[i] -= earlier->counts[i];
}

/* Returns the duration below which `share` (above 0, at most 1) of the bucket's durations are, if
 * they are spread evenly. Nothing is known about those in the last bucket but their lower bound. */
static uint64_t histogram__inside(const struct weir_histogram *histogram, uint32_t bucket,
                                  double share)
{
    uint64_t lower_ns = bucket > 0 ? histogram->upper_ns[bucket - 1] : 0;

    if (histogram->upper_ns[bucket] == UINT64_MAX) return lower_ns;
    return lower_ns + (uint64_t)((double)(histogram->upper_ns[bucket] - lower_ns) * share);
}

uint64_t weir_histogram_percentile_ns(const struct weir_histogram *histogram, uint32_t permille)
{
    double rank = (double)histogram->count * (permille < 1000 ? permille : 1000) / 1000;
    uint64_t before = 0;

    if (rank < 1) rank = 1; /* the shortest one */
    for (uint32_t i = 0; i < histogram->buckets_count; i++) {
        uint64_t count = histogram->counts[i];
        if (count > 0 && (double)(before + count) >= rank)
            return histogram__inside(histogram, i, (rank - (double)before) / (double)count);
        before += count;
    }
    return 0;
}
