/* SPDX-License-Identifier: MIT */
/* lifecycle.h - begin and end of a session. */
#ifndef SESSION_LIFECYCLE_H
#define SESSION_LIFECYCLE_H

#include "session_state.h"

/* Opens a session for an accepted socket and starts to receive; or refuses it (admission.c). Takes
 * the socket over in any case. */
void lifecycle_open(struct worker *worker, const struct service *service, struct net_socket socket,
                    const struct net_address *peer);

/* Opens a session for a connection of net_connect(), and takes over its events. Returns null if the
 * table has no room: the caller still owns the connection. After the caller has noted the session,
 * it lets it begin: receiving, on_open. */
struct weir_session *lifecycle_open_connected(struct worker *worker, const struct service *service,
                                              struct net_handle handle,
                                              const struct net_address *peer);
void lifecycle_begin_connected(struct weir_session *session);

/* Initialises a session of the table, which becomes OPEN; with filters, OPENING. For the files that
 * open sessions. */
void lifecycle_start(struct weir_session *session, struct worker *worker,
                     const struct session_ops *ops, const struct service *service,
                     const struct net_address *peer);

/* Starts a filter that transforms in a TCP session that is open: see weir_session_start_tls(),
 * whose codes it returns. */
enum weir_code lifecycle_start_filter(struct weir_session *session, struct filter *filter);

/* Ends a session that is CLOSING: counts it, calls on_close, frees it. */
void lifecycle_end(struct weir_session *session);

#endif
