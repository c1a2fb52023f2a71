/* SPDX-License-Identifier: MIT */
/* trust_windows.c - the store "ROOT" of Windows. It contains the authorities that Windows has used,
 * and those that an administrator has added; Windows loads others when its own programs need them.
 */
#include <winsock2.h> /* before windows.h */

#include <windows.h>
#include <wincrypt.h>

#include "trust.h"

void trust_each(trust_take *take, void *user)
{
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");
    const CERT_CONTEXT *certificate = NULL;

    if (!store) return; /* then no server is trusted, and the user gives --tls-ca */
    while ((certificate = CertEnumCertificatesInStore(store, certificate)) != NULL)
        take(user, certificate->pbCertEncoded, certificate->cbCertEncoded);
    CertCloseStore(store, 0);
}
