/* SPDX-License-Identifier: MIT */
/* trust_linux.c - OpenSSL finds the certificates of the distribution (/etc/ssl/certs) by itself. */
#include "trust.h"

bool trust_each(trust_take *take, void *user)
{
    (void)take;
    (void)user;
    return true;
}
