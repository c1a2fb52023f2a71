/* SPDX-License-Identifier: MIT */
/* session_back.c - messages that are sent back, with codecs whose sent frames differ from received
 * ones. The frame cannot leave in the receive buffer, so it is copied to the send queue. Like any
 * answer, it is never refused for lack of room. */
#include "session_back.h"

#include "check.h"
#include "framing_check.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

/* Queues a piece, unless the session has ended because memory was exhausted. */
static void session_back__queue(struct weir_session *session, const struct send_piece *piece)
{
    if (piece->length > 0 && session_may_send(session))
        session_send_or_close(session, piece->bytes, piece->length);
}

enum weir_code session_back_send(struct weir_session *session, const struct weir_message *message)
{
    struct worker *worker = session->worker;
    const struct weir_codec *codec = session->service->codec;
    struct weir_framing framing = {.header_length = 0};

    worker_take_message(worker, session, message);
    if (!session_may_send(session)) return WEIR_CANCELLED;
    enum weir_code code = codec->encode_back(codec, message, &framing);
    if (code != WEIR_OK) return code;
    framing_check(&framing, message->frame_length);
    const struct send_piece pieces[] = {
        {framing.header, framing.header_length},
        {message->frame + framing.skip, message->frame_length - framing.skip},
        {framing.trailer, framing.trailer_length},
    };
    session_flush_run(session);
    for (size_t i = 0; i < weir_count_of(pieces); i++) session_back__queue(session, &pieces[i]);
    if (!session_may_send(session)) return WEIR_CANCELLED; /* memory was exhausted */
    worker->dispatch.answers++;
    watch_sent(session, pieces, weir_count_of(pieces), message->length);
    return WEIR_OK;
}

/* ---- the row ---- */

static enum weir_code session_back__send_message(struct weir_session *session, const void *bytes,
                                                 size_t length)
{
    return session_tcp_ops.send(session, bytes, length);
}

static void session_back__finish(struct weir_session *session, enum weir_reason reason)
{
    session_tcp_ops.finish(session, reason);
}

static void session_back__close(struct weir_session *session)
{
    session_tcp_ops.close(session);
}

static void session_back__flush(struct weir_session *session)
{
    session_tcp_ops.flush(session);
}

const struct session_ops session_back_ops = {
    .send = session_back__send_message,
    .send_back = session_back_send,
    .finish = session_back__finish,
    .close = session_back__close,
    .flush = session_back__flush,
};
