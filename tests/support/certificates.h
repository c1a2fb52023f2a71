/* SPDX-License-Identifier: MIT */
/* certificates.h - makes certificates and keys, and their files, for tests of TLS. Only in builds
 * with OpenSSL. */
#ifndef SUPPORT_CERTIFICATES_H
#define SUPPORT_CERTIFICATES_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

/* What a certificate says. Zeroed: a self-signed one with a P-256 key, valid now, for no name. */
struct certificate_wish {
    const char *subject; /* common name; null: "test" */
    const char *names;   /* "DNS:a.example,IP:127.0.0.1" */
    int rsa_bits;        /* 0: a P-256 key */
    bool is_ca;
    long from_s, until_s;             /* from now; until_s 0: one day */
    const struct certificate *issuer; /* null: itself */
};

struct certificate certificate_make(const struct certificate_wish *wish);
void certificate_free(struct certificate *certificate);

/* Names for the files of one test program; removed by certificates_remove_files(). */
void certificates_open_files(void);
void certificates_remove_files(void);

/* Writes the certificate, then `chain` if it is not null, then the key if `with_key`, as PEM to a
 * new file. Returns its path, which stays valid. */
const char *certificate_file(const struct certificate *certificate, const struct certificate *chain,
                             bool with_key);

/* Writes the key, with a password if it is not null. */
const char *certificate_key_file(const struct certificate *certificate, const char *password);

/* Writes a text. */
const char *certificate_text_file(const char *text);

/* Returns a path at which there is no file. */
const char *certificate_no_file(void);

#endif
