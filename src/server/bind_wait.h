/* SPDX-License-Identifier: MIT */
/* bind_wait.h - at the start, waits for addresses that the connections of an earlier program still
 * occupy. */
#ifndef SERVER_BIND_WAIT_H
#define SERVER_BIND_WAIT_H

#include <weir/weir.h>

/* Waits until no TCP listener's address lingers (net_address_lingers), for at most bind_wait_ms in
 * all. Returns WEIR_OK also if one still does, or if another program listens: opening the listener
 * reports that. Returns WEIR_CANCELLED if weir_server_drain() or weir_server_stop() is called while
 * it waits. Thread: the caller of weir_server_start(), before any worker exists. */
enum weir_code bind_wait(struct weir_server *server, struct weir_error *error);

#endif
