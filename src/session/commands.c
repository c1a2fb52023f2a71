/* SPDX-License-Identifier: MIT */
/* commands.c - passes each command that a worker takes from its mailbox to the file that carries it
 * out. A command owns one reference to its payload, which is given up here. */
#include "commands.h"

#include "broadcast.h"
#include "check.h"
#include "group_count.h"
#include "group_list.h"
#include "handoff.h"
#include "inspect.h"
#include "mailbox.h"
#include "payload.h"
#include "remote.h"
#include "worker.h"

void commands_execute(struct worker *worker, const struct mailbox_command *command)
{
    weir_check((command->kind == MAILBOX_SEND || command->kind == MAILBOX_BROADCAST) ==
               (command->payload != NULL));
    switch (command->kind) {
    case MAILBOX_ACCEPTED: handoff_take(worker, command); break;
    case MAILBOX_BROADCAST: broadcast_deliver(worker, command->payload); break;
    case MAILBOX_CALL: command->call->run(command->call, worker); break;
    case MAILBOX_INSPECT: inspect_execute(worker, command); break;
    case MAILBOX_GROUPS: group_list_execute(worker, command); break;
    case MAILBOX_COUNT: group_count_add(worker, command->count); break;
    case MAILBOX_COUNTED: group_count_end(command->count); break;
    default: remote_execute(worker, command);
    }
    if (command->payload) payload_unref(command->payload);
}
