/* SPDX-License-Identifier: MIT */
/* frame_tool.h - the command `weir frame`. */
#ifndef CLI_FRAME_TOOL_H
#define CLI_FRAME_TOOL_H

/* Explains, decodes, encodes or guesses, by the arguments that follow the command's name; returns
 * the exit code. */
int frame_tool_main(int count, char **arguments);

#endif
