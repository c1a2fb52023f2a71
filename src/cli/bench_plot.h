/* SPDX-License-Identifier: MIT */
/* bench_plot.h - the chart of `weir bench` for a terminal. */
#ifndef CLI_BENCH_PLOT_H
#define CLI_BENCH_PLOT_H

#include "bench_chart.h"
#include "text_builder.h"

/* Appends the chart as lines of at most 79 ASCII characters. */
void bench_plot_write(const struct bench_summary *summary, struct text_builder *out);

#endif
