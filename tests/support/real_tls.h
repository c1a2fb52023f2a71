/* SPDX-License-Identifier: MIT */
/* real_tls.h - TLS for real_filters.c: a filter with a certificate, and clients of OpenSSL over
 * spans of bytes. Every handshake has the same number of bytes, so that a seed repeats its
 * scenario. real_tls_absent.c replaces it in builds without OpenSSL. */
#ifndef SUPPORT_REAL_TLS_H
#define SUPPORT_REAL_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "filter.h"

struct real_tls; /* one client */

/* What a client can read. */
enum real_tls_read {
    REAL_TLS_BYTES,
    REAL_TLS_NOTHING, /* until more wire bytes come */
    REAL_TLS_END,     /* close_notify came */
    REAL_TLS_FAILED,  /* an alert came, or what came is not TLS */
};

bool real_tls_exists(void);

/* Set before the first use: handshakes are several times as fast. */
extern bool real_tls_is_quick;

/* Decides whether OpenSSL's allocations fail with those of memory_faults.h. The first call comes
 * before anything else of OpenSSL. */
void real_tls_share_memory_faults(bool shares);

/* Returns a server's filter with one reference. */
struct filter *real_tls_filter(void);

/* The caller frees the client. `older`: TLS 1.2. */
struct real_tls *real_tls_open(bool older);
void real_tls_free(struct real_tls *tls);

/* Adds bytes from the server, continues the handshake, and takes bytes for the server: returns
 * their number. */
void real_tls_add(struct real_tls *tls, const void *wire, size_t length);
bool real_tls_is_open(struct real_tls *tls);
size_t real_tls_take(struct real_tls *tls, void *wire, size_t max);

enum real_tls_read real_tls_read(struct real_tls *tls, void *plain, size_t max, size_t *length);
void real_tls_write(struct real_tls *tls, const void *plain, size_t length);
void real_tls_update_keys(struct real_tls *tls);
void real_tls_goodbye(struct real_tls *tls);

#endif
