/* SPDX-License-Identifier: MIT */
/* plain_socket_linux.c - the sockets of tests, on Linux. */
#include "plain_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux_socket.h"
#include "require.h"

static int32_t plain__outcome(ssize_t result)
{
    if (result >= 0) return (int32_t)result;
    if (errno == EAGAIN) return PLAIN_WAIT;
    return errno == ECONNRESET || errno == EPIPE ? PLAIN_GONE : PLAIN_FAILED;
}

plain_socket plain_open(bool v4, bool stream, int receive_bytes)
{
    const int on = 1;
    int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(v4 ? AF_INET : AF_INET6, type, 0);

    require(fd >= 0);
    if (receive_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (stream) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void plain_close(plain_socket socket)
{
    close((int)socket);
}

void plain_reset(plain_socket socket)
{
    const struct linger with_rst = {.l_onoff = 1,
                                    .l_linger = 0}; /* socket(7): close sends an RST */

    setsockopt((int)socket, SOL_SOCKET, SO_LINGER, &with_rst, sizeof with_rst);
    close((int)socket);
}

bool plain_bind(plain_socket socket, bool v4, const struct net_address *address)
{
    union linux_sockaddr sockaddr;
    socklen_t length = linux_sockaddr_of(address, v4, &sockaddr);

    return bind((int)socket, &sockaddr.any, length) == 0;
}

struct net_address plain_local(plain_socket socket)
{
    struct net_address address;

    require(linux_local_address((int)socket, &address));
    return address;
}

bool plain_connect(plain_socket socket, bool v4, const struct net_address *to)
{
    union linux_sockaddr sockaddr;
    socklen_t length = linux_sockaddr_of(to, v4, &sockaddr);

    return connect((int)socket, &sockaddr.any, length) == 0 || errno == EINPROGRESS;
}

int plain_connected(plain_socket socket)
{
    struct pollfd poll_fd = {.fd = (int)socket, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;

    if (poll(&poll_fd, 1, 0) != 1) return PLAIN_WAIT;
    getsockopt((int)socket, SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? 0 : PLAIN_GONE;
}

void plain_listen(plain_socket socket, int backlog)
{
    require(listen((int)socket, backlog) == 0);
}

plain_socket plain_accept(plain_socket socket)
{
    const int on = 1;
    int fd = accept4((int)socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) return PLAIN_NONE;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int32_t plain_send(plain_socket socket, const void *bytes, uint32_t count)
{
    return plain__outcome(send((int)socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int32_t plain_receive(plain_socket socket, void *bytes, uint32_t bytes_max, bool peek)
{
    return plain__outcome(
        recv((int)socket, bytes, bytes_max, MSG_DONTWAIT | (peek ? MSG_PEEK : 0)));
}

bool plain_has_failed(plain_socket socket)
{
    struct pollfd poll_fd = {.fd = (int)socket};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR) != 0;
}

void plain_finish(plain_socket socket)
{
    shutdown((int)socket, SHUT_WR);
}

int32_t plain_send_to(plain_socket socket, bool v4, const struct net_address *to, const void *bytes,
                      uint32_t length)
{
    union linux_sockaddr sockaddr;
    socklen_t sockaddr_length = linux_sockaddr_of(to, v4, &sockaddr);
    ssize_t sent = sendto((int)socket, bytes, length, MSG_DONTWAIT, &sockaddr.any, sockaddr_length);

    return sent < 0 && errno == ECONNREFUSED ? PLAIN_GONE : plain__outcome(sent);
}

bool plain_receive_from(plain_socket socket, void *bytes, uint32_t bytes_max, uint32_t *length,
                        struct net_address *from)
{
    union linux_sockaddr sockaddr;
    socklen_t sockaddr_length = sizeof sockaddr;
    ssize_t got = recvfrom((int)socket, bytes, bytes_max, MSG_DONTWAIT | MSG_TRUNC, &sockaddr.any,
                           &sockaddr_length);

    if (got < 0) return false;
    *length = (uint32_t)got;
    if (from) *from = linux_address_of(&sockaddr);
    return true;
}

bool plain_is_wine(void)
{
    return false;
}

bool plain_is_windows(void)
{
    return false;
}

/* ---- files ---- */

uint32_t plain_files_count(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint32_t count = 0;

    require(folder != NULL);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* Returns the limit that leaves `more` numbers free. The kernel assigns the lowest number first. */
static rlim_t plain__limit_for(uint32_t more)
{
    int fd = 0;

    for (;; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) continue;
        if (more-- == 0) return (rlim_t)fd;
    }
}

bool plain_limit_files(uint32_t more)
{
    static struct rlimit before; /* zero until the first limit */
    struct rlimit limit;

    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (before.rlim_cur == 0) before = limit;
    limit.rlim_cur = more == UINT32_MAX ? before.rlim_cur : plain__limit_for(more);
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return true;
}

bool plain_is_readable(int descriptor, int patience_ms)
{
    struct pollfd pollfd = {.fd = descriptor, .events = POLLIN};

    return poll(&pollfd, 1, patience_ms) > 0;
}
