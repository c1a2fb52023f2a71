/* SPDX-License-Identifier: MIT */
/* commands.h - carries out the commands of other threads. */
#ifndef SESSION_COMMANDS_H
#define SESSION_COMMANDS_H

struct mailbox_command;
struct worker;

/* Carries out a command that was taken from the worker's mailbox. Thread: the worker's. */
void commands_execute(struct worker *worker, const struct mailbox_command *command);

#endif
