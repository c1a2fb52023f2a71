/* SPDX-License-Identifier: MIT */
/* exit_code.h - how the program ends: the numbers of sysexits.h, so that scripts can tell them
 * apart. 2, 3, 5, 29 and 53 are avoided: crashes give them under Wine. */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,       /* while it ran */
    EXIT_CODE_USAGE = 64,       /* the command line cannot be read */
    EXIT_CODE_UNAVAILABLE = 69, /* cannot listen, cannot connect */
    EXIT_CODE_SETTING = 78,     /* a setting that can never work */
};

#endif
