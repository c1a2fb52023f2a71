/* SPDX-License-Identifier: MIT */
/* top.h - `weir top`: the figures, findings and sessions of a running server in a terminal. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

/* Runs the command with the arguments after `weir top`. Returns the exit code. */
int top_main(int count, char **arguments);

#endif
