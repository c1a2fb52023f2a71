/* SPDX-License-Identifier: MIT */
/* config_help.h - prints the keys of a configuration file: `weir check --keys`. */
#ifndef CLI_CONFIG_HELP_H
#define CLI_CONFIG_HELP_H

/* Prints every key with its value, help and default. Returns the exit code. */
int config_help(void);

#endif
