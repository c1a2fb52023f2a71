/* SPDX-License-Identifier: MIT */
/* trust.h - the certificate authorities that the system trusts, where OpenSSL does not find them:
 * on Windows they are in a store of the system, and not in files. */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Receives one certificate in DER. Returns false to stop. */
typedef bool trust_take(void *user, const uint8_t *certificate, size_t length);

/* Calls `take` for each certificate of the system's store; for none where OpenSSL finds the
 * system's files by itself. Returns false if `take` did. Thread: any. */
bool trust_each(trust_take *take, void *user);

#endif
