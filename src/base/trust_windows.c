/* SPDX-License-Identifier: MIT */
/* trust_windows.c - the store "ROOT" of Windows. It contains the authorities that Windows has used,
 * and those that an administrator has added; Windows loads others when its own programs need them.
 */
#include "trust_windows.h"

#include <winsock2.h> /* before windows.h */
#include <stdbool.h>
#include <string.h>

#include <windows.h>
#include <wincrypt.h>

#define TRUST_WINDOWS__USES_BYTES_MAX 4096

/* Whether a certificate may identify servers by its extension, or by its property (`from`). */
static bool trust_windows__allows(const CERT_CONTEXT *certificate, DWORD from)
{
    union {
        CERT_ENHKEY_USAGE usage;
        BYTE bytes[TRUST_WINDOWS__USES_BYTES_MAX];
    } room;
    DWORD size = sizeof room;

    SetLastError(0);
    if (!CertGetEnhancedKeyUsage(certificate, from, &room.usage, &size) ||
        room.usage.cUsageIdentifier == 0)
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND; /* it has none; otherwise: for no use */
    for (DWORD i = 0; i < room.usage.cUsageIdentifier; i++)
        if (strcmp(room.usage.rgpszUsageIdentifier[i], szOID_PKIX_KP_SERVER_AUTH) == 0) return true;
    return false;
}

/* Some certificates are trusted for other uses alone: their extension says so, or a property that
 * Microsoft or an administrator has set. */
static bool trust_windows__is_for_servers(const CERT_CONTEXT *certificate)
{
    return trust_windows__allows(certificate, CERT_FIND_EXT_ONLY_ENHKEY_USAGE_FLAG) &&
           trust_windows__allows(certificate, CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG);
}

void trust_windows_each(void *store, trust_take *take, void *user)
{
    const CERT_CONTEXT *certificate = NULL;

    while ((certificate = CertEnumCertificatesInStore(store, certificate)) != NULL)
        if (trust_windows__is_for_servers(certificate))
            take(user, certificate->pbCertEncoded, certificate->cbCertEncoded);
}

void trust_each(trust_take *take, void *user)
{
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");

    if (!store) return; /* then no server is trusted, and the user gives --tls-ca */
    trust_windows_each(store, take, user);
    CertCloseStore(store, 0);
}
