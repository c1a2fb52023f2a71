/* SPDX-License-Identifier: MIT */
/* bench_report.h - the result of `weir bench` for a person. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench_summary.h"
#include "text_builder.h"

/* Appends the report: what was measured, the figures, and what to mistrust. */
void bench_report_write(const struct bench_summary *summary, struct text_builder *out);

#endif
