/* SPDX-License-Identifier: MIT */
/* remote.c - what comes to a worker from other threads.
 *
 *      weir_send, weir_finish  -> is the id live? -> letter -> [ mailbox ] -> the session, if it is
 *      weir_broadcast         -> a letter a worker -------> [ mailbox ] -> the group's members
 *
 * A letter's payload has one reference, which is the letter's; who takes the letter gives it back.
 */
#include "remote.h"

#include "check.h"
#include "group.h"
#include "worker.h"

/* ---- in ---- */

static void remote__accept(struct worker *worker, const struct mailbox_command *command)
{
    if (worker->request == WORKER_STOP)
        net_refuse(worker->net, command->socket);
    else
        session_open(worker, command->place, command->socket, &command->peer);
}

static void remote__deliver(struct worker *worker, const struct mailbox_command *command)
{
    struct weir_session *session = session_table_find(&worker->table, command->id);
    const struct payload *payload = command->payload;

    if (!session || !session_may_send(session))
        counter_add(&worker->counters.sends_late, 1);
    else if (weir_session_send(session, payload->bytes, payload->length) != WEIR_OK)
        counter_add(&worker->counters.sends_dropped, 1);
}

static void remote__finish(struct worker *worker, uint64_t id)
{
    struct weir_session *session = session_table_find(&worker->table, id);

    if (session) session_finish(session, WEIR_REASON_APPLICATION);
}

static void remote__take(struct worker *worker, const struct mailbox_command *command)
{
    switch (command->kind) {
    case MAILBOX_ACCEPTED: remote__accept(worker, command); break;
    case MAILBOX_SEND: remote__deliver(worker, command); break;
    case MAILBOX_FINISH: remote__finish(worker, command->id); break;
    case MAILBOX_BROADCAST:
    default:
        weir_check(command->kind == MAILBOX_BROADCAST);
        group_broadcast(worker, command->payload);
    }
    if (command->payload) payload_unref(command->payload);
}

void remote_read(struct worker *worker)
{
    struct mailbox_command command;
    uint32_t count = 0;

    /* No more than there is room for: who posts without end must not keep the sessions waiting. */
    while (count < worker->common->config.mailbox_commands_max &&
           mailbox_take(&worker->mailbox, &command)) {
        remote__take(worker, &command);
        count++;
    }
    if (count == worker->common->config.mailbox_commands_max) net_wake(worker->net);
    if (count > 0) counter_add(&worker->counters.commands, count);
    atomic_store_explicit(&worker->load, worker->table.open_count, memory_order_relaxed);
}

/* ---- out ---- */

static enum weir_code remote__post(struct worker *worker, const struct mailbox_command *command,
                                   enum weir_code shut_code)
{
    switch (mailbox_post(&worker->mailbox, command)) {
    case MAILBOX_POSTED: return WEIR_OK;
    case MAILBOX_FULL: return WEIR_NO_ROOM;
    case MAILBOX_SHUT:
    default: return shut_code;
    }
}

enum weir_code remote_send(struct worker *worker, uint64_t id, const void *bytes, size_t length)
{
    struct mailbox_command command = {.kind = MAILBOX_SEND, .id = id};
    enum weir_code code;

    if (length > worker->common->config.send_queue_high_bytes) return WEIR_TOO_LARGE;
    if (!session_table_is_live(&worker->table, id)) return WEIR_GONE;
    command.payload = payload_open(NULL, bytes, length, &code);
    if (!command.payload) return code;
    code = remote__post(worker, &command, WEIR_GONE);
    if (code != WEIR_OK) payload_unref(command.payload);
    return code;
}

enum weir_code remote_finish(struct worker *worker, uint64_t id)
{
    const struct mailbox_command command = {.kind = MAILBOX_FINISH, .id = id};

    if (!session_table_is_live(&worker->table, id)) return WEIR_GONE;
    return remote__post(worker, &command, WEIR_GONE);
}

enum weir_code remote_broadcast(struct worker *worker, struct payload *payload)
{
    const struct mailbox_command command = {.kind = MAILBOX_BROADCAST,
                                            .payload = payload_ref(payload)};
    enum weir_code code = remote__post(worker, &command, WEIR_GONE);

    if (code != WEIR_OK) payload_unref(command.payload);
    return code == WEIR_GONE ? WEIR_OK : code; /* a worker that has ended has no members */
}
