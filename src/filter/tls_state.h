/* SPDX-License-Identifier: MIT */
/* tls_state.h - the structs that the files of the TLS engine share. */
#ifndef FILTER_TLS_STATE_H
#define FILTER_TLS_STATE_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "atomic.h"
#include "tls_engine.h"

/* A certificate context, and the names for which it is used. */
struct tls_host {
    char *names; /* lower case, separated by NUL, ended by an empty name */
    SSL_CTX *ssl;
};

struct tls_context {
    _Atomic uint32_t refs;
    SSL_CTX *ssl; /* of the first certificate */
    struct tls_host *hosts;
    size_t hosts_count;
    struct tls_tickets *tickets; /* null: no tickets */
    uint8_t *alpn; /* as the protocol writes it: each name after its length; or null */
    unsigned alpn_bytes;
    bool is_client, alpn_required, strict_names;
    char *name;      /* client: the server's name or address */
    bool sends_name; /* it is neither an address nor empty */
    bool checks_name;
    uint32_t records_per_key;
    int64_t expires_s; /* INT64_MAX: there is no certificate */
};

struct tls_worker {
    BIO_METHOD *method;
    BIO *bio; /* its spans, below, are those of the current call */
    uint64_t now_ns;
    struct tls_session *session; /* set during a call */
    const uint8_t *in;
    size_t in_length;
    struct filter_output *out;
};

struct tls_session {
    SSL *ssl;
    struct tls_context *context;
    struct tls_worker *worker;
    uint32_t record_left;  /* bytes of the current incoming record that OpenSSL has not read */
    uint32_t peer_bytes;   /* memory of the peer's certificates */
    uint32_t records_sent; /* with the current key */
    uint32_t record_bytes; /* is_open: most plain bytes of one that we send */
    uint8_t head[5];       /* of the current incoming record */
    uint8_t head_count;    /* bytes of it that were read; 5: the body follows */
    uint32_t message_left; /* bytes of the current handshake message, as long as they are plain */
    uint8_t message_head[4];
    uint8_t message_head_count;
    uint8_t first[24]; /* first bytes that the peer sent, to describe them */
    uint8_t first_count;
    uint8_t key_updates; /* by the peer since its last plain text */
    const char *cause;   /* of a failure, where a callback of OpenSSL knows it; or null */
    bool is_open;        /* the handshake is complete */
    bool is_encrypted;   /* TLS 1.2: the client's handshake messages are, from here on */
    bool is_ended;       /* close_notify arrived, or the session failed */
    bool has_failed;     /* nothing can be sent */
    bool is_refused;     /* the peer misbehaves: its input is not read */
    bool is_renegotiating;
    bool keeps_message_buffer; /* OpenSSL does: a handshake message came after the handshake */
    uint32_t oversize_bytes; /* of the handshake message because of which is_refused is set, or 0 */
    bool has_said_goodbye;
};

/* tls_context.c */
/* Returns an empty context with one reference. Null: out of memory. */
struct tls_context *tls_context_new(bool is_client);
/* Reads the list of protocols into the context. */
enum weir_code tls_context_set_alpn(struct tls_context *context, const char *alpn,
                                    bool alpn_required, struct weir_error *error);

/* tls_client.c */
/* Sets the name that the client asks for, and that it requires in the certificate. Returns false
 * if memory is exhausted. */
bool tls_client_set_name(SSL *ssl, const struct tls_context *context);

/* tls_bio.c */
/* Points the worker's BIO at the spans of one call. `in` may be null for length 0. */
void tls_bio_begin(struct tls_session *session, const uint8_t *in, size_t length,
                   struct filter_output *out);
/* Ends the call. Returns how many bytes of input were not read. */
size_t tls_bio_end(struct tls_session *session);
/* Adds bytes of the peer to session->first as long as there is room. */
void tls_bio_remember_first(struct tls_session *session, const uint8_t *bytes, size_t length);
/* Returns true if OpenSSL holds part of an incoming record. */
bool tls_bio_has_partial_record(const struct tls_session *session);

/* tls_error.c */
/* Writes why a handshake or a session failed, from OpenSSL's error queue, and clears the queue. */
void tls_error_of_session(const struct tls_session *session, struct filter_error *error);
/* Fills in *error from OpenSSL's error queue, and clears the queue. */
enum weir_code tls_error_of_file(struct weir_error *error, const char *operation, const char *file,
                                 const char *hint);

/* tls_tickets.c */
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);
/* Lets an OpenSSL context make and read tickets with the keys of its sessions' context. */
bool tls_tickets_use(SSL_CTX *ssl);

/* tls_names.c */
/* Makes the table of names of a host. Returns WEIR_OK; WEIR_INVALID: a name is not valid; or
 * WEIR_NO_MEMORY. The caller frees *names in any case. */
enum weir_code tls_names_open(const char *list, char **names);
/* Makes ALPN's wire form of "h2,http/1.1". Returns as tls_names_open(). */
enum weir_code tls_names_read_alpn(const char *list, uint8_t **wire, unsigned *bytes);
/* Selects certificates by the name in the client's hello, and protocols by its list. */
void tls_names_use(SSL_CTX *ssl, const struct tls_context *context);

/* tls_pair.c */
/* Loads a certificate with its chain and its key into an OpenSSL context, and checks them. Lowers
 * *expires_s to the time at which the certificate expires. */
enum weir_code tls_pair_load(SSL_CTX *ssl, const char *certificate, const char *key,
                             int64_t *expires_s, struct weir_error *error);

/* tls_settings.c */
/* Reads a whole file, and adds it to `digest` unless that is null. Returns false if the file cannot
 * be read, with the cause in OpenSSL's error queue: its functions take an error for the end. */
bool tls_settings_read_file(const char *name, EVP_MD_CTX *digest);
/* Creates an OpenSSL context with what all of ours have in common. Null: out of memory. */
SSL_CTX *tls_settings_open(bool is_client);
/* Sets versions, ciphers and groups; null: the default. */
enum weir_code tls_settings_set_algorithms(SSL_CTX *ssl, enum weir_tls_min min, const char *ciphers,
                                           const char *ciphersuites, const char *groups,
                                           struct weir_error *error);

#endif
