/* SPDX-License-Identifier: MIT */
/* remote.c - commands and requests from other threads to a worker.
 *
 *      weir_send, weir_finish, ... -> is the id live? -> command -> [ mailbox ] -> session
 *      weir_post, weir_post_session -> command -> [ mailbox ] -> the application's function
 *      weir_broadcast              -> one command per worker -> [ mailbox ] -> members
 *      drain, stop                 -> atomic request, wake-up -> drain.c
 *
 * A command owns one reference to its payload; commands.c gives it up after carrying it out.
 * A handler's call for a session of its own worker does not go through the mailbox: it takes effect
 * immediately, in the order of the handler's calls. Only functions that a handler posts are called
 * later, so that they never run inside another callback.
 */
#include "remote.h"

#include <inttypes.h>

#include "check.h"
#include "frame_watch.h"
#include "mailbox.h"
#include "oversize.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

/* ---- the worker's thread ---- */

static void remote__deliver(struct worker *worker, struct weir_session *session,
                            const struct payload *payload)
{
    weir_check(payload != NULL);
    if (!session || !session_may_send(session)) {
        counter_add(&worker->counters.sends_late, 1);
        return;
    }
    enum weir_code code = session_send(session, payload->bytes, payload->length);
    if (code != WEIR_OK) worker_count_unsent(worker, code);
}

/* Carries out a command that only an open session can take. */
static void remote__order_session(struct weir_session *session,
                                  const struct mailbox_command *command)
{
    switch (command->kind) {
    case MAILBOX_FINISH: session_finish(session, WEIR_REASON_APPLICATION); break;
    case MAILBOX_EVICT: session_finish(session, WEIR_REASON_REPLACED); break;
    case MAILBOX_RELEASE: session_release(session); break;
    case MAILBOX_RESUME: session_resume(session); break;
    case MAILBOX_WATCH:
        frame_watch_set(session, command->watch_ms);
        watch_update(session);
        break;
    case MAILBOX_ABORT:
    default: weir_check(command->kind == MAILBOX_ABORT); session_abort(session);
    }
}

void remote_execute(struct worker *worker, const struct mailbox_command *command)
{
    struct weir_session *session = session_table_find(worker->table, command->id);

    weir_check(!session || session->worker == worker);
    switch (command->kind) {
    case MAILBOX_SEND: remote__deliver(worker, session, command->payload); break;
    case MAILBOX_POST: command->on_worker(&worker->outer, command->argument); break;
    case MAILBOX_POST_ID: /* the application does not know a session that is not open yet */
        command->on_session(session && session->opened ? session : NULL, command->argument);
        break;
    default:
        if (session) remote__order_session(session, command); /* else it ended meanwhile */
    }
}

void remote_report_refused(struct worker *worker)
{
    const struct weir_config *config = &worker->common->config;
    uint64_t refused = atomic_load_explicit(&worker->mailbox->refused, memory_order_relaxed);
    uint64_t counted = counter_read(&worker->counters.commands_refused);

    if (refused == counted) return;
    counter_move(&worker->counters.commands_refused, refused, counted);
    if (counted == 0)
        log_line(&worker->common->log, WEIR_LOG_WARNING,
                 "a mailbox was full: calls return WEIR_MAILBOX_FULL; raise mailbox_commands_max "
                 "(--mailbox, %" PRIu32 ") or mailbox_bytes_max (--mailbox-memory, %" PRIu32
                 "), or send less from other threads (logged once)",
                 config->mailbox_commands_max, config->mailbox_bytes_max);
}

/* ---- other threads ---- */

static enum weir_code remote__post(struct worker *worker, const struct mailbox_command *command)
{
    weir_check(command->kind != MAILBOX_SEND || command->payload != NULL);
    switch (mailbox_post(worker->mailbox, command)) {
    case MAILBOX_POSTED: return WEIR_OK;
    case MAILBOX_FULL: return WEIR_MAILBOX_FULL;
    case MAILBOX_SHUT:
    default: return WEIR_GONE;
    }
}

/* weir_send() on the worker's own thread. */
static enum weir_code remote__send_now(struct worker *worker, uint64_t id, const void *bytes,
                                       size_t length)
{
    struct weir_session *session = session_table_find(worker->table, id);

    if (!session || !session_may_send(session)) return WEIR_GONE;
    return session_send(session, bytes, length);
}

enum weir_code remote_send(struct worker *worker, uint64_t id, const void *bytes, size_t length)
{
    struct mailbox_command command = {.kind = MAILBOX_SEND, .id = id};
    enum weir_code code;

