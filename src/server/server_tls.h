/* SPDX-License-Identifier: MIT */
/* server_tls.h - the TLS settings of a server, by name. The functions for programs are in tls.h. */
#ifndef SERVER_SERVER_TLS_H
#define SERVER_SERVER_TLS_H

#include <weir/weir.h>

struct filter;
struct server_tls;
struct tls_context;

/* Returns a reference to the filter with this name. Null: there are no such settings. Thread: any.
 */
struct filter *server_tls_find(struct weir_server *server, const char *name);

/* Returns the name of a filter of the list; it is valid until the server is freed. Thread: any. */
const char *server_tls_name(struct weir_server *server, const struct filter *filter);

/* New settings of one name, which are not in use yet. */
struct tls_change {
    struct filter *filter;       /* a reference, unless `added` is set */
    struct tls_context *context; /* for it */
    struct server_tls *added;    /* the name is new; null: it is not */
};

/* Checks and loads the settings for a name. Returns as weir_server_tls(). After WEIR_OK, call one
 * of the next two. Thread: any, as for these, with server->updating. */
enum weir_code server_tls_prepare(struct weir_server *server, const char *name,
                                  const struct weir_tls *settings, struct tls_change *change,
                                  struct weir_error *error);
void server_tls_commit(struct weir_server *server, struct tls_change *change);
void server_tls_discard(struct tls_change *change); /* also for one that is all zero */

/* Sets the limits on handshakes of all names by the present settings. */
void server_tls_limit(struct weir_server *server);

/* Frees all settings. Listeners and sessions have their own references. */
void server_tls_free(struct weir_server *server);

#endif
