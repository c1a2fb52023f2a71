/* SPDX-License-Identifier: MIT */
/* host_lookup_windows.c - looks up a host by GetAddrInfoW(), whose names can have any characters.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>

#include "error_fill.h"
#include "host.h"
#include "host_sockaddr.h"

static void host__fail(struct host_addresses *found, int failure)
{
    found->code = WEIR_SYSTEM;
    switch (failure) {
    case WSAHOST_NOT_FOUND:
    case WSANO_DATA:
        found->code = WEIR_UNREACHABLE;
        snprintf(found->why, sizeof found->why, "no host has this name");
        break;
    case WSATRY_AGAIN:
        found->code = WEIR_TIMED_OUT;
        snprintf(found->why, sizeof found->why, "the name could not be looked up now");
        break;
    default:
        found->os_error = failure;
        if (error_code_of_os(failure) != WEIR_OK) found->code = error_code_of_os(failure);
    }
}

void host_lookup(const char *name, struct host_addresses *found)
{
    const ADDRINFOW wanted = {.ai_socktype = SOCK_STREAM};
    wchar_t wide[HOST_NAME_BYTES_MAX + 1];
    ADDRINFOW *first = NULL;
    WSADATA loaded;

    *found = (struct host_addresses){.code = WEIR_OK};
    int failure = WSAStartup(MAKEWORD(2, 2), &loaded);
    if (failure != 0) {
        host__fail(found, failure);
        return;
    }
    failure = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide,
                                  HOST_NAME_BYTES_MAX + 1) == 0
                  ? WSAHOST_NOT_FOUND
                  : GetAddrInfoW(wide, NULL, &wanted, &first);
    for (const ADDRINFOW *info = first; info; info = info->ai_next)
        host_add_sockaddr(found, info->ai_addr);
    if (first) FreeAddrInfoW(first);
    if (failure == 0 && found->count == 0) failure = WSAHOST_NOT_FOUND;
    if (failure != 0) host__fail(found, failure);
    WSACleanup();
}
