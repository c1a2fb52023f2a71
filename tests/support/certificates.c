/* SPDX-License-Identifier: MIT */
/* certificates.c - makes certificates and keys, and their files, for tests of TLS. */
#include "certificates.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"

enum { FILES_MAX = 256, PATH_BYTES = 320 };

static char paths[FILES_MAX][PATH_BYTES];
static int paths_count;
static long serial = 1;

static void add_extension(X509 *x509, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    require(extension != NULL);
    require(X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

struct certificate certificate_make(const struct certificate_wish *wish)
{
    struct certificate made = {X509_new(), NULL};
    const char *subject = wish->subject ? wish->subject : "test";
    X509_NAME *name = X509_get_subject_name(made.x509);
    X509 *issuer = wish->issuer ? wish->issuer->x509 : made.x509;

    made.key = wish->rsa_bits ? EVP_RSA_gen((unsigned)wish->rsa_bits) : EVP_EC_gen("P-256");
    require(made.key != NULL);
    require(X509_set_version(made.x509, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.x509), wish->from_s ? wish->from_s : -60);
    X509_gmtime_adj(X509_getm_notAfter(made.x509), wish->until_s ? wish->until_s : 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1,
                               0);
    X509_set_issuer_name(made.x509, X509_get_subject_name(issuer));
    X509_set_pubkey(made.x509, made.key);
    add_extension(made.x509, issuer, NID_basic_constraints,
                  wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->names) add_extension(made.x509, issuer, NID_subject_alt_name, wish->names);
    require(X509_sign(made.x509, wish->issuer ? wish->issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

void certificate_free(struct certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
}

/* ---- Files ---- */

static const char *new_path(void)
{
    require(paths_count < FILES_MAX);
    return paths[paths_count++];
}

void certificates_open_files(void)
{
    const char *folder = getenv("TEMP"); /* Windows has no /tmp */
    unsigned char name[8];
    unsigned long long number;

    require(RAND_bytes(name, sizeof name) == 1); /* other tests run at the same time */
    memcpy(&number, name, sizeof number);
    for (int i = 0; i < FILES_MAX; i++)
        snprintf(paths[i], PATH_BYTES, "%s/weir-tls-%016llx-%d.pem", folder ? folder : "/tmp",
                 number, i);
}

void certificates_remove_files(void)
{
    for (int i = 0; i < paths_count; i++) remove(paths[i]);
}

const char *certificate_file(const struct certificate *certificate, const struct certificate *chain,
                             bool with_key)
{
    const char *path = new_path();
    BIO *file = BIO_new_file(path, "w");

    require(file != NULL);
    require(PEM_write_bio_X509(file, certificate->x509) == 1);
    if (chain) require(PEM_write_bio_X509(file, chain->x509) == 1);
    if (with_key)
        require(PEM_write_bio_PrivateKey(file, certificate->key, NULL, NULL, 0, NULL, NULL) == 1);
    BIO_free(file);
    return path;
}

const char *certificate_key_file(const struct certificate *certificate, const char *password)
{
    const char *path = new_path();
    BIO *file = BIO_new_file(path, "w");

    require(file != NULL);
    require(PEM_write_bio_PrivateKey(file, certificate->key, password ? EVP_aes_128_cbc() : NULL,
                                     NULL, 0, NULL, (void *)(size_t)password) == 1);
    BIO_free(file);
    return path;
}

const char *certificate_text_file(const char *text)
{
    const char *path = new_path();
    BIO *file = BIO_new_file(path, "w");

    require(file != NULL);
    require(BIO_puts(file, text) == (int)strlen(text));
    BIO_free(file);
    return path;
}

const char *certificate_no_file(void)
{
    return new_path();
}
