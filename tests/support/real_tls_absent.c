/* SPDX-License-Identifier: MIT */
/* real_tls_absent.c - a build without OpenSSL: real_filters.c leaves TLS out. */
#include "real_tls.h"

#include "require.h"

#define ABSENT() require_failed(__FILE__, __LINE__, "this build has no TLS")

bool real_tls_is_quick;

bool real_tls_exists(void)
{
    return false;
}

void real_tls_share_memory_faults(bool shares)
{
    (void)shares;
}

struct filter *real_tls_filter(void)
{
    ABSENT();
}

struct real_tls *real_tls_open(bool older)
{
    (void)older;
    ABSENT();
}

void real_tls_free(struct real_tls *tls)
{
    (void)tls;
    ABSENT();
}

void real_tls_add(struct real_tls *tls, const void *wire, size_t length)
{
    (void)tls, (void)wire, (void)length;
    ABSENT();
}

bool real_tls_is_open(struct real_tls *tls)
{
    (void)tls;
    ABSENT();
}

size_t real_tls_take(struct real_tls *tls, void *wire, size_t max)
{
    (void)tls, (void)wire, (void)max;
    ABSENT();
}

enum real_tls_read real_tls_read(struct real_tls *tls, void *plain, size_t max, size_t *length)
{
    (void)tls, (void)plain, (void)max, (void)length;
    ABSENT();
}

void real_tls_write(struct real_tls *tls, const void *plain, size_t length)
{
    (void)tls, (void)plain, (void)length;
    ABSENT();
}

void real_tls_update_keys(struct real_tls *tls)
{
    (void)tls;
    ABSENT();
}

void real_tls_goodbye(struct real_tls *tls)
{
    (void)tls;
    ABSENT();
}
