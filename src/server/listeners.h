/* SPDX-License-Identifier: MIT */
/* listeners.h - the listeners of a server: added, removed and described, before the start and
 * while the server runs. The functions for programs are in weir.h. */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

struct weir_server;

/* Frees all listeners, also the removed ones. No worker exists any longer. */
void listeners_free(struct weir_server *server);

#endif
