/* SPDX-License-Identifier: MIT */
/* tls_context.c - opens the contexts of servers and clients from their settings. A context is
 * constant, so that workers share it without a lock. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "tls_state.h"

/* RFC 8446, section 5.5: AES-GCM should not seal more than 2^24.5 records with one key. */
#define RECORDS_PER_KEY (UINT32_C(1) << 23)

/* ---- References ---- */

struct tls_context *tls_context_new(bool is_client)
{
    struct tls_context *context = memory_alloc(sizeof *context);

    if (!context) return NULL;
    atomic_store(&context->refs, 1);
    context->is_client = is_client;
    context->records_per_key = RECORDS_PER_KEY;
    context->expires_s = INT64_MAX;
    return context;
}

static void tls_context__free(struct tls_context *context)
{
    for (size_t i = 0; i < context->hosts_count; i++) {
        memory_free(context->hosts[i].names);
        SSL_CTX_free(context->hosts[i].ssl);
    }
    memory_free(context->hosts);
    SSL_CTX_free(context->ssl);
    tls_tickets_unref(context->tickets);
    memory_free(context->alpn);
    memory_free(context->name);
    memory_free(context);
    ERR_clear_error(); /* the program may use OpenSSL, too */
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    weir_check(atomic_fetch_add(&context->refs, 1) > 0);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context && atomic_fetch_sub(&context->refs, 1) == 1) tls_context__free(context);
}

int64_t tls_context_expires(const struct tls_context *context)
{
    return context->expires_s;
}

bool tls_context_has_protocol(const struct tls_context *context, const void *protocol,
                              size_t length)
{
    for (unsigned i = 0; i < context->alpn_bytes; i += 1u + context->alpn[i])
        if (context->alpn[i] == length && memcmp(context->alpn + i + 1, protocol, length) == 0)
            return true;
    return false;
}

void tls_context_set_records_per_key(struct tls_context *context, uint32_t records)
{
    context->records_per_key = records;
}

/* ---- Servers ---- */

static enum weir_code tls_context__no_memory(struct weir_error *error)
{
    ERR_clear_error();
    return error_fill(error, WEIR_NO_MEMORY, 0, "open TLS settings", NULL, NULL, NULL);
}

/* A resumed session keeps the result of the client's certificate. So a ticket is valid only where
 * the same certificates are accepted: OpenSSL compares this context id. */
static bool tls_context__set_id(SSL_CTX *ssl, const struct weir_tls *settings)
{
    unsigned char id[EVP_MAX_MD_SIZE] = {0}, client = (unsigned char)settings->client;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned length = 0;
    bool is_done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(digest, &client, 1) == 1;

    if (is_done && settings->client_ca)
        is_done = tls_settings_read_file(settings->client_ca, digest);
    is_done = is_done && EVP_DigestFinal_ex(digest, id, &length) == 1 &&
              SSL_CTX_set_session_id_context(ssl, id, length) == 1;
    EVP_MD_CTX_free(digest);
    return is_done;
}

static enum weir_code tls_context__set_client_auth(SSL_CTX *ssl, const struct weir_tls *settings,
                                                   struct weir_error *error)
{
    const char *hint = "it must contain the CA's certificate as PEM";
    STACK_OF(X509_NAME) * names;
    int mode = SSL_VERIFY_PEER;

    if (settings->client_ca) {
        if (!tls_settings_read_file(settings->client_ca, NULL) ||
            SSL_CTX_load_verify_file(ssl, settings->client_ca) != 1)
            return tls_error_of_file(error, "load client CA", settings->client_ca, hint);
        names = SSL_load_client_CA_file(settings->client_ca);
        if (!names) return tls_error_of_file(error, "load client CA", settings->client_ca, hint);
        SSL_CTX_set_client_CA_list(ssl, names);
    }
    if (!tls_context__set_id(ssl, settings)) return tls_context__no_memory(error);
    if (settings->client == WEIR_TLS_CLIENT_NONE) return WEIR_OK;
    if (settings->client == WEIR_TLS_CLIENT_REQUIRED) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, NULL);
    return WEIR_OK;
}

/* Whether both pairs were loaded: OpenSSL has one for each type of key. */
static bool tls_context__has_two_pairs(SSL_CTX *ssl)
{
    SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_FIRST);
    return SSL_CTX_set_current_cert(ssl, SSL_CERT_SET_NEXT) == 1;
}

static enum weir_code tls_context__load_pairs(SSL_CTX *ssl, const struct weir_tls_host *host,
                                              int64_t *expires_s, struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    if (host->certificate2)
        code = tls_pair_load(ssl, host->certificate2, host->key2, expires_s, error);
    if (code == WEIR_OK) code = tls_pair_load(ssl, host->certificate, host->key, expires_s, error);
    if (code == WEIR_OK && host->certificate2 && !tls_context__has_two_pairs(ssl))
        code = error_fill(error, WEIR_INVALID, 0, "use a second certificate", host->certificate2,
                          "its key has the same type as that of the first one",
                          "use one with an RSA key and one with an EC key");
    return code;
}

