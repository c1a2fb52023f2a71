/* SPDX-License-Identifier: MIT */
/* os_process.h - what the system says about this process. One of os_process_linux.c and
 * os_process_windows.c is compiled. */
#ifndef CLI_OS_PROCESS_H
#define CLI_OS_PROCESS_H

#include <stdbool.h>

#include "admin.h"

/* Fills in *process. Returns false if the system does not say it. Thread: any. */
bool os_process_read(struct admin_process *process);

#endif
