/* SPDX-License-Identifier: MIT */
/* server_tls.h - the TLS settings of a server, by name. The functions for programs are in tls.h. */
#ifndef SERVER_SERVER_TLS_H
#define SERVER_SERVER_TLS_H

#include <weir/weir.h>

struct filter;

/* Returns a reference to the filter with this name. Null: there are no such settings. Thread: any.
 */
struct filter *server_tls_find(struct weir_server *server, const char *name);

/* Returns the name of a filter of the list; it is valid until the server is freed. Thread: any. */
const char *server_tls_name(struct weir_server *server, const struct filter *filter);

/* Frees all settings. Listeners and sessions have their own references. */
void server_tls_free(struct weir_server *server);

#endif
