/* SPDX-License-Identifier: MIT */
/* tls_tickets.c - the keys of session tickets: three of them, shared by the workers, and kept when
 * certificates are replaced.
 *
 *      every 12 hours of use:  new key -> current -> previous -> oldest -> erased
 *                              makes tickets      these two still read theirs, until 36 hours old
 *
 * OpenSSL's own key would change with each context, so that each reload would end resumption, and
 * would never change otherwise. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "thread.h"
#include "tls_state.h"

#define TICKET_KEY_NS (UINT64_C(12) * 3600 * 1000000000) /* makes tickets for that long */

#define TICKET_NS (INT64_C(24) * 3600 * 1000000000) /* from the full handshake on */

enum { KEYS = 3, NAME_BYTES = 16, SECRET_BYTES = 32 };

struct ticket_key {
    uint8_t name[NAME_BYTES], cipher[SECRET_BYTES], mac[SECRET_BYTES];
    uint64_t made_ns;
};

struct tls_tickets {
    _Atomic uint32_t refs;
    struct lock *lock; /* for the keys below: taken once per handshake */
    struct ticket_key keys[KEYS];
    uint32_t count; /* the first is the current one */
};

struct tls_tickets *tls_tickets_open(void)
{
    struct tls_tickets *tickets = memory_alloc(sizeof *tickets);

    if (!tickets) return NULL;
    tickets->lock = lock_open();
    if (!tickets->lock) {
        memory_free(tickets);
        return NULL;
    }
    atomic_store(&tickets->refs, 1);
    return tickets;
}

struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets)
{
    weir_check(atomic_fetch_add(&tickets->refs, 1) > 0);
    return tickets;
}

void tls_tickets_unref(struct tls_tickets *tickets)
{
    if (!tickets || atomic_fetch_sub(&tickets->refs, 1) > 1) return;
    OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
    lock_free(tickets->lock);
    memory_free(tickets);
}

static bool tls_tickets__is_older(const struct ticket_key *key, uint64_t now_ns, uint64_t age_ns)
{
    return now_ns > key->made_ns && now_ns - key->made_ns >= age_ns;
}

/* Makes a new current key if there is none or it is too old. Returns false if the system has no
 * random bytes. The caller has the lock. */
static bool tls_tickets__renew(struct tls_tickets *tickets, uint64_t now_ns)
{
    struct ticket_key key = {.made_ns = now_ns};

    if (tickets->count > 0 && !tls_tickets__is_older(&tickets->keys[0], now_ns, TICKET_KEY_NS))
        return true;
    if (RAND_bytes(key.name, sizeof key.name) != 1) return false;
    if (RAND_priv_bytes(key.cipher, sizeof key.cipher) != 1) return false;
    if (RAND_priv_bytes(key.mac, sizeof key.mac) != 1) return false;
    memmove(tickets->keys + 1, tickets->keys, (KEYS - 1) * sizeof key);
    tickets->keys[0] = key;
    if (tickets->count < KEYS) tickets->count++;
    OPENSSL_cleanse(&key, sizeof key);
    return true;
}

/* Copies the current key. */
static bool tls_tickets__current(struct tls_tickets *tickets, uint64_t now_ns,
                                 struct ticket_key *key)
{
    lock_take(tickets->lock);
    bool has_key = tls_tickets__renew(tickets, now_ns);
    if (has_key) *key = tickets->keys[0];
    lock_give_back(tickets->lock);
    return has_key;
}

/* Copies the key of that name, unless it is too old. Returns 0: there is none; 1: it is the current
 * key; 2: an earlier one. */
static int tls_tickets__find(struct tls_tickets *tickets, const uint8_t *name, uint64_t now_ns,
                             struct ticket_key *key)
{
    int found = 0;

    lock_take(tickets->lock);
    for (uint32_t i = 0; i < tickets->count && found == 0; i++) {
        const struct ticket_key *candidate = &tickets->keys[i];
        if (memcmp(candidate->name, name, NAME_BYTES) != 0) continue;
        if (tls_tickets__is_older(candidate, now_ns, KEYS * TICKET_KEY_NS)) continue;
        *key = *candidate;
        found = i > 0 || tls_tickets__is_older(candidate, now_ns, TICKET_KEY_NS) ? 2 : 1;
    }
    lock_give_back(tickets->lock);
    return found;
}

static bool tls_tickets__set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM values[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, values) == 1;
}

/* OpenSSL calls it to make (`makes`) or read a ticket. Returns 0: a ticket of an unknown key, so
 * the handshake is a full one; 1; 2: the ticket is valid and needs a new one; -1: failed. */
static int tls_tickets__on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
                                  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int makes)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    struct tls_tickets *tickets = session->context->tickets;
    uint64_t now_ns = session->worker->now_ns;
    struct ticket_key key;
    int found = 1;

    if (makes) {
        if (!tls_tickets__current(tickets, now_ns, &key)) return -1;
        memcpy(name, key.name, NAME_BYTES);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) found = -1;
    } else {
        found = tls_tickets__find(tickets, name, now_ns, &key);
        if (found == 0) return 0;
    }
    if (found > 0 &&
        (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, makes) != 1 ||
         !tls_tickets__set_mac(mac, &key)))
        found = -1;
    OPENSSL_cleanse(&key, sizeof key);
    return found;
}

/* Returns for how long a ticket of a full handshake is valid: as long as the client's certificate
 * is, if it has one, because the ticket replaces it. */
static int64_t tls_tickets__valid_ns(SSL_SESSION *session)
{
    const X509 *peer = SSL_SESSION_get0_peer(session);
    int days = 0, seconds = 0;

    if (peer) ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(peer));
    return !peer || days > 0 ? TICKET_NS : (int64_t)seconds * 1000000000;
}

/* OpenSSL calls it before it makes a ticket. The ticket of a resumed session keeps the time until
 * which that of the full handshake was valid: else clients could resume forever. */
static int tls_tickets__on_make(SSL *ssl, void *unused)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    SSL_SESSION *made = SSL_get_session(ssl);
    int64_t until_ns = (int64_t)session->worker->now_ns;
    void *kept = NULL;
    size_t length = 0;

    (void)unused;
    SSL_SESSION_get0_ticket_appdata(made, &kept, &length);
    if (length > 0) return 1;
    until_ns += tls_tickets__valid_ns(made);
    return SSL_SESSION_set1_ticket_appdata(made, &until_ns, sizeof until_ns);
}

/* OpenSSL calls it when it has read a ticket. A client of TLS 1.3 uses each ticket once, so it gets
 * a new one. */
static SSL_TICKET_RETURN tls_tickets__on_read(SSL *ssl, SSL_SESSION *read,
                                              const unsigned char *name, size_t name_length,
                                              SSL_TICKET_STATUS status, void *unused)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    int64_t until_ns;
    void *kept = NULL;
    size_t length = 0;

    (void)name;
    (void)name_length;
    (void)unused;
    if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    SSL_SESSION_get0_ticket_appdata(read, &kept, &length);
    weir_check(length == sizeof until_ns); /* the ticket is ours */
    memcpy(&until_ns, kept, sizeof until_ns);
    if ((int64_t)session->worker->now_ns >= until_ns) return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION
               ? SSL_TICKET_RETURN_USE_RENEW
               : SSL_TICKET_RETURN_USE;
}

bool tls_tickets_use(SSL_CTX *ssl)
{
    SSL_CTX_set_session_ticket_cb(ssl, tls_tickets__on_make, tls_tickets__on_read, NULL);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, tls_tickets__on_ticket) == 1;
}
