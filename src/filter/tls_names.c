/* SPDX-License-Identifier: MIT */
/* tls_names.c - selects the certificate by the name in the client's hello (SNI), and the protocol
 * by its list (ALPN). */
#include <ctype.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "memory.h"
#include "tls_state.h"

#define NO_PROTOCOL "client and server have no protocol in common (ALPN)"

enum { NAME_BYTES_MAX = 253, PROTOCOL_BYTES_MAX = 255 };

/* ---- Names ---- */

/* Returns the next item of a list with commas, without spaces around it; null at its end. */
static const char *tls_names__next(const char **list, size_t *length)
{
    const char *begin = *list + strspn(*list, " ");
    const char *end = begin + strcspn(begin, ",");

    if (*list[0] == '\0') return NULL;
    *list = *end == ',' ? end + 1 : end;
    while (end > begin && end[-1] == ' ') end--;
    *length = (size_t)(end - begin);
    return begin;
}

static bool tls_names__is_valid(const char *name, size_t length)
{
    size_t wildcard = length > 2 && memcmp(name, "*.", 2) == 0 ? 2 : 0;

    if (length == 0 || length > NAME_BYTES_MAX) return false;
    for (size_t i = wildcard; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (!isalnum(byte) && byte != '-' && byte != '.' && byte != '_') return false;
    }
    return true;
}

enum weir_code tls_names_open(const char *list, char **names)
{
    char *to = memory_alloc(strlen(list) + 2);
    const char *name;
    size_t length;

    *names = to; /* the context frees it */
    if (!to) return WEIR_NO_MEMORY;
    while ((name = tls_names__next(&list, &length)) != NULL) {
        if (!tls_names__is_valid(name, length)) return WEIR_INVALID;
        for (size_t i = 0; i < length; i++) *to++ = (char)tolower((unsigned char)name[i]);
        *to++ = '\0';
    }
    return WEIR_OK;
}

/* Returns true if the table contains the name; `wildcards`: compares only wildcards with it. */
static bool tls_names__contains(const char *names, const char *name, bool wildcards)
{
    const char *dot = strchr(name, '.');

    for (; names[0] != '\0'; names += strlen(names) + 1) {
        if (!wildcards && strcmp(names, name) == 0) return true;
        if (wildcards && dot && dot > name && names[0] == '*' && strcmp(names + 1, dot) == 0)
            return true;
    }
    return false;
}

/* Returns the context for the name: an exact name before a wildcard. Null: no host has it. */
static SSL_CTX *tls_names__find(const struct tls_context *context, const char *name)
{
    for (int wildcards = 0; wildcards < 2; wildcards++)
        for (size_t i = 0; i < context->hosts_count; i++)
            if (tls_names__contains(context->hosts[i].names, name, wildcards != 0))
                return context->hosts[i].ssl;
    return NULL;
}

/* Returns true if the first certificate is valid for the name. */
static bool tls_names__is_first(const struct tls_context *context, const char *name)
{
    X509 *certificate = SSL_CTX_get0_certificate(context->ssl);

    return X509_check_host(certificate, name, strlen(name), 0, NULL) == 1;
}

/* Copies the name that the client asks for, in lower case; "" if there is none. */
static void tls_names__copy_asked(const SSL *ssl, char name[NAME_BYTES_MAX + 1])
{
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    size_t i = 0;

    if (asked && strlen(asked) <= NAME_BYTES_MAX)
        for (; asked[i] != '\0'; i++) name[i] = (char)tolower((unsigned char)asked[i]);
    name[i] = '\0';
}

static int tls_names__on_name(SSL *ssl, int *alert, void *unused)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    const struct tls_context *context = session->context;
    char name[NAME_BYTES_MAX + 1];
    SSL_CTX *found;

    (void)unused;
    tls_names__copy_asked(ssl, name);
    found = name[0] != '\0' ? tls_names__find(context, name) : NULL;
    if (found) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_set_SSL_CTX(ssl, found) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (!context->strict_names || (name[0] != '\0' && tls_names__is_first(context, name)))
        return SSL_TLSEXT_ERR_OK;
    session->cause = "the client asks for a name without a certificate (SNI)";
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- Protocols ---- */

enum weir_code tls_names_read_alpn(const char *list, uint8_t **wire, unsigned *bytes)
{
    uint8_t *to = memory_alloc(strlen(list) + 2);
    const char *name;
    size_t length;

    *wire = to;
    *bytes = 0;
    if (!to) return WEIR_NO_MEMORY;
    while ((name = tls_names__next(&list, &length)) != NULL) {
        if (length == 0 || length > PROTOCOL_BYTES_MAX) return WEIR_INVALID;
        *to++ = (uint8_t)length;
        memcpy(to, name, length);
        to += length;
    }
    *bytes = (unsigned)(to - *wire);
    return WEIR_OK;
}

static int tls_names__on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                                   const unsigned char *in, unsigned in_length, void *unused)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    const struct tls_context *context = session->context;
    unsigned char *selected;

    (void)unused;
    if (SSL_select_next_proto(&selected, out_length, context->alpn, context->alpn_bytes, in,
                              in_length) == OPENSSL_NPN_NEGOTIATED) {
        *out = selected;
        return SSL_TLSEXT_ERR_OK;
    }
    if (!context->alpn_required) return SSL_TLSEXT_ERR_NOACK;
    session->cause = NO_PROTOCOL;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Without the extension OpenSSL does not call the function above. */
static int tls_names__on_hello(SSL *ssl, int *alert, void *unused)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    const unsigned char *list;
    size_t length;

    (void)unused;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &list,
                                  &length) == 1)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    session->cause = NO_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

void tls_names_use(SSL_CTX *ssl, const struct tls_context *context)
{
    SSL_CTX_set_tlsext_servername_callback(ssl, tls_names__on_name);
    if (!context->alpn) return;
    SSL_CTX_set_alpn_select_cb(ssl, tls_names__on_protocols, NULL);
    if (context->alpn_required) SSL_CTX_set_client_hello_cb(ssl, tls_names__on_hello, NULL);
}
