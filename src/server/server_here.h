/* SPDX-License-Identifier: MIT */
/* server_here.h - starts a server without threads: the caller runs its only worker, by
 * worker_thread_iterate_here(). For simulations. */
#ifndef SERVER_SERVER_HERE_H
#define SERVER_SERVER_HERE_H

#include "server_state.h"

/* Opens the server's only worker and its listeners on the calling thread. Returns WEIR_OK; or the
 * code of the failure, with its cause in *error. It starts no thread and no log. */
enum weir_code server_start_here(struct weir_server *server, struct weir_error *error);

#endif
