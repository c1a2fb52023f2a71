/* SPDX-License-Identifier: MIT */
/* remote.c - commands and requests from other threads to a worker.
 *
 *      weir_send, weir_finish, ... -> is the id live? -> command -> [ mailbox ] -> session
 *      weir_broadcast              -> one command per worker -> [ mailbox ] -> members
 *      drain, stop                 -> atomic request, wake-up -> drain.c
 *
 * A command owns one reference to its payload; loop.c gives it up after carrying out the command.
 */
#include "remote.h"

#include "check.h"
#include "mailbox.h"
#include "session.h"
#include "worker.h"

/* ---- the worker's thread ---- */

static void remote__deliver(struct worker *worker, struct weir_session *session,
                            const struct payload *payload)
{
    weir_check(payload != NULL);
    if (!session || !session_may_send(session))
        counter_add(&worker->counters.sends_late, 1);
    else if (session_send(session, payload->bytes, payload->length) != WEIR_OK)
        counter_add(&worker->counters.sends_dropped, 1);
}

void remote_execute(struct worker *worker, const struct mailbox_command *command)
{
    struct weir_session *session = session_table_find(worker->table, command->id);

    weir_check(!session || session->worker == worker);
    if (command->kind == MAILBOX_SEND) {
        remote__deliver(worker, session, command->payload);
        return;
    }
    if (!session) return; /* it ended meanwhile */
    switch (command->kind) {
    case MAILBOX_FINISH: session_finish(session, WEIR_REASON_APPLICATION); break;
    case MAILBOX_RELEASE: session_release(session); break;
    case MAILBOX_RESUME: session_resume(session); break;
    case MAILBOX_ABORT:
    default:
        weir_check(command->kind == MAILBOX_ABORT);
        session_close(session, WEIR_REASON_APPLICATION);
    }
}

/* ---- other threads ---- */

static enum weir_code remote__post(struct worker *worker, const struct mailbox_command *command)
{
    weir_check(command->kind != MAILBOX_SEND || command->payload != NULL);
    switch (mailbox_post(worker->mailbox, command)) {
    case MAILBOX_POSTED: return WEIR_OK;
    case MAILBOX_FULL: return WEIR_NO_ROOM;
    case MAILBOX_SHUT:
    default: return WEIR_GONE;
    }
}

enum weir_code remote_send(struct worker *worker, uint64_t id, const void *bytes, size_t length)
{
    struct mailbox_command command = {.kind = MAILBOX_SEND, .id = id};
    enum weir_code code;

    if (length > worker->common->config.send_queue_high_bytes) return WEIR_TOO_LARGE;
    if (!session_table_is_live(worker->table, id)) return WEIR_GONE;
    command.payload = payload_open(NULL, bytes, length, &code);
    if (!command.payload) return code;
    code = remote__post(worker, &command);
    if (code != WEIR_OK) payload_unref(command.payload);
    return code;
}

/* Posts a command that consists of its kind alone. */
static enum weir_code remote__order(struct worker *worker, enum mailbox_kind kind, uint64_t id)
{
    const struct mailbox_command command = {.kind = kind, .id = id};

    weir_check(kind != MAILBOX_ACCEPTED && kind != MAILBOX_SEND && kind != MAILBOX_BROADCAST);
    if (!session_table_is_live(worker->table, id)) return WEIR_GONE;
    return remote__post(worker, &command);
}

enum weir_code remote_finish(struct worker *worker, uint64_t id)
{
    return remote__order(worker, MAILBOX_FINISH, id);
}

enum weir_code remote_abort(struct worker *worker, uint64_t id)
{
    return remote__order(worker, MAILBOX_ABORT, id);
}

enum weir_code remote_release(struct worker *worker, uint64_t id)
{
    return remote__order(worker, MAILBOX_RELEASE, id);
}

enum weir_code remote_resume(struct worker *worker, uint64_t id)
{
    return remote__order(worker, MAILBOX_RESUME, id);
}

enum weir_code remote_broadcast(struct worker *worker, struct payload *payload)
{
    const struct mailbox_command command = {.kind = MAILBOX_BROADCAST,
                                            .payload = payload_ref(payload)};
    enum weir_code code = remote__post(worker, &command);

    if (code != WEIR_OK) payload_unref(command.payload);
    return code == WEIR_GONE ? WEIR_OK : code; /* a worker that has ended has no members */
}

void remote_drain(struct worker *worker, uint32_t deadline_ms)
{
    atomic_store(&worker->drain_ms, deadline_ms);
    atomic_fetch_add(&worker->drains_requested, 1);
    worker_request(worker, WORKER_DRAIN);
    net_wake(worker->net);
}

void remote_stop(struct worker *worker)
{
    worker_request(worker, WORKER_STOP);
    net_wake(worker->net);
}
