/* SPDX-License-Identifier: MIT */
/* real_tls.c - a filter with a certificate, and clients of OpenSSL over spans of bytes. */
#include "real_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "certificates.h"
#include "memory_faults.h"
#include "require.h"
#include "tls_filter.h"

struct real_tls {
    SSL *ssl;
    BIO *in, *out;
};

static SSL_CTX *client_settings;
static const char *server_file;
static bool shares_faults;

bool real_tls_is_quick;

bool real_tls_exists(void)
{
    return true;
}

/* ---- OpenSSL's memory ---- */

static bool may_allocate(void)
{
    return !shares_faults || memory_faults_allow();
}

static void *shared_alloc(size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return may_allocate() ? malloc(bytes) : NULL;
}

static void *shared_realloc(void *memory, size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return may_allocate() ? realloc(memory, bytes) : NULL;
}

static void shared_free(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

void real_tls_share_memory_faults(bool shares)
{
    static bool is_installed;

    if (!is_installed)
        require(CRYPTO_set_mem_functions(shared_alloc, shared_realloc, shared_free) == 1);
    is_installed = true;
    shares_faults = shares;
}

/* ---- the server ---- */

static void prepare(void)
{
    struct certificate certificate;

    if (client_settings) return;
    certificates_open_files();
    /* Signatures of RSA have one length; those of elliptic curves have several. */
    certificate =
        certificate_make(&(struct certificate_wish){.rsa_bits = real_tls_is_quick ? 0 : 2048});
    server_file = certificate_file(&certificate, NULL, true);
    certificate_free(&certificate);
    atexit(certificates_remove_files);
    client_settings = SSL_CTX_new(TLS_client_method());
    require(client_settings != NULL);
}

struct filter *real_tls_filter(void)
{
    const struct tls_limits limits = {0};
    /* The length of a ticket depends on random numbers. */
    struct weir_tls settings = {.size = sizeof settings, .no_tickets = true};

    prepare();
    settings.certificate = server_file;
    struct filter *filter = tls_filter_open(&limits);
    require(filter != NULL);
    require_equal(tls_filter_set(filter, &settings, NULL), WEIR_OK);
    return filter;
}

/* ---- clients ---- */

struct real_tls *real_tls_open(bool older)
{
    struct real_tls *tls = calloc(1, sizeof *tls);

    prepare();
    require(tls != NULL);
    tls->ssl = SSL_new(client_settings);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    require(tls->ssl && tls->in && tls->out);
    BIO_set_mem_eof_return(tls->in, -1);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    if (older) require(SSL_set_max_proto_version(tls->ssl, TLS1_2_VERSION) == 1);
    return tls;
}

void real_tls_free(struct real_tls *tls)
{
    SSL_free(tls->ssl);
    free(tls);
    ERR_clear_error();
}

void real_tls_add(struct real_tls *tls, const void *wire, size_t length)
{
    if (length > 0) require(BIO_write(tls->in, wire, (int)length) == (int)length);
}

bool real_tls_is_open(struct real_tls *tls)
{
    ERR_clear_error();
    return SSL_is_init_finished(tls->ssl) || SSL_do_handshake(tls->ssl) == 1;
}

size_t real_tls_take(struct real_tls *tls, void *wire, size_t max)
{
    int length = BIO_read(tls->out, wire, (int)max);

    return length > 0 ? (size_t)length : 0;
}

enum real_tls_read real_tls_read(struct real_tls *tls, void *plain, size_t max, size_t *length)
{
    ERR_clear_error();
    int result = SSL_read(tls->ssl, plain, (int)max);

    *length = result > 0 ? (size_t)result : 0;
    if (result > 0) return REAL_TLS_BYTES;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return REAL_TLS_NOTHING;
    case SSL_ERROR_ZERO_RETURN: return REAL_TLS_END;
    default: return REAL_TLS_FAILED;
    }
}

void real_tls_write(struct real_tls *tls, const void *plain, size_t length)
{
    ERR_clear_error();
    SSL_write(tls->ssl, plain, (int)length); /* it fails after an alert: then nothing leaves */
}

void real_tls_update_keys(struct real_tls *tls)
{
    ERR_clear_error();
    SSL_key_update(tls->ssl, SSL_KEY_UPDATE_REQUESTED); /* not in TLS 1.2 */
}

void real_tls_goodbye(struct real_tls *tls)
{
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
}
