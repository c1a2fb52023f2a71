/* SPDX-License-Identifier: MIT */
/* windows_service.h - `weir service`: installs, controls and runs a service of Windows. */
#ifndef CLI_WINDOWS_SERVICE_H
#define CLI_WINDOWS_SERVICE_H

/* Runs the command with the arguments after its name. Returns the exit code. */
int windows_service_main(int count, char **arguments);

#endif
