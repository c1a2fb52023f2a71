/* SPDX-License-Identifier: MIT */
/* ctl.h - the commands `weir ctl` and `weir inspect`, which ask the admin server of a running weir.
 */
#ifndef CLI_CTL_H
#define CLI_CTL_H

/* Run a command as the arguments after its name say. Return the exit code. */
int ctl_main(int count, char **arguments);
int ctl_inspect_main(int count, char **arguments);

#endif
