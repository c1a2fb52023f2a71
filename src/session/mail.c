/* SPDX-License-Identifier: MIT */
/* mail.c - what comes to a worker from other threads.
 *
 *      weir_send, weir_close  -> is the id live? -> letter -> [ mailbox ] -> the session, if it is
 *      weir_broadcast         -> a letter a worker -------> [ mailbox ] -> the group's members
 *
 * A letter's payload has one reference, which is the letter's; who takes the letter gives it back.
 */
#include "mail.h"

#include "check.h"
#include "group.h"
#include "worker.h"

/* ---- in ---- */

static void mail__accept(struct worker *worker, const struct mailbox_letter *letter)
{
    if (worker->order == WORKER_STOP)
        net_refuse(worker->net, letter->socket);
    else
        session_open(worker, letter->place, letter->socket, &letter->peer);
}

static void mail__deliver(struct worker *worker, const struct mailbox_letter *letter)
{
    struct weir_session *session = session_table_find(&worker->table, letter->id);
    const struct payload *payload = letter->payload;

    if (!session || !session_may_send(session))
        counter_add(&worker->counters.sends_late, 1);
    else if (weir_session_send(session, payload->bytes, payload->length) != WEIR_OK)
        counter_add(&worker->counters.sends_dropped, 1);
}

static void mail__close(struct worker *worker, uint64_t id)
{
    struct weir_session *session = session_table_find(&worker->table, id);

    if (session) session_finish(session, WEIR_REASON_APPLICATION);
}

static void mail__take(struct worker *worker, const struct mailbox_letter *letter)
{
    switch (letter->kind) {
    case MAILBOX_ACCEPTED: mail__accept(worker, letter); break;
    case MAILBOX_SEND: mail__deliver(worker, letter); break;
    case MAILBOX_CLOSE: mail__close(worker, letter->id); break;
    case MAILBOX_BROADCAST:
    default:
        weir_check(letter->kind == MAILBOX_BROADCAST);
        group_broadcast(worker, letter->payload);
    }
    if (letter->payload) payload_give_back(letter->payload);
}

void mail_read(struct worker *worker)
{
    struct mailbox_letter letter;
    uint32_t count = 0;

    /* No more than there is room for: who posts without end must not keep the sessions waiting. */
    while (count < worker->common->config.mailbox_letters_max &&
           mailbox_take(&worker->mailbox, &letter)) {
        mail__take(worker, &letter);
        count++;
    }
    if (count == worker->common->config.mailbox_letters_max) net_wake(worker->net);
    if (count > 0) counter_add(&worker->counters.letters, count);
    atomic_store_explicit(&worker->load, worker->table.open_count, memory_order_relaxed);
}

/* ---- out ---- */

static enum weir_code mail__post(struct worker *worker, const struct mailbox_letter *letter,
                                 enum weir_code shut_code)
{
    switch (mailbox_post(&worker->mailbox, letter)) {
    case MAILBOX_POSTED: return WEIR_OK;
    case MAILBOX_FULL: return WEIR_NO_ROOM;
    case MAILBOX_SHUT:
    default: return shut_code;
    }
}

enum weir_code mail_send(struct worker *worker, uint64_t id, const void *bytes, size_t length)
{
    struct mailbox_letter letter = {.kind = MAILBOX_SEND, .id = id};
    enum weir_code code;

    if (length > worker->common->config.send_queue_high_bytes) return WEIR_TOO_LARGE;
    if (!session_table_is_live(&worker->table, id)) return WEIR_GONE;
    letter.payload = payload_open(NULL, bytes, length, &code);
    if (!letter.payload) return code;
    code = mail__post(worker, &letter, WEIR_GONE);
    if (code != WEIR_OK) payload_give_back(letter.payload);
    return code;
}

enum weir_code mail_close(struct worker *worker, uint64_t id)
{
    const struct mailbox_letter letter = {.kind = MAILBOX_CLOSE, .id = id};

    if (!session_table_is_live(&worker->table, id)) return WEIR_GONE;
    return mail__post(worker, &letter, WEIR_GONE);
}

enum weir_code mail_broadcast(struct worker *worker, struct payload *payload)
{
    const struct mailbox_letter letter = {.kind = MAILBOX_BROADCAST,
                                          .payload = payload_share(payload)};
    enum weir_code code = mail__post(worker, &letter, WEIR_GONE);

    if (code != WEIR_OK) payload_give_back(letter.payload);
    return code == WEIR_GONE ? WEIR_OK : code; /* a worker that has ended has no members */
}