    if (worker_is_own(worker)) return remote__send_now(worker, id, bytes, length);
    if (length > worker->common->config.send_queue_high_bytes)
        return oversize_refuse(worker, length);
    if (!session_table_is_live(worker->table, id)) return WEIR_GONE;
    command.payload = payload_open(NULL, bytes, length, &code);
    if (!command.payload) return code;
    payload_charge(command.payload, &worker->common->payload_bytes);
    command.bytes = payload_memory_bytes(command.payload);
    code = remote__post(worker, &command);
    if (code != WEIR_OK) payload_unref(command.payload);
    return code;
}

/* Posts a command that needs no memory, or carries it out on the worker itself. */
static enum weir_code remote__post_order(struct worker *worker,
                                         const struct mailbox_command *command)
{
    if (!session_table_is_live(worker->table, command->id)) return WEIR_GONE;
    if (!worker_is_own(worker)) return remote__post(worker, command);
    remote_execute(worker, command);
    return WEIR_OK;
}

/* The same for one that consists of its kind alone. */
static enum weir_code remote__order(struct worker *worker, enum mailbox_kind kind, uint64_t id)
{
    const struct mailbox_command command = {.kind = kind, .id = id};

    weir_check(kind != MAILBOX_ACCEPTED && kind != MAILBOX_SEND && kind != MAILBOX_BROADCAST);
    return remote__post_order(worker, &command);
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

enum weir_code remote_watch(struct worker *worker, uint64_t id, uint32_t duration_ms)
{
    const struct mailbox_command command = {
        .kind = MAILBOX_WATCH, .id = id, .watch_ms = duration_ms};

    return remote__post_order(worker, &command);
}

enum weir_code remote_call(struct worker *worker, struct worker_call *call)
{
    const struct mailbox_command command = {.kind = MAILBOX_CALL, .call = call};

    return remote__post(worker, &command);
}

/* Posts a command that calls a function of the application: also from the worker itself. What the
 * worker's own functions post while it ends could keep it from ending. */
static enum weir_code remote__post_call(struct worker *worker,
                                        const struct mailbox_command *command)
{
    return worker_is_own(worker) && worker->ending ? WEIR_GONE : remote__post(worker, command);
}

enum weir_code remote_post(struct worker *worker,
                           void (*call)(struct weir_worker *worker, void *argument), void *argument)
{
    const struct mailbox_command command = {
        .kind = MAILBOX_POST, .on_worker = call, .argument = argument};

    return remote__post_call(worker, &command);
}

enum weir_code remote_post_session(struct worker *worker, uint64_t id,
                                   void (*call)(struct weir_session *session, void *argument),
                                   void *argument)
{
    const struct mailbox_command command = {
        .kind = MAILBOX_POST_ID, .id = id, .on_session = call, .argument = argument};

    if (!session_table_is_live(worker->table, id)) return WEIR_GONE;
    return remote__post_call(worker, &command);
}

bool remote_reserve(struct worker *worker, const struct payload *payload)
{
    return mailbox_reserve(worker->mailbox, payload_memory_bytes(payload));
}

void remote_cancel(struct worker *worker, const struct payload *payload)
{
    mailbox_cancel(worker->mailbox, payload_memory_bytes(payload));
}

void remote_broadcast_reserved(struct worker *worker, struct payload *payload)
{
    const struct mailbox_command command = {.kind = MAILBOX_BROADCAST,
                                            .payload = payload_ref(payload),
                                            .bytes = payload_memory_bytes(payload)};

    /* A worker that has ended has no members. */
    if (mailbox_post_reserved(worker->mailbox, &command) != MAILBOX_POSTED)
        payload_unref(command.payload);
}

enum weir_code remote_broadcast(struct worker *worker, struct payload *payload)
{
    if (!remote_reserve(worker, payload)) return WEIR_MAILBOX_FULL;
    remote_broadcast_reserved(worker, payload);
    return WEIR_OK;
}

void remote_drain(struct worker *worker, uint32_t deadline_ms)
{
    atomic_store(&worker->drain_ms, deadline_ms);
    atomic_fetch_add(&worker->drains_requested, 1);
    worker_request(worker, WORKER_DRAIN);
    net_wake(worker->net);
}

void remote_renew(struct worker *worker)
{
    worker_request_settings(worker);
    net_wake(worker->net);
}

void remote_stop(struct worker *worker)
{
    worker_request(worker, WORKER_STOP);
    net_wake(worker->net);
}
