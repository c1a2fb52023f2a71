/* SPDX-License-Identifier: MIT */
/* tls_pair.c - loads a certificate and its key, and checks that clients can use them: now, and not
 * first when one connects. */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "error_fill.h"
#include "tls_state.h"

#define LOAD "load certificate"

/* Writes the time as "2026-11-30 12:00:00 UTC". */
static void tls_pair__write_time(const struct tm *at, char *text, size_t size)
{
    snprintf(text, size, "%04d-%02d-%02d %02d:%02d:%02d UTC", at->tm_year + 1900, at->tm_mon + 1,
             at->tm_mday, at->tm_hour, at->tm_min, at->tm_sec);
}

/* Returns seconds since 1970. */
static int64_t tls_pair__seconds(const ASN1_TIME *at)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    if (epoch) ASN1_TIME_diff(&days, &seconds, epoch, at);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static enum weir_code tls_pair__check_dates(X509 *leaf, const char *file, int64_t *expires_s,
                                            struct weir_error *error)
{
    const ASN1_TIME *from = X509_get0_notBefore(leaf), *until = X509_get0_notAfter(leaf);
    char reason[96], text[48];
    struct tm at = {0};
    int64_t until_s = tls_pair__seconds(until);

    if (until_s < *expires_s) *expires_s = until_s;
    if (X509_cmp_current_time(until) < 0) {
        ASN1_TIME_to_tm(until, &at);
        tls_pair__write_time(&at, text, sizeof text);
        snprintf(reason, sizeof reason, "it expired on %s", text);
        return error_fill(error, WEIR_INVALID, 0, LOAD, file, reason,
                          "obtain a new one, and check the system's clock");
    }
    if (X509_cmp_current_time(from) > 0) {
        ASN1_TIME_to_tm(from, &at);
        tls_pair__write_time(&at, text, sizeof text);
        snprintf(reason, sizeof reason, "it is valid only from %s on", text);
        return error_fill(error, WEIR_INVALID, 0, LOAD, file, reason, "check the system's clock");
    }
    return WEIR_OK;
}

enum weir_code tls_pair_load(SSL_CTX *ssl, const char *certificate, const char *key,
                             int64_t *expires_s, struct weir_error *error)
{
    const char *key_file = key ? key : certificate;
    X509 *leaf;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        return tls_error_of_file(error, LOAD, certificate,
                                 "it must contain PEM, the server's own certificate first");
    leaf = SSL_CTX_get0_certificate(ssl);
    if (tls_pair__check_dates(leaf, certificate, expires_s, error) != WEIR_OK) return WEIR_INVALID;
    if (SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM) != 1 ||
        X509_check_private_key(leaf, SSL_CTX_get0_privatekey(ssl)) != 1) /* not a second pair's */
        return tls_error_of_file(error, "load key", key_file,
                                 key ? "use the key with which the certificate was requested, as "
                                       "PEM without a password"
                                     : "add the key to the certificate file, or name the key file");
    return WEIR_OK;
}
