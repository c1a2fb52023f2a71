/* SPDX-License-Identifier: MIT */
/* trust_windows.c - the store "ROOT" of Windows. It contains the authorities that Windows has used,
 * and those that an administrator has added; Windows loads others when its own programs need them.
 */
#include <winsock2.h> /* before windows.h */

#include <windows.h>
#include <wincrypt.h>

#include "trust.h"

bool trust_each(trust_take *take, void *user)
{
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");
    const CERT_CONTEXT *certificate = NULL;
    bool is_good = true;

    if (!store) return true; /* then no server is trusted, and the user gives --tls-ca */
    while (is_good && (certificate = CertEnumCertificatesInStore(store, certificate)) != NULL)
        is_good = take(user, certificate->pbCertEncoded, certificate->cbCertEncoded);
    if (certificate) CertFreeCertificateContext(certificate); /* the enumeration frees the others */
    CertCloseStore(store, 0);
    return is_good;
}
