/* SPDX-License-Identifier: MIT */
/* bench_run.h - runs the threads of `weir bench`, and sums up what they have found. */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include <stdbool.h>

#include "bench_summary.h"

/* Runs the load that the options describe, and fills in *summary. Returns EXIT_CODE_OK, also if
 * answers were wrong; or another exit code after writing `why`: nothing was measured. */
int bench_run(struct bench_options *options, struct bench_summary *summary, char *why,
              size_t why_size);

#endif
