/* SPDX-License-Identifier: MIT */
/* tls_filter.h - the filter "tls": a TLS engine with settings that can be replaced while sessions
 * use them, and limits on handshakes. */
#ifndef FILTER_TLS_FILTER_H
#define FILTER_TLS_FILTER_H

#include <weir/tls.h>

#include "filter.h"
#include "tls_engine.h"

/* Limits on the handshakes of clients. */
struct tls_limits {
    uint32_t handshakes_max;  /* unfinished ones of one worker; 0: unlimited */
    uint32_t rate_per_second; /* of all workers; 0: unlimited */
};

#define TLS_HANDSHAKE_STEPS_MAX 16 /* of one worker in one iteration of its loop */

/* Opens the filter of a server. It has no certificate yet: tls_filter_set() must follow before a
 * session uses it. Null: out of memory. */
struct filter *tls_filter_open(const struct tls_limits *limits);

/* Replaces the settings. Sessions that are open keep theirs. Returns WEIR_OK; or another code:
 * *error says why, and the settings are unchanged. Thread: any. */
enum weir_code tls_filter_set(struct filter *filter, const struct weir_tls *settings,
                              struct weir_error *error);

/* A WebSocket uses the filter: its clients must not select HTTP/2 by ALPN, now or after
 * tls_filter_set(). Returns WEIR_OK; or WEIR_INVALID if they could. Thread: any. */
enum weir_code tls_filter_require_http1(struct filter *filter, struct weir_error *error);

/* tls_filter_set() in two steps. The first one loads and checks everything, and returns as
 * tls_filter_set(). Then either the second one takes the context over, or the caller calls
 * tls_context_unref(). Thread: any. */
enum weir_code tls_filter_load(struct filter *filter, const struct weir_tls *settings,
                               struct tls_context **context, struct weir_error *error);
void tls_filter_replace(struct filter *filter, struct tls_context *context);

/* Replaces the limits, for handshakes that begin later. Thread: any. */
void tls_filter_limit(struct filter *filter, const struct tls_limits *limits);

/* Opens the filter of an outbound connection to `host`. Returns as tls_filter_set(). */
enum weir_code tls_filter_open_client(const struct weir_tls_connect *settings, const char *host,
                                      struct filter **opened, struct weir_error *error);

/* The kind of both. */
extern const struct filter_kind tls_filter_kind;

/* Describes the connection, from the state of a session's filter. Returns false until the handshake
 * is complete. Thread: the session's worker. */
bool tls_filter_info(const void *state, struct weir_tls_info *info);

/* Fills in what the filter has counted. Thread: any. */
void tls_filter_stats(const struct filter *filter, struct weir_tls_stats *stats);

#endif
