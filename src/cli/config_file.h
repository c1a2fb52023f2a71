/* SPDX-License-Identifier: MIT */
/* config_file.h - the configuration file of `weir serve --config` and `weir check`. Its keys are a
 * column of options.def; its values are written as on the command line. */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include "options.h"

/* Reads options->config_file into the options, after the command line was read: an option that the
 * command line has replaces the file's value. Listeners on the command line replace all listeners
 * of the file. Every mistake is added to the diagnostics, with its position. */
void config_file_apply(struct options *options, struct option_reading *command_line);

#endif
