/* SPDX-License-Identifier: MIT */
/* tls.h - TLS settings of a server and of outbound connections. weir.h includes this file. TLS
 * exists if weir was built with OpenSSL 3 (WEIR_TLS in CMake). Without it, weir_server_tls() and
 * weir_connect() with TLS settings return WEIR_UNSUPPORTED.
 *
 * Files contain PEM. A certificate file begins with the certificate of the server itself, followed
 * by the intermediate certificates. docs/filters.md explains the settings. */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_server;
struct weir_session;

/* Whether a server asks clients for a certificate. */
enum weir_tls_client_auth {
    WEIR_TLS_CLIENT_NONE,     /* no */
    WEIR_TLS_CLIENT_OPTIONAL, /* yes; a client without one is served, one with a bad one is not */
    WEIR_TLS_CLIENT_REQUIRED  /* yes; only clients with a valid one are served */
};

/* The oldest version of TLS that is accepted. */
enum weir_tls_min { WEIR_TLS_1_2, WEIR_TLS_1_3 };

/* A certificate for some of the server's names. All pointers to texts are read during the call
 * only. */
struct weir_tls_host {
    const char *names;       /* "a.example, *.a.example": exact names, or one label as wildcard */
    const char *certificate; /* file */
    const char *key;         /* file; null: the key is in the certificate file */
    const char *certificate2,
        *key2; /* a second pair of another type, such as RSA beside EC; null */
};

/* TLS settings of a server. Set `size`; 0 or null in any other member means its default. */
struct weir_tls {
    size_t size;             /* sizeof(struct weir_tls) */
    const char *certificate; /* file; required */
    const char *key;         /* file; null: the key is in the certificate file */
    const char *certificate2,
        *key2; /* a second pair of another type, such as RSA beside EC; null */
    const struct weir_tls_host *hosts; /* certificates for other names (SNI) */
    size_t hosts_count;
    /* Refuses clients that ask for no name (SNI), or for one that is neither in `hosts` nor in
     * `certificate`. False: they get `certificate`. */
    bool strict_names;
    enum weir_tls_client_auth client; /* default WEIR_TLS_CLIENT_NONE */
    const char *client_ca;            /* file of the CAs whose client certificates are accepted */
    enum weir_tls_min min;            /* default WEIR_TLS_1_2 */
    const char *ciphers;      /* of TLS 1.2, as OpenSSL writes them; null: AEAD with ECDHE only */
    const char *ciphersuites; /* of TLS 1.3; null: OpenSSL's */
    const char *groups;       /* "X25519:P-256"; null: elliptic curves only */
    const char *alpn;         /* "h2,http/1.1" in the server's order of preference; null: no ALPN */
    bool alpn_required;       /* refuses clients that offer none of `alpn` */
    bool no_tickets;          /* every handshake is a full one */
};

/* Gives the server TLS settings under a name of 1 to 63 bytes. Listeners use them by that name
 * (struct weir_listen.tls), so call this function before weir_server_listen(). Loads every file,
 * and checks that clients can use it.
 *
 * Called again with the same name, also while the server runs, it replaces the settings: sessions
 * that are open keep the earlier ones, and later ones use the new ones. No session is closed, and
 * clients can still resume TLS sessions that began with the earlier ones, unless `client` or
 * `client_ca` has changed. Returns:
 *   WEIR_OK           the settings are in use
 *   WEIR_INVALID      a file or setting is wrong: *error names it, the cause and the next step
 *   WEIR_DENIED       the system does not let this user read a file
 *   WEIR_UNSUPPORTED  this weir was built without OpenSSL
 *   WEIR_NO_MEMORY
 * or another code for a failure of the system. Unless it returns WEIR_OK, nothing has changed.
 * Thread: any. It reads files, so a callback that calls it stops its worker meanwhile. */
WEIR_API enum weir_code weir_server_tls(struct weir_server *server, const char *name,
                                        const struct weir_tls *settings, struct weir_error *error);

/* TLS settings of an outbound connection. Set `size`; 0 or null in any other member means its
 * default. */
struct weir_tls_connect {
    size_t size;             /* sizeof(struct weir_tls_connect) */
    const char *name;        /* name that the server's certificate must have; null: the host of the
                              * target */
    const char *ca;          /* file of trusted CAs; null: the system's */
    bool insecure;           /* accepts any certificate: for tests only */
    const char *certificate; /* file with the client's own certificate; null: none */
    const char *key;         /* file; null: the key is in the certificate file */
    enum weir_tls_min min;   /* default WEIR_TLS_1_2 */
    const char *ciphers, *ciphersuites, *groups; /* as in struct weir_tls */
    const char *alpn;                            /* protocols to offer, "h2,http/1.1"; null: none */
    bool alpn_required;                          /* ends unless the server selects one of them */
};

/* Facts about a session's TLS connection. Later versions add members at the end. */
struct weir_tls_info {
    char version[16];        /* "TLSv1.3" */
    char cipher[48];         /* "TLS_AES_256_GCM_SHA384" */
    char server_name[256];   /* the name that the client asked for; may be "" */
    char alpn[256];          /* the protocol that was selected; may be "" */
    bool resumed;            /* the session continues an earlier one (ticket) */
    bool has_peer;           /* the peer sent a certificate, and the next two members describe it */
    char peer_subject[256];  /* "CN=alice,O=Example", as RFC 2253 writes it */
    uint8_t peer_sha256[32]; /* of the certificate */
};

/* Fills in the first `size` bytes of *info. Call weir_session_tls() instead. */
WEIR_API bool weir_session_tls_sized(const struct weir_session *session, struct weir_tls_info *info,
                                     size_t size);

/* Describes the TLS connection of a session. Returns false, and zeroes *info, if the session does
 * not use TLS. Thread: handler. */
static inline bool weir_session_tls(const struct weir_session *session, struct weir_tls_info *info)
{
    return weir_session_tls_sized(session, info, sizeof *info);
}

/* What was counted under one name of weir_server_tls(). Later versions add members at the end. */
struct weir_tls_stats {
    uint64_t handshakes;   /* completed, also the resumed ones */
    uint64_t resumed;      /* completed with a ticket of an earlier session */
    uint64_t failed;       /* ended by a failure of TLS before they were complete */
    uint64_t refused_full; /* clients that were refused by tls_handshakes_max */
    uint64_t refused_rate; /* clients that were refused by tls_handshake_rate */
    uint64_t replaced;     /* times that the settings were replaced */
    int64_t expires_s;     /* earliest expiry of a certificate, in seconds since 1970 */
};

/* Fills in the first `size` bytes of *stats. Call weir_server_tls_stats() instead. */
WEIR_API bool weir_server_tls_stats_sized(struct weir_server *server, const char *name,
                                          struct weir_tls_stats *stats, size_t size);

/* Fills in *stats for one name of weir_server_tls(). Returns false, and zeroes *stats, if the
 * server has no settings with this name. Thread: any. */
static inline bool weir_server_tls_stats(struct weir_server *server, const char *name,
                                         struct weir_tls_stats *stats)
{
    return weir_server_tls_stats_sized(server, name, stats, sizeof *stats);
}

#ifdef __cplusplus
}
#endif
#endif
