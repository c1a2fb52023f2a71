/* SPDX-License-Identifier: MIT */
/* bench.h - the command `weir bench`. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

/* Runs the command. Returns its exit code. */
int bench_main(int count, char **arguments);

#endif
