/* SPDX-License-Identifier: MIT */
/* exit_code.h - the exit codes of the program. They follow sysexits.h, so that scripts can
 * distinguish them. 2, 3, 5, 29 and 53 are not used: crashes under Wine return them. */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,       /* failed while running */
    EXIT_CODE_USAGE = 64,       /* the command line is wrong */
    EXIT_CODE_UNAVAILABLE = 69, /* cannot listen or connect */
    EXIT_CODE_IO = 74,          /* output was lost, or input cannot be read */
    EXIT_CODE_SETTING = 78,     /* a setting that can never work */
};

#endif
