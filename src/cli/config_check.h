/* SPDX-License-Identifier: MIT */
/* config_check.h - `weir check FILE`. */
#ifndef CLI_CONFIG_CHECK_H
#define CLI_CONFIG_CHECK_H

/* Runs the command with the arguments after `weir check`. Returns the exit code. */
int config_check_main(int count, char **arguments);

#endif
