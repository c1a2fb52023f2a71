/* SPDX-License-Identifier: MIT */
/* os_service_run.h - what the files of Windows tell the running service. Windows only. */
#ifndef CLI_OS_SERVICE_RUN_H
#define CLI_OS_SERVICE_RUN_H

/* Takes a report in the words of sd_notify(3), see os_systemd_tell(). Thread: that of os_wait(). */
void os_service_tell(const char *text);

#endif
