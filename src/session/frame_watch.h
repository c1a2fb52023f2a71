/* SPDX-License-Identifier: MIT */
/* frame_watch.h - keeps the last frames of a few sessions for tools: weir_session_watch(). Owner:
 * the worker. Sessions with a watch have frames_kept set, and so is_watched (watch.h): others pay
 * nothing. */
#ifndef SESSION_FRAME_WATCH_H
#define SESSION_FRAME_WATCH_H

#include "send_queue.h"
#include "session_state.h"

/* Keeps the session's frames for this long from now on; 0: no longer. Sets session.frames_kept. */
void frame_watch_set(struct weir_session *session, uint32_t duration_ms);

/* Ends the session's watch, if it has one. */
void frame_watch_end(struct weir_session *session);

/* Keeps a frame that was received, or that was queued for the peer, in pieces. The session has
 * frames_kept set; a watch whose time is over ends here. */
void frame_watch_received(struct weir_session *session, const struct weir_message *message);
void frame_watch_sent(struct weir_session *session, const struct send_piece *pieces, uint32_t count,
                      size_t message_length);

/* Sets *received and *sent to the frames that are kept; null: there is none. */
void frame_watch_show(const struct weir_session *session,
                      const struct weir_watched_frame **received,
                      const struct weir_watched_frame **sent);

#endif
