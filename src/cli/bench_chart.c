/* SPDX-License-Identifier: MIT */
/* bench_chart.c - see bench_chart.h. */
#include "bench_chart.h"

#include <math.h>

#define BENCH_CHART__DECADES_MAX 6u

static uint32_t bench_chart__decades(uint64_t count)
{
    uint32_t decades = 1;

    for (uint64_t rest = count / 10; rest >= 10 && decades < BENCH_CHART__DECADES_MAX; rest /= 10)
        decades++;
    return decades;
}

static void bench_chart__add(struct bench_chart *chart, const char *name,
                             const struct bench_histogram *histogram)
{
    if (histogram->count == 0) return;
    double least = log10(histogram->least_ns > 0 ? (double)histogram->least_ns : 1);
    double most = log10(histogram->most_ns > 0 ? (double)histogram->most_ns : 1);
    chart->curves[chart->curves_count++] = (struct bench_chart_curve){name, histogram};
    if (chart->curves_count == 1 || least < chart->least) chart->least = least;
    if (chart->curves_count == 1 || most > chart->most) chart->most = most;
    chart->decades = bench_chart__decades(histogram->count);
}

void bench_chart_init(struct bench_chart *chart, const struct bench_summary *summary)
{
    const struct bench_result *result = &summary->result;

    *chart = (struct bench_chart){.decades = 1};
    if (summary->options->rate > 0) {
        bench_chart__add(chart, "response time", &result->response);
        bench_chart__add(chart, "service time", &result->service);
    } else {
        bench_chart__add(chart, "round trip", &result->service);
    }
    if (chart->most < chart->least + 0.01) chart->most = chart->least + 0.01;
}

double bench_chart_percent(const struct bench_chart *chart, double x)
{
    return 100 * (1 - pow(10, -x * chart->decades));
}

double bench_chart_height_of(const struct bench_chart *chart, double ns)
{
    double height = (log10(ns > 1 ? ns : 1) - chart->least) / (chart->most - chart->least);

    return height < 0 ? 0 : height > 1 ? 1 : height;
}

double bench_chart_height(const struct bench_chart *chart, const struct bench_chart_curve *curve,
                          double x)
{
    double percent = bench_chart_percent(chart, x);

    return bench_chart_height_of(chart,
                                 (double)bench_histogram_percentile_ns(curve->histogram, percent));
}
