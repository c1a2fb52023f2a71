/* SPDX-License-Identifier: MIT */
/* main.h - what the entry of the program calls. */
#ifndef CLI_MAIN_H
#define CLI_MAIN_H

/* Finds the command that the arguments name, and runs it. The arguments are UTF-8 on Windows, and
 * begin with the name of the program. Returns the exit code. */
int main_run(int count, char **arguments);

#endif
