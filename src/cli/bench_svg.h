/* SPDX-License-Identifier: MIT */
/* bench_svg.h - the chart of `weir bench` as an SVG file. */
#ifndef CLI_BENCH_SVG_H
#define CLI_BENCH_SVG_H

#include "bench_chart.h"
#include "text_builder.h"

/* Appends the whole file. */
void bench_svg_write(const struct bench_summary *summary, struct text_builder *out);

#endif
