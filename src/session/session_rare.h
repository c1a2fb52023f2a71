/* SPDX-License-Identifier: MIT */
/* session_rare.h - allocates and frees what few sessions need. See session_rare.c. */
#ifndef SESSION_SESSION_RARE_H
#define SESSION_SESSION_RARE_H

#include "session_state.h"

/* Returns the session's rare state, allocated and charged if it has none yet. Returns null if
 * memory is exhausted, or the account of the worker is. Not for a transient session. */
struct session_rare *session_rare(struct weir_session *session);

/* Frees the rare state, if there is any. Its timer is stopped, and nothing waits in it. */
void session_rare_free(struct weir_session *session);

#endif
