/* SPDX-License-Identifier: MIT */
/* session_static.c - sends a message from the program's own memory, without a copy.
 *
 *      encode -> [ header | the program's bytes ... | trailer ] -> pieces in the send queue
 *                                                                    | sent or dropped
 *                                  release() <--- the last piece <---'
 *
 * Owner: the pieces, together (net.h, net_wrap). Small messages, UDP, and transports that send from
 * their own memory copy instead. What is queued counts as memory of the session, as for every
 * message; and if the program waits for the release, also in the worker's account.
 */
#include <string.h>

#include "account.h"
#include "check.h"
#include "framing_check.h"
#include "memory.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

struct session_static {
    struct account *account;
    uint64_t charged_bytes;
    void (*release)(void *user, const void *bytes);
    void *user;
    const void *bytes;
    struct weir_framing framing;
};

static void session_static__release(void *context)
{
    struct session_static *message = context;

    account_move(message->account, 0, message->charged_bytes);
    if (message->release) message->release(message->user, message->bytes);
    memory_free(message);
}

/* Fills in the parts of the frame that are not empty. Returns how many. */
static uint32_t session_static__ranges(const struct session_static *message, size_t length,
                                       struct net_bytes *ranges)
{
    const struct weir_framing *framing = &message->framing;
    const struct net_bytes parts[] = {
        {framing->header, framing->header_length},
        {(const uint8_t *)message->bytes + framing->skip, (uint32_t)(length - framing->skip)},
        {framing->trailer, framing->trailer_length},
    };
    uint32_t count = 0;

    for (size_t i = 0; i < weir_count_of(parts); i++)
        if (parts[i].length > 0) ranges[count++] = parts[i];
    return count;
}

static void session_static__watch(struct weir_session *session, const struct net_bytes *ranges,
                                  uint32_t count, size_t length)
{
    struct send_piece pieces[3];

    for (uint32_t i = 0; i < count; i++)
        pieces[i] = (struct send_piece){ranges[i].bytes, ranges[i].length};
    watch_sent(session, pieces, count, length);
}

/* Queues the pieces, which fit. Returns false, and queues nothing, if memory is exhausted or the
 * transport sends only from its own. */
static bool session_static__queue(struct weir_session *session, struct session_static *message,
                                  size_t length)
{
    struct worker *worker = session->worker;
    struct net_bytes ranges[3];
    uint32_t count = session_static__ranges(message, length, ranges);
    struct net_buffer *piece =
        net_wrap(worker->net, ranges, count, session_static__release, message);

    if (!piece) return false;
    message->account = &worker->account;
    message->charged_bytes = sizeof *message + (message->release ? length : 0);
    account_move(message->account, message->charged_bytes, 0);
    while (piece) {
        struct net_buffer *next = piece->next;
        send_queue_add(&session->queue, worker->net, piece);
        piece = next;
    }
    session_note_queued(session);
    if (session->is_watched) session_static__watch(session, ranges, count, length);
    return true;
}

/* Whether the frame fits into the queue as pieces: each of them counts as one buffer. */
static bool session_static__fits(const struct weir_session *session,
                                 const struct weir_framing *framing, size_t length)
{
    const struct worker *worker = session->worker;
    size_t unit = worker->buffer_bytes;
    size_t count = (length - framing->skip + unit - 1) / unit;

    if (framing->header_length > 0) count++;
    if (framing->trailer_length > 0) count++;
    return count > 0 && session_has_room(worker, session->queue.pinned_bytes, count * unit);
}

/* Tries to queue the message where it is. Returns false, and queues nothing, if that is impossible:
 * session_send() then says why, or copies. */
static bool session_static__send(struct weir_session *session, const struct session_static *asked,
                                 size_t length)
{
    const struct weir_codec *codec = session->service->codec;
    struct session_static *message = memory_alloc(sizeof *message);

    if (!message) return false;
    *message = *asked;
    bool is_framed = !codec->encode ||
                     codec->encode(codec, message->bytes, length, &message->framing) == WEIR_OK;
    if (is_framed) {
        framing_check(&message->framing, length);
        session_flush_run(session);
        if (session_may_send(session) && session_static__fits(session, &message->framing, length) &&
            session_static__queue(session, message, length))
            return true;
    }
    memory_free(message);
    return false;
}

enum weir_code session_send_static(struct weir_session *session, const void *bytes, size_t length,
                                   void (*release)(void *user, const void *bytes), void *user)
{
    const struct session_static asked = {.release = release, .user = user, .bytes = bytes};

    weir_check_use(bytes || length == 0, "weir_session_send_static: the bytes are null");
    if (!session->is_datagram && !session->output_ended &&
        length >= session->worker->buffer_bytes / 2 && length <= session->worker->high_bytes &&
        session_may_send(session) && session_static__send(session, &asked, length))
        return WEIR_OK;
    enum weir_code code = session_send(session, bytes, length);
    if (code == WEIR_OK && release) release(user, bytes);
    return code;
}
