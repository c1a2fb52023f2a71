/* SPDX-License-Identifier: MIT */
/* linux_inherited.c - describes a socket that a service manager or another parent has bound.
 *
 * Only sockets that a transport can serve are accepted: a listener of TCP or of the Unix domain, or
 * a bound UDP socket. A connected socket (systemd's Accept=yes) is refused by name, because it
 * would look like a listener that never accepts anything.
 */
#include "inherited.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "error_fill.h"
#include "linux_socket.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* What the system says about a socket. */
struct linux_inherited__kind {
    int domain, type, protocol, accepts;
};

static enum weir_code linux_inherited__fail(intptr_t descriptor, int os_error, const char *reason,
                                            const char *hint, struct weir_error *error)
{
    char subject[48];

    snprintf(subject, sizeof subject, "descriptor %lld", (long long)descriptor);
    return error_fill(error, WEIR_INVALID, os_error, "use an inherited socket", subject, reason,
                      hint);
}

static bool linux_inherited__ask(int fd, int name, int *value)
{
    socklen_t length = sizeof *value;

    return getsockopt(fd, SOL_SOCKET, name, value, &length) == 0;
}

/* Returns false with errno. */
static bool linux_inherited__kind(int fd, struct linux_inherited__kind *kind)
{
    return linux_inherited__ask(fd, SO_DOMAIN, &kind->domain) &&
           linux_inherited__ask(fd, SO_TYPE, &kind->type) &&
           linux_inherited__ask(fd, SO_PROTOCOL, &kind->protocol) &&
           linux_inherited__ask(fd, SO_ACCEPTCONN, &kind->accepts);
}

static bool linux_inherited__is_served(const struct linux_inherited__kind *kind)
{
    bool is_tcp = kind->protocol == IPPROTO_TCP || kind->protocol == IPPROTO_MPTCP;

    if (kind->domain == AF_UNIX) return kind->type == SOCK_STREAM;
    if (kind->domain != AF_INET && kind->domain != AF_INET6) return false;
    return kind->type == SOCK_STREAM ? is_tcp
                                     : kind->type == SOCK_DGRAM && kind->protocol == IPPROTO_UDP;
}

/* Writes the path of a Unix-domain socket: '@' and the name if it is abstract. Returns false if it
 * has none, or a name with a NUL, which no listener of weir can have. */
static bool linux_inherited__path(const struct sockaddr_un *sockaddr, socklen_t length, char *path)
{
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    size_t bytes = length > offset ? length - offset : 0;

    if (bytes == 0) return false;
    if (sockaddr->sun_path[0] != '\0') {
        snprintf(path, NET_UNIX_PATH_BYTES, "%.*s", (int)bytes, sockaddr->sun_path);
        return true;
    }
    if (memchr(sockaddr->sun_path + 1, '\0', bytes - 1)) return false;
    snprintf(path, NET_UNIX_PATH_BYTES, "@%.*s", (int)bytes - 1, sockaddr->sun_path + 1);
    return true;
}

/* Fills in what the socket is bound to. Returns false if it is not bound. */
static bool linux_inherited__bound(int fd, int domain, struct net_inherited *inherited)
{
    struct sockaddr_un path;
    socklen_t length = sizeof path;

    if (domain != AF_UNIX)
        return linux_local_address(fd, &inherited->address) && inherited->address.port != 0;
    memset(&path, 0, sizeof path);
    return getsockname(fd, (struct sockaddr *)&path, &length) == 0 &&
           linux_inherited__path(&path, length, inherited->unix_path);
}

enum weir_code inherited_read(intptr_t descriptor, struct net_inherited *inherited,
                              struct weir_error *error)
{
    struct linux_inherited__kind kind;
    int fd = (int)descriptor;

    *inherited = (struct net_inherited){.is_stream = false};
    if (!linux_inherited__kind(fd, &kind))
        return linux_inherited__fail(descriptor, errno, "it is not an open socket",
                                     "pass the number of a socket", error);
    if (!linux_inherited__is_served(&kind))
        return linux_inherited__fail(descriptor, 0,
                                     "it is neither TCP, UDP nor a Unix-domain stream socket",
                                     "pass one of these", error);
    inherited->is_stream = kind.type == SOCK_STREAM;
    if (inherited->is_stream && !kind.accepts)
        return linux_inherited__fail(
            descriptor, 0, "it does not listen",
            "call listen() before it is passed; in a systemd socket unit, set Accept=no", error);
    if (linux_inherited__bound(fd, kind.domain, inherited)) return WEIR_OK;
    return linux_inherited__fail(descriptor, 0, "it is not bound to an address",
                                 "bind it before it is passed", error);
}
