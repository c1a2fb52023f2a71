/* SPDX-License-Identifier: MIT */
/* deadline.h - the times of a session: idle, first byte, frame, send, lifetime, the wait for the
 * peer's end, and the rest that a rate asks for. */
#ifndef SESSION_DEADLINE_H
#define SESSION_DEADLINE_H

#include "session.h"

/* After anything that may have made a time sooner: the timer runs out at the soonest, or earlier.
 * What makes a time later (a byte came) needs no call. */
void deadline_update(struct weir_session *session);

/* The timer ran out: what is due is done, or the timer is set to what is due next. */
void deadline_on_due(struct weir_session *session);

#endif
