/* SPDX-License-Identifier: MIT */
/* session_begin.h - the moment in which a TCP session opens for its handler. All calls come from
 * its worker's thread. */
#ifndef SESSION_SESSION_BEGIN_H
#define SESSION_SESSION_BEGIN_H

#include "session_state.h"

/* The session is OPEN: logs it, and calls on_open. */
void session_begin(struct weir_session *session);

/* Calls on_drain, once per session, if the session is open. */
void session_notify_drain(struct weir_session *session);

#endif
