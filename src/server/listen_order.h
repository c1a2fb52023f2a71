/* SPDX-License-Identifier: MIT */
/* listen_order.h - opens and closes a listener on the workers of a running server. */
#ifndef SERVER_LISTEN_ORDER_H
#define SERVER_LISTEN_ORDER_H

#include "server_state.h"

/* Opens the listener on each worker, or on none. Returns WEIR_OK; WEIR_CANCELLED if the server is
 * shutting down; or the code of the failure, with its cause in *error. Thread: any that is no
 * worker; one call at a time. */
enum weir_code listen_order_open(struct weir_server *server, struct listen_spec *spec,
                                 struct weir_error *error);

/* Closes the listener on each worker, and waits until all have closed it. Thread: as above. */
void listen_order_close(struct weir_server *server, struct listen_spec *spec);

#endif
