/* SPDX-License-Identifier: MIT */
/* live.h - the servers of this process that are not freed: so that a call after weir_server_free()
 * is reported. Thread: any. */
#ifndef SERVER_LIVE_H
#define SERVER_LIVE_H

#include <weir/weir.h>

void live_add(struct weir_server *server);

/* Ends the process if the server is not live: it was freed, or the pointer names no server. */
void live_check(const struct weir_server *server);

/* The same, and removes it. */
void live_remove(struct weir_server *server);

#endif
