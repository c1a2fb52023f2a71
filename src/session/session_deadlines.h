/* SPDX-License-Identifier: MIT */
/* session_deadlines.h - the deadlines of one session. All calls come from its worker's thread. */
#ifndef SESSION_SESSION_DEADLINES_H
#define SESSION_SESSION_DEADLINES_H

#include "session_state.h"

/* Returns how long to wait for the peer's FIN after ours; 0: forever. */
uint32_t session_linger_ms(const struct weir_session *session);

/* Returns the session's next deadline. */
struct deadline session_next_deadline(const struct weir_session *session);

/* Returns the first deadline that closes the session, if nothing moves it. */
struct deadline session_next_end(const struct weir_session *session);

/* Restarts the timer if a deadline may now be earlier. A later deadline needs no call: the timer
 * expires early and is restarted then. */
void session_update_deadline(struct weir_session *session);

/* Starts the send deadline of the bytes in flight. TCP only. */
void session_start_send_deadline(struct weir_session *session);

/* Starts the deadline of the FIN that was just sent. TCP only. */
void session_start_linger(struct weir_session *session);

/* Measures how many of the bytes in flight, or before the FIN, the peer has acknowledged. If these
 * are enough, the timeout of the send or of the FIN begins anew, and the function returns true. The
 * first measurement of a send is only the base for later ones. TCP only. */
bool session_measure_progress(struct weir_session *session);

#endif
