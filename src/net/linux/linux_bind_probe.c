/* SPDX-License-Identifier: MIT */
/* linux_bind_probe.c - tries to bind, and asks the kernel for its listening sockets by
 * sock_diag(7), which needs neither /proc nor a connection to the other program. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "bind_probe.h"
#include "linux_socket.h"

struct linux_bind_probe__request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 wanted;
};

/* Whether binding fails for an address in use, with the options of a listener. */
static bool linux_bind_probe__is_used(const struct net_address *address)
{
    bool v4 = address_is_v4(address);
    union linux_sockaddr sockaddr;
    socklen_t length = linux_sockaddr_of(address, v4, &sockaddr);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1, off = 0;
    bool used = false;

    if (fd < 0) return false; /* opening the listener reports why */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0))
        used = bind(fd, &sockaddr.any, length) != 0 && errno == EADDRINUSE;
    close(fd);
    return used;
}

static bool linux_bind_probe__ask(int fd, int family)
{
    struct linux_bind_probe__request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .wanted = {.sdiag_family = (uint8_t)family,
                   .sdiag_protocol = IPPROTO_TCP,
                   .idiag_states = 1u << TCP_LISTEN},
    };

    return send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request;
}

/* Whether a bind of the one address meets a listener of the other. */
static bool linux_bind_probe__meets(const struct inet_diag_msg *listener,
                                    const struct net_address *address)
{
    union linux_sockaddr sockaddr = {.any.sa_family = listener->idiag_family};

    if (ntohs(listener->id.idiag_sport) != address->port) return false;
    if (listener->idiag_family == AF_INET)
        memcpy(&sockaddr.v4.sin_addr, listener->id.idiag_src, sizeof sockaddr.v4.sin_addr);
    else
        memcpy(&sockaddr.v6.sin6_addr, listener->id.idiag_src, sizeof sockaddr.v6.sin6_addr);
    const struct net_address other = linux_address_of(&sockaddr);
    return address_is_any(&other) || address_is_any(address) || address_same_ip(&other, address);
}

enum linux_bind_probe__answer {
    LINUX_BIND_PROBE__MORE,
    LINUX_BIND_PROBE__NO,
    LINUX_BIND_PROBE__YES
};

/* Reads one message of the list: a listener, the end, or an error, which counts as a listener. */
static enum linux_bind_probe__answer linux_bind_probe__read(const char *message, size_t left,
                                                            const struct net_address *address)
{
    struct nlmsghdr header;
    struct inet_diag_msg listener;

    memcpy(&header, message, sizeof header);
    if (header.nlmsg_type == NLMSG_DONE) return LINUX_BIND_PROBE__NO;
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len > left ||
        header.nlmsg_len < NLMSG_HDRLEN + sizeof listener)
        return LINUX_BIND_PROBE__YES;
    memcpy(&listener, message + NLMSG_HDRLEN, sizeof listener);
    return linux_bind_probe__meets(&listener, address) ? LINUX_BIND_PROBE__YES
                                                       : LINUX_BIND_PROBE__MORE;
}

/* Receives one part of the kernel's list, of several messages. */
static enum linux_bind_probe__answer linux_bind_probe__receive(int fd,
                                                               const struct net_address *address)
{
    char part[16384];
    enum linux_bind_probe__answer answer = LINUX_BIND_PROBE__MORE;
    ssize_t got = recv(fd, part, sizeof part, 0);

    if (got < 0 && errno == EINTR) return LINUX_BIND_PROBE__MORE;
    if (got <= 0) return LINUX_BIND_PROBE__YES;
    size_t length = (size_t)got, at = 0;
    while (answer == LINUX_BIND_PROBE__MORE && length - at >= NLMSG_HDRLEN) {
        uint32_t message_bytes;
        memcpy(&message_bytes, part + at, sizeof message_bytes); /* nlmsghdr begins with it */
        answer = linux_bind_probe__read(part + at, length - at, address);
        size_t step = NLMSG_ALIGN((size_t)message_bytes);
        at = step < length - at ? at + step : length;
    }
    return answer;
}

/* Whether a socket listens there, of this family or of the other, which can share the port. */
static bool linux_bind_probe__has_listener(const struct net_address *address)
{
    static const int families[] = {AF_INET, AF_INET6};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    enum linux_bind_probe__answer answer = LINUX_BIND_PROBE__NO;

    if (fd < 0) return true;
    for (size_t i = 0; i < 2 && answer == LINUX_BIND_PROBE__NO; i++) {
        answer =
            linux_bind_probe__ask(fd, families[i]) ? LINUX_BIND_PROBE__MORE : LINUX_BIND_PROBE__YES;
        while (answer == LINUX_BIND_PROBE__MORE) answer = linux_bind_probe__receive(fd, address);
    }
    close(fd);
    return answer == LINUX_BIND_PROBE__YES;
}

bool bind_probe_lingers(const struct net_address *address)
{
    return linux_bind_probe__is_used(address) && !linux_bind_probe__has_listener(address);
}
