/* SPDX-License-Identifier: MIT */
/* send.h - the command `weir send`. */
#ifndef CLI_SEND_H
#define CLI_SEND_H

/* Sends messages and prints the answers, by the arguments that follow the command's name; returns
 * the exit code. */
int send_main(int count, char **arguments);

#endif
