/* SPDX-License-Identifier: MIT */
/* bench_chart.h - the axes of the charts of `weir bench`.
 *
 *      y: the duration, on a logarithmic scale
 *      x: the percentile: each tenth of the rest has the same width, 0, 90, 99, 99.9 % ...
 */
#ifndef CLI_BENCH_CHART_H
#define CLI_BENCH_CHART_H

#include "bench_summary.h"

#define BENCH_CHART_CURVES_MAX 2u

struct bench_chart_curve {
    const char *name;
    const struct bench_histogram *histogram;
};

struct bench_chart {
    struct bench_chart_curve curves[BENCH_CHART_CURVES_MAX];
    size_t curves_count; /* 0: there is nothing to draw */
    uint32_t decades;    /* x: nines of the largest percentile */
    double least, most;  /* y: powers of ten, in nanoseconds */
};

/* Chooses the curves and axes: response and service time in an open loop, else the round trip. */
void bench_chart_init(struct bench_chart *chart, const struct bench_summary *summary);

/* Returns the percentile at `x`, from 0 (left) to 1 (right). */
double bench_chart_percent(const struct bench_chart *chart, double x);

/* Returns the height of a curve at `x`, from 0 (bottom) to 1 (top). */
double bench_chart_height(const struct bench_chart *chart, const struct bench_chart_curve *curve,
                          double x);

/* Returns the height of a duration. */
double bench_chart_height_of(const struct bench_chart *chart, double ns);

#endif
