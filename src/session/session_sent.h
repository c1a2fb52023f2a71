/* SPDX-License-Identifier: MIT */
/* session_sent.h - handles NET_SENT, NET_RELEASED and NET_BROKEN of a TCP session. All calls come
 * from its worker's thread. */
#ifndef SESSION_SESSION_SENT_H
#define SESSION_SESSION_SENT_H

#include "session_state.h"

void session_on_sent(struct weir_session *session, const struct net_event *event);
void session_on_released(struct weir_session *session, const struct net_event *event);
void session_on_broken(struct weir_session *session, enum weir_code code);

#endif
