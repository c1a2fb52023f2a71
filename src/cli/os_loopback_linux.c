/* SPDX-License-Identifier: MIT */
/* os_loopback_linux.c - binds a socket to a loopback address, to see whether it exists. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os_loopback.h"

bool os_has_loopback(bool v6)
{
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr_in four = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bound = -1;

    if (fd >= 0)
        bound = v6 ? bind(fd, (const struct sockaddr *)&six, sizeof six)
                   : bind(fd, (const struct sockaddr *)&four, sizeof four);
    int error = bound == 0 ? 0 : errno;
    if (fd >= 0) close(fd);
    return error != EAFNOSUPPORT && error != EADDRNOTAVAIL;
}
