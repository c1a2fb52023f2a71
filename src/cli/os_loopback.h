/* SPDX-License-Identifier: MIT */
/* os_loopback.h - asks the system for the two loopback addresses. One of os_loopback_linux.c and
 * os_loopback_windows.c is compiled. */
#ifndef CLI_OS_LOOPBACK_H
#define CLI_OS_LOOPBACK_H

#include <stdbool.h>

/* Returns whether a program can listen on ::1 (v6) or 127.0.0.1. If the system fails for another
 * reason, such as too many open files, the answer is true: the listener then reports the error. */
bool os_has_loopback(bool v6);

#endif
