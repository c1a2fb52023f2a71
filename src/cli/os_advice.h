/* SPDX-License-Identifier: MIT */
/* os_advice.h - what a user can do about a stream or file that fails. One of os_advice_linux.c and
 * os_advice_windows.c is compiled. */
#ifndef CLI_OS_ADVICE_H
#define CLI_OS_ADVICE_H

/* Returns what helps against this error number of the system, whatever failed; null: nothing
 * special. */
const char *os_advice(int os_error);

#endif
