/* SPDX-License-Identifier: MIT */
/* bench_json.h - the result of `weir bench` for programs. docs/benchmarks.md explains it. */
#ifndef CLI_BENCH_JSON_H
#define CLI_BENCH_JSON_H

#include "bench_summary.h"
#include "text_builder.h"

/* Appends one JSON object and a newline. */
void bench_json_write(const struct bench_summary *summary, struct text_builder *out);

#endif
