/* SPDX-License-Identifier: MIT */
/* serve_admin.h - the admin server of `weir serve` (--admin). Its requests that change the server
 * arrive at the main thread, which handles them as it handles signals. Without --admin these calls
 * do nothing. Thread: the main one. */
#ifndef CLI_SERVE_ADMIN_H
#define CLI_SERVE_ADMIN_H

#include "options.h"

/* Starts the admin server, before the server itself. Returns the exit code; another one than
 * EXIT_CODE_OK after printing an error. */
int serve_admin_start(struct options *options);

/* The server has started. */
void serve_admin_serving(struct weir_server *server);

/* Prints the address of the admin server, for scripts. */
void serve_admin_announce(void);

/* The server is draining. */
void serve_admin_draining(void);

/* Stops the admin server. `server`: the one that weir_server_free() will free; null: none. */
void serve_admin_stop(struct weir_server *server);

#endif
