/* SPDX-License-Identifier: MIT */
/* tls_trial.h - a client of OpenSSL against our TLS engine as server, in memory.
 *
 *      SSL client -> [ from_client ] -> tls_session_feed() -> plain
 *      SSL client <- [ to_client ] <---- out, tls_session_seal()
 *
 * Only in builds with OpenSSL. */
#ifndef SUPPORT_TLS_TRIAL_H
#define SUPPORT_TLS_TRIAL_H

#include <openssl/ssl.h>

#include "tls_engine.h"

struct tls_trial {
    struct tls_context *context; /* one reference */
    struct tls_worker *worker;
    struct tls_session *session; /* null: no byte has come yet, or the trial closed it */
    SSL_CTX *client_settings;
    SSL *client;
    BIO *from_client, *to_client;
    size_t input_max;          /* bytes of one feed; 0: all */
    size_t output_max;         /* room in `out` of one feed; 0: 4096 */
    size_t plain_max;          /* room in `plain` of one feed; 0: 16384 */
    enum filter_result result; /* the last one of feed */
    bool is_server_open, is_client_open;
    int client_error; /* of SSL_get_error(), if the client failed */
    uint64_t wire_from_server, wire_from_client, feeds;
    uint8_t plain[256 * 1024]; /* what the server received */
    size_t plain_length;
    struct filter_error error;
};

/* Begins a trial with its own reference to the context. The caller can change trial->client and the
 * sizes before tls_trial_run(). */
void tls_trial_open(struct tls_trial *trial, struct tls_context *context,
                    struct tls_worker *worker);
void tls_trial_close(struct tls_trial *trial);

/* Lets both sides work until neither has anything to do. */
void tls_trial_run(struct tls_trial *trial);

/* Runs the handshake, and requires that both sides complete it. */
void tls_trial_handshake(struct tls_trial *trial);

/* Feeds bytes to the server, instead of those of the client. */
void tls_trial_feed(struct tls_trial *trial, const void *bytes, size_t length);

/* Lets the server send bytes. */
void tls_trial_send(struct tls_trial *trial, const void *bytes, size_t length);

/* Lets the client read `length` bytes, and compares them. */
void tls_trial_expect(struct tls_trial *trial, const void *bytes, size_t length);

#endif
