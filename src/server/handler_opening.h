/* SPDX-License-Identifier: MIT */
/* handler_opening.h - calls the `open` and `close` callbacks of handlers, once per server for each
 * pair of handler and arguments. */
#ifndef SERVER_HANDLER_OPENING_H
#define SERVER_HANDLER_OPENING_H

#include <weir/weir.h>

struct listen_spec;

/* Opens the handler of the server's next listener, or shares what an earlier listener has opened.
 * The service then has a copy of the handler with the user pointer of `open`. Returns WEIR_OK; or
 * the code of `open`, WEIR_INVALID or WEIR_NO_MEMORY with the cause in *error. */
enum weir_code handler_opening_open(struct weir_server *server, struct listen_spec *spec,
                                    struct weir_error *error);

/* Closes what this listener has opened. No session uses it. */
void handler_opening_close(struct weir_server *server, struct listen_spec *spec);

/* Closes the handlers of all listeners, the last one first. No worker runs any longer. */
void handler_opening_close_all(struct weir_server *server);

#endif
