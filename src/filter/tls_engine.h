/* SPDX-License-Identifier: MIT */
/* tls_engine.h - TLS over byte spans: contexts with certificates, and the TLS part of one session.
 *
 *      settings -> context (counted; shared by workers) ----.
 *      worker's thread: tls_worker (one BIO for all) --------+--> tls_session: feed, seal, goodbye
 *
 * A session keeps its context until it ends, so a context can be replaced at any time. Without
 * OpenSSL, tls_absent.c has the functions that open contexts, and they return WEIR_UNSUPPORTED. */
#ifndef FILTER_TLS_ENGINE_H
#define FILTER_TLS_ENGINE_H

#include <stdbool.h>

#include <weir/tls.h>

#include "filter.h"

struct tls_context; /* certificates and settings of one server name or target: constant, counted */
struct tls_session; /* the TLS part of one session; used by one thread */
struct tls_tickets; /* the keys of session tickets, counted; kept when a context is replaced */
struct tls_worker;  /* what the sessions of one thread share */

/* ---- Contexts ---- */

/* Opens the ticket keys for the contexts of one name. The caller has one reference. Null: out of
 * memory. Thread: any, as for every function of contexts and tickets. */
struct tls_tickets *tls_tickets_open(void);
void tls_tickets_unref(struct tls_tickets *tickets); /* null is allowed */

/* Opens a server's context: loads and checks every file. `tickets` may be null only if
 * settings->no_tickets is set; the context takes its own reference. The caller has one reference to
 * *opened. Returns WEIR_OK; or another code, and *error names the file, the cause and the next
 * step. */
enum weir_code tls_context_open(const struct weir_tls *settings, struct tls_tickets *tickets,
                                struct tls_context **opened, struct weir_error *error);

/* Opens a client's context. `host` is the host of the target, a name or an address; it is checked
 * unless settings->name replaces it. Returns as tls_context_open(). */
enum weir_code tls_context_open_client(const struct weir_tls_connect *settings, const char *host,
                                       struct tls_context **opened, struct weir_error *error);

struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* null is allowed */

/* Returns the time at which the first certificate of the context expires, in seconds since 1970. */
int64_t tls_context_expires(const struct tls_context *context);

/* Returns whether the context's list of protocols (ALPN) contains this one. */
bool tls_context_has_protocol(const struct tls_context *context, const void *protocol,
                              size_t length);

/* For tests: lets each session change its sending key after this many sealed records. */
void tls_context_set_records_per_key(struct tls_context *context, uint32_t records);

/* ---- Workers ---- */

/* Opens the part that the sessions of one thread share. Null: out of memory. */
struct tls_worker *tls_worker_open(void);
void tls_worker_free(struct tls_worker *worker); /* its sessions were released; null is allowed */

/* Sets the time by which ticket keys change, as net_now_ns() returns it. */
void tls_worker_set_now(struct tls_worker *worker, uint64_t now_ns);

/* ---- Sessions ---- */

/* Opens the TLS part of a session: with the context's role, as server or client. Takes its own
 * reference to the context. A server calls it when the first byte arrives. Null: out of memory. */
struct tls_session *tls_session_open(struct tls_context *context, struct tls_worker *worker);
void tls_session_free(struct tls_session *session);

/* Handles wire bytes, as filter_kind.feed says. A client calls it first without input, and gets its
 * hello in io->out. Writes plain text only after it returned FILTER_OPEN. Can write to io->out in
 * any call. Must not be called after FILTER_END or FILTER_BAD. */
enum filter_result tls_session_feed(struct tls_session *session, struct filter_io *io);

/* Returns how many plain bytes can be sealed into `room` bytes; 0: none, or none before more input
 * has come. Must not be called before FILTER_OPEN. */
size_t tls_session_seal_max(const struct tls_session *session, size_t room);

/* Seals all of `plain`, at most tls_session_seal_max() of the room, into records. Returns false,
 * with a text in *error, if that failed: nothing further can be sent. Must not be called before
 * FILTER_OPEN. */
bool tls_session_seal(struct tls_session *session, const uint8_t *plain, size_t length,
                      struct filter_output *out, struct filter_error *error);

#define TLS_GOODBYE_BYTES_MAX 64 /* room that tls_session_goodbye() needs */

/* Appends close_notify, once, unless the handshake is incomplete or the session failed. */
void tls_session_goodbye(struct tls_session *session, struct filter_output *out);

/* Returns the heap bytes that the session holds at most: for the memory account. */
size_t tls_session_held_bytes(const struct tls_session *session);

/* Returns false until the handshake is complete. */
bool tls_session_is_open(const struct tls_session *session);

/* Returns whether the session continues an earlier one. */
bool tls_session_is_resumed(const struct tls_session *session);

/* Describes the connection. Returns false until the handshake is complete. */
bool tls_session_info(const struct tls_session *session, struct weir_tls_info *info);

#endif
