/* SPDX-License-Identifier: MIT */
/* inbound.h - received bytes of a TCP session become messages. See inbound.c. */
#ifndef SESSION_INBOUND_H
#define SESSION_INBOUND_H

#include "session_state.h"

/* Handles NET_RECEIVED: passes the bytes to the codec and each message to the handler. Takes the
 * buffer over: it goes to the send queue, back to the pool, or to the session's unread input. */
void inbound_on_received(struct weir_session *session, struct net_buffer *buffer);

/* Handles NET_PEER_DONE: what the codec still holds is the last message, or malformed. */
void inbound_on_peer_done(struct weir_session *session);

/* The parts of the above for a session with filters: the buffer has plain bytes, and the caller has
 * counted them on the wire. */
void inbound_add(struct weir_session *session, struct net_buffer *buffer);
/* The peer's stream has ended, behind everything that was added. */
void inbound_end(struct weir_session *session);
/* Whether the session may decode more now. It must be OPEN. */
bool inbound_may_decode(struct weir_session *session);

/* Decodes unread input, as far as the session's share of the iteration's work allows. */
void inbound_continue(struct weir_session *session);

#endif
