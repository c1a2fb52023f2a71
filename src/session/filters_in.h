/* SPDX-License-Identifier: MIT */
/* filters_in.h - the received bytes of a session with filters. See filters_in.c. */
#ifndef SESSION_FILTERS_IN_H
#define SESSION_FILTERS_IN_H

#include "session_state.h"

/* Handle NET_RECEIVED and NET_PEER_DONE of a session with filters. The first takes the buffer over.
 */
void filters_in_on_received(struct weir_session *session, struct net_buffer *buffer);
void filters_in_on_peer_done(struct weir_session *session);

/* Runs what waits through the filters, as far as possible. An outbound session begins with it. */
void filters_in_continue(struct weir_session *session);

/* The time has come at which a filter wanted to respond. */
void filters_in_wake(struct weir_session *session);

#endif
