/* SPDX-License-Identifier: MIT */
/* watch.h - what the log shows of sessions and their messages: begin and end (WEIR_LOG_INFO),
 * message lengths (WEIR_LOG_DETAIL), and the bytes of frames (weir_config.trace). Also measures how
 * long some calls of on_message take (WEIR_HISTOGRAM_HANDLER), and passes the frames of some
 * sessions on to frame_watch.h.
 *
 * A session that none of it concerns pays a test of session.is_watched. All calls come from the
 * thread of the session's worker, except those that open and free. */
#ifndef SESSION_WATCH_H
#define SESSION_WATCH_H

#include "session_state.h"
#include "worker.h"

/* Sets common->watch by the configuration. Returns WEIR_OK; WEIR_INVALID: `trace` is no list of
 * blocks; WEIR_NO_MEMORY. The caller calls watch_free(). */
enum weir_code watch_open(struct worker_common *common, const struct weir_config *config,
                          struct weir_error *error);

void watch_free(struct worker_common *common);

/* Sets session.is_watched, after what it depends on has changed. */
void watch_update(struct weir_session *session);

/* Has the session's next call of on_message measured. */
void watch_sample(struct weir_session *session);

/* Sets *trace by the configuration. Returns as watch_open(). The caller frees trace->peers. */
enum weir_code watch_read_trace(struct trace *trace, const struct weir_config *config,
                                struct weir_error *error);

/* Whether messages of any peer are logged. */
bool watch_wants_any(const struct worker *worker);

/* Log the begin and the end of a session, with its counts. */
void watch_begin(const struct weir_session *session);
void watch_end(const struct weir_session *session);

/* The rest of what follows: for sessions that are watched. */
void watch_deliver_watched(struct weir_session *session, const struct weir_message *message);
void watch_log_sent(struct weir_session *session, const struct send_piece *pieces, uint32_t count,
                    size_t message_length);
void watch_log_sent_frame(struct weir_session *session, const uint8_t *frame, size_t frame_length,
                          size_t message_length);
void watch_log_malformed(const struct weir_session *session, const struct net_buffer *buffer);

/* Passes a message that arrived to the session's handler, while the session is OPEN. */
static inline void watch_deliver(struct weir_session *session, const struct weir_message *message)
{
    void (*on_message)(struct weir_session *, const struct weir_message *) =
        session->service->handler->on_message;

    if (session->is_watched)
        watch_deliver_watched(session, message);
    else if (on_message)
        worker_dispatch(session->worker, session, message, on_message);
}

/* Logs a frame that was queued for the peer, in pieces. */
static inline void watch_sent(struct weir_session *session, const struct send_piece *pieces,
                              uint32_t count, size_t message_length)
{
    if (session->is_watched) watch_log_sent(session, pieces, count, message_length);
}

/* The same for a frame in one piece. */
static inline void watch_sent_frame(struct weir_session *session, const uint8_t *frame,
                                    size_t frame_length, size_t message_length)
{
    if (session->is_watched) watch_log_sent_frame(session, frame, frame_length, message_length);
}

/* Logs the received bytes in which the codec found malformed input; null: none came, but FIN. */
static inline void watch_malformed(const struct weir_session *session,
                                   const struct net_buffer *buffer)
{
    if (session->is_watched && buffer) watch_log_malformed(session, buffer);
}

#endif
