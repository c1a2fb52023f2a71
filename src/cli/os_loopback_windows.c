/* SPDX-License-Identifier: MIT */
/* os_loopback_windows.c - binds a socket to a loopback address, to see whether it exists. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "os_loopback.h"

bool os_has_loopback(bool v6)
{
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET};
    WSADATA loaded;
    int bound = SOCKET_ERROR;

    if (WSAStartup(MAKEWORD(2, 2), &loaded) != 0) return true;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET made = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    if (made != INVALID_SOCKET)
        bound = v6 ? bind(made, (const struct sockaddr *)&six, sizeof six)
                   : bind(made, (const struct sockaddr *)&four, sizeof four);
    int error = bound == 0 ? 0 : WSAGetLastError();
    if (made != INVALID_SOCKET) closesocket(made);
    WSACleanup();
    return error != WSAEAFNOSUPPORT && error != WSAEADDRNOTAVAIL;
}