/* Opens the OpenSSL context of one or two certificates. */
static enum weir_code tls_context__open_host(struct tls_context *context,
                                             const struct weir_tls *settings,
                                             const struct weir_tls_host *host, SSL_CTX **opened,
                                             struct weir_error *error)
{
    SSL_CTX *ssl = tls_settings_open(false);
    enum weir_code code;

    *opened = ssl; /* the context frees it */
    if (!ssl) return tls_context__no_memory(error);
    code = tls_settings_set_algorithms(ssl, settings->min, settings->ciphers,
                                       settings->ciphersuites, settings->groups, error);
    if (code == WEIR_OK) code = tls_context__load_pairs(ssl, host, &context->expires_s, error);
    if (code == WEIR_OK) code = tls_context__set_client_auth(ssl, settings, error);
    if (code != WEIR_OK) return code;
    tls_names_use(ssl, context);
    SSL_CTX_set_num_tickets(ssl, context->tickets ? 1 : 0);
    if (!context->tickets)
        SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    else if (!tls_tickets_use(ssl))
        return tls_context__no_memory(error);
    return WEIR_OK;
}

static enum weir_code tls_context__open_hosts(struct tls_context *context,
                                              const struct weir_tls *settings,
                                              struct weir_error *error)
{
    if (settings->hosts_count == 0) return WEIR_OK;
    context->hosts = memory_alloc_array(settings->hosts_count, sizeof *context->hosts);
    if (!context->hosts) return tls_context__no_memory(error);
    for (size_t i = 0; i < settings->hosts_count; i++) {
        const struct weir_tls_host *host = &settings->hosts[i];
        struct tls_host *own = &context->hosts[context->hosts_count++];
        if (!host->names || !host->certificate)
            return error_fill(error, WEIR_INVALID, 0, "use a TLS host", host->names,
                              "it has no names or no certificate", NULL);
        enum weir_code code = tls_names_open(host->names, &own->names);
        if (code == WEIR_NO_MEMORY) return tls_context__no_memory(error);
        if (code != WEIR_OK)
            return error_fill(error, code, 0, "use TLS host names", host->names,
                              "a name is not valid",
                              "write names such as a.example or *.a.example, with commas");
        code = tls_context__open_host(context, settings, host, &own->ssl, error);
        if (code != WEIR_OK) return code;
    }
    return WEIR_OK;
}

enum weir_code tls_context_set_alpn(struct tls_context *context, const char *alpn,
                                    bool alpn_required, struct weir_error *error)
{
    enum weir_code code;

    context->alpn_required = alpn_required;
    if (!alpn && alpn_required)
        return error_fill(error, WEIR_INVALID, 0, "require an ALPN protocol", NULL,
                          "no protocol is configured", "set alpn, such as \"h2,http/1.1\"");
    if (!alpn) return WEIR_OK;
    code = tls_names_read_alpn(alpn, &context->alpn, &context->alpn_bytes);
    if (code == WEIR_NO_MEMORY) return tls_context__no_memory(error);
    if (code != WEIR_OK)
        return error_fill(error, code, 0, "use ALPN protocols", alpn,
                          "a protocol is empty or longer than 255 bytes",
                          "write names with commas, such as \"h2,http/1.1\"");
    return WEIR_OK;
}

static enum weir_code tls_context__check(const struct weir_tls *settings, struct weir_error *error)
{
    if (!settings->certificate)
        return error_fill(error, WEIR_INVALID, 0, "use TLS settings", NULL,
                          "no certificate is configured", "name the certificate and key files");
    if (settings->client != WEIR_TLS_CLIENT_NONE && !settings->client_ca)
        return error_fill(error, WEIR_INVALID, 0, "ask clients for certificates", NULL,
                          "no CA is configured", "name the file of the accepted CAs");
    if (settings->client == WEIR_TLS_CLIENT_NONE && settings->client_ca)
        return error_fill(error, WEIR_INVALID, 0, "use client CA", settings->client_ca,
                          "clients are not asked for certificates",
                          "set whether they are optional or required");
    return WEIR_OK;
}

enum weir_code tls_context_open(const struct weir_tls *settings, struct tls_tickets *tickets,
                                struct tls_context **opened, struct weir_error *error)
{
    struct weir_tls_host first = {NULL, settings->certificate, settings->key,
                                  settings->certificate2, settings->key2};
    enum weir_code code = tls_context__check(settings, error);
    struct tls_context *context;

    weir_check(tickets || settings->no_tickets);
    if (code != WEIR_OK) return code;
    context = tls_context_new(false);
    if (!context) return tls_context__no_memory(error);
    context->strict_names = settings->strict_names;
    if (!settings->no_tickets) context->tickets = tls_tickets_ref(tickets);
    code = tls_context_set_alpn(context, settings->alpn, settings->alpn_required, error);
    if (code == WEIR_OK)
        code = tls_context__open_host(context, settings, &first, &context->ssl, error);
    if (code == WEIR_OK) code = tls_context__open_hosts(context, settings, error);
    if (code != WEIR_OK) {
        tls_context__free(context);
        return code;
    }
    ERR_clear_error(); /* it can contain failures that did no harm */
    *opened = context;
    return WEIR_OK;
}
