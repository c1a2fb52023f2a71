/* SPDX-License-Identifier: MIT */
/* session_share.c - queues references to broadcast payloads for a TCP session, and applies
 * broadcast_policy to a queue that is full. The session's worker owns the state. */
#include "check.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

/* Whether a share of the payload fits into the queue. An empty queue always accepts one frame, even
 * an oversized one. */
static bool session_share__fits(const struct weir_session *session, const struct payload *payload,
                                uint64_t high_bytes)
{
    uint64_t pinned_bytes = session->queue.pinned_bytes;

    return pinned_bytes == 0 || pinned_bytes + send_queue_share_bytes(payload) <= high_bytes;
}

/* The queue is full: applies broadcast_policy. Returns false if this session does not get the
 * payload. */
static bool session_share__make_room(struct weir_session *session, const struct payload *payload)
{
    struct worker *worker = session->worker;
    struct send_queue *queue = &session->queue;
    uint32_t bytes = send_queue_share_bytes(payload);
    uint64_t excess_bytes = worker->common->config.mailbox_bytes_max;

    if (excess_bytes > SESSION_PINNED_BYTES_MAX - worker->high_bytes)
        excess_bytes = SESSION_PINNED_BYTES_MAX - worker->high_bytes;
    /* The speaker waits for this session, so the queue exceeds the mark by what was under way. */
    if (payload->has_speaker && !session->lagging &&
        session_share__fits(session, payload, worker->share_bytes + excess_bytes))
        return true;
    weir_check(queue->pinned_bytes > 0);
    switch (worker->config->broadcast_policy) {
    case WEIR_BROADCAST_DISCONNECT: session_close(session, WEIR_REASON_SLOW_READER); return false;
    case WEIR_BROADCAST_DROP_OLDEST: break;
    case WEIR_BROADCAST_DROP_NEWEST:
    default: counter_add(&worker->counters.sends_dropped, 1); return false;
    }
    uint32_t most = bytes < worker->share_bytes ? (uint32_t)worker->share_bytes - bytes : 0;
    uint32_t count = send_queue_drop_oldest(queue, most);
    counter_add(&worker->counters.sends_dropped, count);
    worker_count_late_drop(session, WEIR_QUEUE_FULL, count);
    session_count_queued(session);
    if (session_share__fits(session, payload, worker->share_bytes)) return true;
    counter_add(&worker->counters.sends_dropped, 1);
    return false;
}

enum weir_code session_share(struct weir_session *session, struct payload *payload)
{
    struct worker *worker = session->worker;

    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (worker->dispatch.session == session) session_flush_run(session); /* sent back before */
    if (!session_may_send(session)) return WEIR_CANCELLED;               /* memory was exhausted */
    if (payload->length == 0) return WEIR_OK;                            /* nothing to send */
    if (!session_share__fits(session, payload, worker->share_bytes) &&
        !session_share__make_room(session, payload))
        return WEIR_QUEUE_FULL;
    if (!send_queue_share(&session->queue, payload, true)) {
        worker_count_unsent(worker, WEIR_NO_MEMORY);
        session_update_receiving(session); /* what it would replace is gone */
        return WEIR_NO_MEMORY;
    }
    session_count_message(session);
    watch_sent_frame(session, payload->bytes, payload->length, payload->message_length);
    session_account(session);
    if (session->queue.pinned_bytes >= worker->pause_bytes) {
        worker_stop_dispatch(worker, session);
        session_update_receiving(session);
    }
    worker_flush_later(worker, session);
    return WEIR_OK;
}
