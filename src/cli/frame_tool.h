/* SPDX-License-Identifier: MIT */
/* frame_tool.h - the command `weir frame`. */
#ifndef CLI_FRAME_TOOL_H
#define CLI_FRAME_TOOL_H

/* Explains, decodes, encodes or guesses, as the arguments after the command's name say. Returns the
 * exit code. */
int frame_tool_main(int count, char **arguments);

#endif
