/* SPDX-License-Identifier: MIT */
/* bench_hgrm.c - see bench_hgrm.h. The lines are those of outputPercentileDistribution() of
 * HdrHistogram, with 5 lines per halving of the distance to 100 %. */
#include "bench_hgrm.h"

#include <inttypes.h>

#define BENCH_HGRM__TICKS 5

void bench_hgrm_write(const struct bench_histogram *histogram, struct text_builder *out)
{
    struct bench_percentile lines[BENCH_PERCENTILES_MAX];
    size_t count = bench_histogram_distribution(histogram, BENCH_HGRM__TICKS, lines);

    text_builder_add(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                     "1/(1-Percentile)");
    for (size_t i = 0; i < count; i++) {
        text_builder_add(out, "%12.3f %2.12f %10" PRIu64, (double)lines[i].value_ns / 1e3,
                         lines[i].fraction, lines[i].count);
        if (lines[i].count < histogram->count)
            text_builder_add(out, " %14.2f", 1 / (1 - lines[i].fraction));
        text_builder_add(out, "\n");
    }
    text_builder_add(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
                     bench_histogram_mean_ns(histogram) / 1e3,
                     bench_histogram_deviation_ns(histogram) / 1e3);
    text_builder_add(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
                     (double)histogram->most_ns / 1e3, histogram->count);
    text_builder_add(out, "#[Buckets = %12u, SubBuckets     = %12u]\n", BENCH_HISTOGRAM_POWERS - 1,
                     2 * BENCH_HISTOGRAM_HALF);
}
