/* SPDX-License-Identifier: MIT */
/* serve_admin.h - the admin server of `weir serve` (--admin). Its requests that change the server
 * arrive at the main thread, which handles them as it handles signals. Without --admin these calls
 * do nothing. Thread: the main one. */
#ifndef CLI_SERVE_ADMIN_H
#define CLI_SERVE_ADMIN_H

#include "admin.h"
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

enum serve_admin_request { SERVE_ADMIN_NONE, SERVE_ADMIN_DRAIN, SERVE_ADMIN_RELOAD };

/* Takes a request of a client of the admin server, after os_wait() returned OS_POSTED. Call it
 * until it returns SERVE_ADMIN_NONE. *within_ms: the deadline of SERVE_ADMIN_DRAIN; UINT32_MAX:
 * none is given. */
enum serve_admin_request serve_admin_take(uint32_t *within_ms);

/* A reload has ended, whatever caused it. `needs_restart`: names of changed settings that need a
 * restart, separated by ", "; or null. */
void serve_admin_reloaded(enum admin_reload_result result, const char *text,
                          const char *needs_restart);

/* Stops the admin server. `server`: the one that weir_server_free() will free; null: none. */
void serve_admin_stop(struct weir_server *server);

#endif
