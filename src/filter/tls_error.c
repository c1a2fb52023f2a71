/* SPDX-License-Identifier: MIT */
/* tls_error.c - says in one line why a file was not loaded or a handshake failed. */
#include <errno.h>
#include <inttypes.h>
#include <openssl/pemerr.h>
#include <openssl/x509err.h>
#include <string.h>

#include "error_fill.h"
#include "escape.h"
#include "tls_state.h"

/* A cause, and the words for it. */
struct tls_cause {
    int library, reason;
    const char *text;
};

/* OpenSSL's words for these do not say what a user should look at. */
static const struct tls_cause tls_error__causes[] = {
    {ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER, "client and server have no cipher in common"},
    {ERR_LIB_SSL, SSL_R_UNSUPPORTED_PROTOCOL, "the peer's version of TLS is too old"},
    {ERR_LIB_SSL, SSL_R_NO_SUITABLE_KEY_SHARE, "client and server have no group in common"},
    {ERR_LIB_SSL, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client sent no certificate"},
    {ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL, "its key is too short (RSA needs 2048 bits)"},
    {ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL, "the key of its CA is too short (RSA needs 2048 bits)"},
    {ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK, "its signature uses a weak hash"},
    {ERR_LIB_EVP, EVP_R_DIFFERENT_KEY_TYPES, "it does not belong to the certificate"},
    {ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, "it does not belong to the certificate"},
    {ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH, "it does not belong to the certificate"},
    {ERR_LIB_PEM, PEM_R_NO_START_LINE, "no PEM block of the right kind is in it"},
    {ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ, "it is encrypted with a password"},
    {ERR_LIB_CRYPTO, ERR_R_INTERRUPTED_OR_CANCELLED, "it is encrypted with a password"},
};

static const char *tls_error__text(unsigned long code)
{
    for (size_t i = 0; i < sizeof tls_error__causes / sizeof tls_error__causes[0]; i++)
        if (ERR_GET_LIB(code) == tls_error__causes[i].library &&
            ERR_GET_REASON(code) == tls_error__causes[i].reason)
            return tls_error__causes[i].text;
    const char *text = ERR_reason_error_string(code);
    return text ? text : "unknown error";
}

/* ---- Files ---- */

enum weir_code tls_error_of_file(struct weir_error *error, const char *operation, const char *file,
                                 const char *hint)
{
    unsigned long code, first = 0;
    int os_error = 0;

    while ((code = ERR_get_error()) != 0) {
        if (ERR_SYSTEM_ERROR(code)) os_error = ERR_GET_REASON(code);
        if (first == 0) first = code;
    }
    if (os_error == ENOENT)
        return error_fill(error, WEIR_INVALID, os_error, operation, file, "it does not exist",
                          NULL);
    if (os_error != 0)
        return error_fill(error, error_code_of_os(os_error), os_error, operation, file, NULL,
                          error_os_hint(os_error));
    if (first == 0 || ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE)
        return error_fill(error, WEIR_NO_MEMORY, 0, operation, file, NULL, NULL);
    return error_fill(error, WEIR_INVALID, 0, operation, file, tls_error__text(first), hint);
}

/* ---- Sessions ---- */

static bool tls_error__begins(const struct tls_session *session, const char *word)
{
    size_t length = strlen(word);

    return session->first_count >= length && memcmp(session->first, word, length) == 0;
}

static bool tls_error__is_http(const struct tls_session *session)
{
    static const char *const methods[] = {"GET ",     "POST ",  "HEAD ",    "PUT ", "DELETE ",
                                          "OPTIONS ", "PATCH ", "CONNECT ", "PRI "};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (tls_error__begins(session, methods[i])) return true;
    return false;
}

/* Describes a peer that does not use TLS, by its first bytes. */
static void tls_error__describe_plain(const struct tls_session *session, struct filter_error *error)
{
    char text[sizeof session->first * ESCAPE_BYTES_MAX + 1];

    if (!session->context->is_client && tls_error__is_http(session)) {
        filter_fail(error, "a plain HTTP request on a TLS listener");
        return;
    }
    escape_text(session->first, session->first_count, text, sizeof text);
    filter_fail(error, "the peer does not use TLS: its first bytes are \"%s\"", text);
}

/* Returns what an alert means. */
static const char *tls_error__of_alert(const struct tls_session *session, int alert)
{
    bool is_client = session->context->is_client;

    switch (alert) {
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_CERTIFICATE_EXPIRED:
        return is_client ? "the server does not accept our certificate"
                         : "the client does not trust our certificate";
    case SSL_AD_HANDSHAKE_FAILURE: /* also TLS 1.2's word for the next one */
        return is_client
                   ? "the server ended the handshake, perhaps because it requires a certificate"
                   : "the client ended the handshake";
    case SSL_AD_CERTIFICATE_REQUIRED: return "the server requires a certificate";
    default: return "the peer ended the connection";
    }
}

/* Describes an alert of the peer. Its reason in OpenSSL is 1000 and the alert's number. */
static void tls_error__describe_alert(const struct tls_session *session, int alert,
                                      struct filter_error *error)
{
    filter_fail(error, "%s (the %s sent the alert \"%s\", %d)", tls_error__of_alert(session, alert),
                session->context->is_client ? "server" : "client",
                alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required"
                                                     : SSL_alert_desc_string_long(alert),
                alert);
}

/* Describes why the engine itself ended the session. Returns false if it did not. */
static bool tls_error__describe_own(const struct tls_session *session, struct filter_error *error)
{
    if (!session->is_refused) return false;
    if (session->is_renegotiating)
        filter_fail(error, "TLS failed: the peer tried to renegotiate");
    else if (session->oversize_bytes > 0)
        filter_fail(error, "TLS handshake failed: a message of %" PRIu32 " bytes",
                    session->oversize_bytes);
    else
        filter_fail(error, "TLS failed: too many key updates without data");
    return true;
}

/* Returns true if the peer's first record cannot be the begin of TLS. */
static bool tls_error__is_plain(const struct tls_session *session)
{
    uint8_t type = session->first[0];

    return !session->is_open && session->first_count > 0 && type != SSL3_RT_HANDSHAKE &&
           type != SSL3_RT_ALERT;
}

static void tls_error__describe_failure(const struct tls_session *session, unsigned long code,
                                        struct filter_error *error)
{
    const char *prefix = session->is_open ? "TLS failed" : "TLS handshake failed";
    long verified = SSL_get_verify_result(session->ssl);
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;

    if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
        tls_error__describe_alert(session, reason - SSL_AD_REASON_OFFSET, error);
    else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        filter_fail(error, "%s: the %s's certificate is not accepted: %s", prefix,
                    session->context->is_client ? "server" : "client",
                    X509_verify_cert_error_string(verified));
    else
        filter_fail(error, "%s: %s", prefix,
                    session->cause ? session->cause : tls_error__text(code));
}

void tls_error_of_session(const struct tls_session *session, struct filter_error *error)
{
    unsigned long code = ERR_get_error();

    ERR_clear_error();
    if (tls_error__describe_own(session, error)) return;
    if (tls_error__is_plain(session))
        tls_error__describe_plain(session, error);
    else
        tls_error__describe_failure(session, code, error);
}
