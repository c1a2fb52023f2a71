/* SPDX-License-Identifier: MIT */
/* tls_settings.c - what all OpenSSL contexts of weir have in common, and the algorithms that they
 * allow. */
#include <string.h>

#include "error_fill.h"
#include "tls_state.h"

/* AEAD with forward secrecy: everything older that TLS 1.2 knows has known weaknesses. */
#define DEFAULT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK:!SRP"

/* No finite fields: a client can make a server compute them at little cost of its own. The first
 * list is known to OpenSSL 3.5 and later. */
static const char *const default_groups[] = {"X25519MLKEM768:X25519:P-256:P-384:P-521",
                                             "X25519:P-256:P-384:P-521"};

enum { CHAIN_BYTES_MAX = 32 * 1024 }; /* of a peer's certificates: memory during the handshake */

enum { TICKET_S = 24 * 3600 }; /* two of the three keys are at least that old together */

/* Each makes us compute two keys and send a record. Real peers send one in millions of records. */
enum { KEY_UPDATES_MAX = 32 };

/* The key of an encrypted file would be asked for on a terminal. */
static int tls_settings__no_password(char *text, int size, int writes, void *unused)
{
    (void)text, (void)size, (void)writes, (void)unused;
    return -1;
}

/* Counts the peer's key updates, and notices other messages after the handshake. */
static void tls_settings__on_info(const SSL *ssl, int where, int value)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

    if (where == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
        session->is_refused = session->is_renegotiating = true;
    if (!(where & SSL_CB_LOOP) || !session->is_open) return;
    session->keeps_message_buffer = true;
    if (state != TLS_ST_SR_KEY_UPDATE && state != TLS_ST_CR_KEY_UPDATE) return;
    if (++session->key_updates > KEY_UPDATES_MAX) session->is_refused = true;
}

SSL_CTX *tls_settings_open(bool is_client)
{
    SSL_CTX *ssl = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());

    if (!ssl) return NULL;
    /* An idle session would otherwise keep two buffers of 17 KiB each. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(ssl, SSL_MODE_AUTO_RETRY); /* each call returns after each record */
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_read_ahead(ssl, 0); /* bytes that are not needed yet stay in our buffers */
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(ssl, 0); /* it can be replayed */
    SSL_CTX_set_max_cert_list(ssl, CHAIN_BYTES_MAX);
    SSL_CTX_set_timeout(ssl, TICKET_S);
    SSL_CTX_set_info_callback(ssl, tls_settings__on_info);
    SSL_CTX_set_default_passwd_cb(ssl, tls_settings__no_password);
    return ssl;
}

static bool tls_settings__set_groups(SSL_CTX *ssl, const char *groups)
{
    if (groups) return SSL_CTX_set1_groups_list(ssl, groups) == 1;
    if (SSL_CTX_set1_groups_list(ssl, default_groups[0]) == 1) return true;
    ERR_clear_error();
    return SSL_CTX_set1_groups_list(ssl, default_groups[1]) == 1;
}

enum weir_code tls_settings_set_algorithms(SSL_CTX *ssl, enum weir_tls_min min, const char *ciphers,
                                           const char *ciphersuites, const char *groups,
                                           struct weir_error *error)
{
    if (SSL_CTX_set_min_proto_version(ssl, min == WEIR_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) !=
            1 ||
        SSL_CTX_set_max_proto_version(ssl, 0) != 1)
        return tls_error_of_file(error, "set TLS versions", "", NULL);
    if (SSL_CTX_set_cipher_list(ssl, ciphers ? ciphers : DEFAULT_CIPHERS) != 1)
        return tls_error_of_file(error, "use TLS ciphers", ciphers,
                                 "'openssl ciphers -v' lists the names");
    if (ciphersuites && SSL_CTX_set_ciphersuites(ssl, ciphersuites) != 1)
        return tls_error_of_file(error, "use TLS 1.3 ciphersuites", ciphersuites,
                                 "'openssl ciphers -v -s -tls1_3' lists the names");
    if (!tls_settings__set_groups(ssl, groups))
        return tls_error_of_file(error, "use TLS groups", groups,
                                 "names are for example X25519, P-256 and P-384");
    return WEIR_OK;
}

bool tls_settings_read_file(const char *name, EVP_MD_CTX *digest)
{
    BIO *file = BIO_new_file(name, "rb");
    unsigned char bytes[4096];
    int read = 0;

    if (!file) return false;
    do read = BIO_read(file, bytes, sizeof bytes);
    while (read > 0 && (!digest || EVP_DigestUpdate(digest, bytes, (size_t)read) == 1));
    BIO_free(file);
    return read == 0;
}
