/* SPDX-License-Identifier: MIT */
/* filters_out.h - the sent bytes of a session with filters. See filters_out.c. */
#ifndef SESSION_FILTERS_OUT_H
#define SESSION_FILTERS_OUT_H

#include "filters_state.h"
#include "session_state.h"

/* The row of TCP sessions with filters. */
extern const struct session_ops filters_out_ops;

/* Queues the output of filter `index`, which lies in the worker's spare buffer: as wire bytes, or
 * as plain ones if the filter that transforms stands between it and the socket. Discards what comes
 * after the filter's goodbye. May close the session, if memory is exhausted. */
void filters_out_add(struct weir_session *session, uint32_t index, uint32_t length);

/* A filter that transforms was added: what is queued leaves as it is. All entries are buffers. */
void filters_out_begin(struct weir_session *session);

/* Discards the plain bytes of the queue, because no filter will seal them: it has failed, or has
 * not opened. Wire bytes, such as its alert, still leave. */
void filters_out_drop_plain(struct weir_session *session);

/* Queues the last bytes of the filters ahead of our FIN, step by step. Returns true if bytes were
 * queued, or if a buffer is missing: FIN waits. Nothing may be queued or being sent. */
bool filters_out_goodbye(struct weir_session *session);

#endif
