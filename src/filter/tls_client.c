/* SPDX-License-Identifier: MIT */
/* tls_client.c - opens the contexts of outbound connections, and checks the server's name. */
#include <openssl/x509v3.h>
#include <string.h>

#include "error_fill.h"
#include "memory.h"
#include "tls_state.h"
#include "trust.h"

static enum weir_code tls_client__no_memory(struct weir_error *error)
{
    ERR_clear_error();
    return error_fill(error, WEIR_NO_MEMORY, 0, "open TLS settings", NULL, NULL, NULL);
}

/* OpenSSL cannot read every certificate of a system: those are not trusted. */
static void tls_client__take_trusted(void *user, const uint8_t *certificate, size_t length)
{
    X509 *trusted = d2i_X509(NULL, &certificate, (long)length);

    X509_STORE_add_cert(user, trusted); /* null: it refuses */
    X509_free(trusted);
    ERR_clear_error();
}

static enum weir_code tls_client__set_trust(SSL_CTX *ssl, const struct weir_tls_connect *settings,
                                            struct weir_error *error)
{
    if (settings->insecure) return WEIR_OK; /* SSL_VERIFY_NONE is OpenSSL's default for clients */
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (settings->ca && (!tls_settings_read_file(settings->ca, NULL) ||
                         SSL_CTX_load_verify_file(ssl, settings->ca) != 1))
        return tls_error_of_file(error, "load CA", settings->ca,
                                 "it must contain the CA's certificate as PEM");
    if (!settings->ca && SSL_CTX_set_default_verify_paths(ssl) != 1)
        return tls_client__no_memory(error);
    if (!settings->ca) trust_each(tls_client__take_trusted, SSL_CTX_get_cert_store(ssl));
    return WEIR_OK;
}

static enum weir_code tls_client__fill(struct tls_context *context,
                                       const struct weir_tls_connect *settings,
                                       struct weir_error *error)
{
    enum weir_code code;

    context->ssl = tls_settings_open(true);
    if (!context->ssl) return tls_client__no_memory(error);
    code = tls_settings_set_algorithms(context->ssl, settings->min, settings->ciphers,
                                       settings->ciphersuites, settings->groups, error);
    if (code == WEIR_OK) code = tls_client__set_trust(context->ssl, settings, error);
    if (code == WEIR_OK && settings->certificate)
        code = tls_pair_load(context->ssl, settings->certificate, settings->key,
                             &context->expires_s, error);
    if (code == WEIR_OK && context->alpn &&
        SSL_CTX_set_alpn_protos(context->ssl, context->alpn, context->alpn_bytes) != 0)
        code = tls_client__no_memory(error);
    return code;
}

static bool tls_client__is_address(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);

    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return address != NULL;
}

/* Takes the name that the client asks for and requires. */
static enum weir_code tls_client__take_name(struct tls_context *context, const char *name,
                                            bool checks_name, struct weir_error *error)
{
    size_t length = strlen(name);

    if (length > TLSEXT_MAXLEN_host_name || (length == 0 && checks_name))
        return error_fill(error, WEIR_INVALID, 0, "check the server's name", name,
                          length == 0 ? "it is empty" : "it is longer than 255 bytes",
                          "set the name that the server's certificate contains");
    context->name = memory_copy_text(name);
    if (!context->name) return tls_client__no_memory(error);
    context->checks_name = checks_name;
    context->sends_name = length > 0 && !tls_client__is_address(name);
    return WEIR_OK;
}

enum weir_code tls_context_open_client(const struct weir_tls_connect *settings, const char *host,
                                       struct tls_context **opened, struct weir_error *error)
{
    struct tls_context *context = tls_context_new(true);
    enum weir_code code;

    if (!context) return tls_client__no_memory(error);
    code = tls_client__take_name(context, settings->name ? settings->name : host,
                                 !settings->insecure, error);
    if (code == WEIR_OK)
        code = tls_context_set_alpn(context, settings->alpn, settings->alpn_required, error);
    if (code == WEIR_OK) code = tls_client__fill(context, settings, error);
    if (code != WEIR_OK) {
        tls_context_unref(context);
        return code;
    }
    ERR_clear_error(); /* it can contain failures that did no harm */
    *opened = context;
    return WEIR_OK;
}

bool tls_client_set_name(SSL *ssl, const struct tls_context *context)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);

    if (context->sends_name && SSL_set_tlsext_host_name(ssl, context->name) != 1) return false;
    if (!context->checks_name) return true;
    if (!context->sends_name) return X509_VERIFY_PARAM_set1_ip_asc(expected, context->name) == 1;
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(expected, context->name, 0) == 1;
}
