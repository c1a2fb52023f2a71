/* SPDX-License-Identifier: MIT */
/* trust.h - the certificate authorities that the system trusts, where OpenSSL does not find them:
 * on Windows they are in a store of the system, and not in files. */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include <stddef.h>
#include <stdint.h>

/* Receives one certificate in DER. */
typedef void trust_take(void *user, const uint8_t *certificate, size_t length);

/* Calls `take` for each certificate of the system's store; for none where OpenSSL finds the
 * system's files by itself. Thread: any. */
void trust_each(trust_take *take, void *user);

#endif
