/* SPDX-License-Identifier: MIT */
/* filters_opening.h - how the filters of a session open, or fail to. See filters_opening.c. */
#ifndef SESSION_FILTERS_OPENING_H
#define SESSION_FILTERS_OPENING_H

#include "filters_state.h"
#include "session_state.h"

/* Filter `index` is open: the next one opens, or the session does. */
void filters_opening_advance(struct weir_session *session, uint32_t index);

/* Ends the session, because filter `index` failed: the filters below it still say goodbye. */
void filters_opening_fail(struct weir_session *session, uint32_t index,
                          const struct filter_error *error);

/* The same for the filter that opens, for a reason that it does not know. */
void filters_opening_fail_text(struct weir_session *session, const char *text);

/* Looks whether plain text came behind the message that started the filter. An attacker who cannot
 * break TLS could have added it, and it would seem to be encrypted (CVE-2011-0411). Returns false
 * if it came: the session ends. */
bool filters_opening_look(struct weir_session *session);

/* Whether the peer has sent nothing, or the filter that opens needs nothing but the first byte of
 * what follows. */
bool filters_opening_is_idle(const struct weir_session *session);

/* Whether the peer has only checked the server: it closed the connection while the session was
 * idle. For a session that has ended. */
bool filters_opening_was_check(const struct weir_session *session);

/* Counts the end of a session whose filters did not open. */
void filters_opening_count_end(struct weir_session *session);

#endif
