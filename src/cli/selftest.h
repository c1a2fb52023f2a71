/* SPDX-License-Identifier: MIT */
/* selftest.h - the command `weir selftest`. */
#ifndef CLI_SELFTEST_H
#define CLI_SELFTEST_H

/* Reports what this machine offers, as the arguments after the command's name say. Returns the exit
 * code. */
int selftest_main(int count, char **arguments);

#endif
