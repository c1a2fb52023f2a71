/* SPDX-License-Identifier: MIT */
/* filters.h - the filters of one session: begin, memory and end. See filters.c. */
#ifndef SESSION_FILTERS_H
#define SESSION_FILTERS_H

#include "filters_state.h"
#include "session_state.h"

/* Returns whether the first filter of the service applies to a connection from this address. */
enum filter_use filters_use(const struct service *service, const struct net_address *peer);

/* Returns whether a filter names the clients of this service, from `first` on. */
bool filters_name_client(const struct service *service, uint32_t first);

/* Returns whether the service's filters let plain text of the server through before they open. */
bool filters_are_transparent(const struct service *service);

/* Makes the filters of a session, from `first` on. Returns null if memory is exhausted. */
struct filters *filters_open(struct worker *worker, const struct service *service, uint32_t first);

/* Makes an empty chain, for a session that has none. Returns null if memory is exhausted. */
struct filters *filters_open_empty(struct worker *worker);

/* Adds a filter that transforms, with a reference of its own, behind filters that are all open. */
void filters_add(struct filters *filters, struct filter *filter, bool is_outbound);

/* Gives the filters to a session, and charges them. */
void filters_attach(struct weir_session *session, struct filters *filters);

/* Frees filters that were not attached. */
void filters_discard(struct filters *filters);

/* Frees the filters of a session that has ended; the account has given their memory back. */
void filters_free(struct weir_session *session);

/* Frees the worker's part, if there is one. */
void filters_close_worker(struct worker *worker);

/* Takes the buffer for what a filter originates. Returns false if the pool is empty. */
bool filters_reserve(struct worker *worker);

/* Charges the memory of the state of filter `index` as it is now. */
void filters_charge(struct weir_session *session, uint32_t index);

/* Discards what waits before a filter. */
void filters_drop_input(struct weir_session *session);

/* Returns the state of the session's filter of this kind; null: it has none. */
void *filters_find(const struct weir_session *session, const struct filter_kind *kind);

#endif
