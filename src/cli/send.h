/* SPDX-License-Identifier: MIT */
/* send.h - the command `weir send`. */
#ifndef CLI_SEND_H
#define CLI_SEND_H

/* Sends messages and prints the answers, as the arguments after the command's name say. Returns the
 * exit code. */
int send_main(int count, char **arguments);

#endif
