/* SPDX-License-Identifier: MIT */
/* bench_hgrm.h - the percentile distribution of a histogram in the text format of HdrHistogram
 * (.hgrm), which its plotter reads. */
#ifndef CLI_BENCH_HGRM_H
#define CLI_BENCH_HGRM_H

#include "bench_histogram.h"
#include "text_builder.h"

/* Appends the whole file. Values are microseconds. */
void bench_hgrm_write(const struct bench_histogram *histogram, struct text_builder *out);

#endif
