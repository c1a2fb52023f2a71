/* SPDX-License-Identifier: MIT */
/* os_connect_linux.c - looks up hosts by getaddrinfo(), and connects without blocking. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os.h"
#include "os_connect.h"
#include "os_error.h"

/* Stores the path of a Unix-domain socket; '@' begins a name without a file. */
static void os_connect__set_path(struct os_addresses *found, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    found->count = length <= sizeof to.sun_path - 1;
    if (found->count == 0) snprintf(found->why, sizeof found->why, "the path is too long");
    if (found->count == 0) return;
    memcpy(to.sun_path, path, length);
    if (path[0] == '@') to.sun_path[0] = '\0';
    memcpy(found->at[0].bytes, &to, sizeof to);
    length += offsetof(struct sockaddr_un, sun_path) + (path[0] == '@' ? 0 : 1);
    found->at[0].length = (int)length;
    found->at[0].is_ipv4 = false;
}

void os_lookup(const char *host, const char *port, bool datagrams, struct os_addresses *found)
{
    const struct addrinfo wanted = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *first = NULL;

    if (strncmp(host, "unix:", 5) == 0) {
        os_connect__set_path(found, host + 5);
        return;
    }
    int failure = getaddrinfo(host, port, &wanted, &first);

    found->count = 0;
    if (failure == EAI_SYSTEM)
        os_error_text(errno, found->why, sizeof found->why);
    else if (failure != 0)
        snprintf(found->why, sizeof found->why, "%s", gai_strerror(failure));
    for (const struct addrinfo *info = first; info && found->count < ATTEMPTS_MAX;
         info = info->ai_next) {
        struct os_address *address = &found->at[found->count++];
        memcpy(address->bytes, info->ai_addr, info->ai_addrlen);
        address->length = (int)info->ai_addrlen;
        address->is_ipv4 = info->ai_family == AF_INET;
    }
    if (first) freeaddrinfo(first);
}

int os_attempt_begin(struct os_attempt *attempt, const struct os_address *address, bool datagrams)
{
    struct sockaddr_storage to;
    int type = (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;

    memcpy(&to, address->bytes, (size_t)address->length);
    int fd = socket(to.ss_family, type, 0);
    *attempt = (struct os_attempt){.handle = fd};
    if (fd < 0) return errno;
    attempt->is_connected =
        connect(fd, (const struct sockaddr *)&to, (socklen_t)address->length) == 0;
    if (attempt->is_connected) return 0;
    int os_error = errno;
    if (os_error == EINPROGRESS) return 0;
    os_attempt_close(attempt);
    return os_error;
}

uint32_t os_attempts_wait(const struct os_attempt *attempts, uint32_t count, uint32_t timeout_ms,
                          int *os_error)
{
    struct pollfd watched[ATTEMPTS_MAX];
    socklen_t size = sizeof *os_error;
    int timeout = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

    for (uint32_t i = 0; i < count; i++) {
        if (attempts[i].is_connected) return i;
        watched[i] = (struct pollfd){.fd = (int)attempts[i].handle, .events = POLLOUT};
    }
    if (poll(watched, count, timeout) <= 0) return count; /* or EINTR */
    for (uint32_t i = 0; i < count; i++) {
        if (!watched[i].revents) continue;
        if (getsockopt(watched[i].fd, SOL_SOCKET, SO_ERROR, os_error, &size) < 0) *os_error = errno;
        return i;
    }
    return count;
}

const char *os_connect_hint(int os_error)
{
    return os_error == EPERM || os_error == EACCES
               ? "a firewall or a policy such as seccomp forbids it; allow it there"
               : os_hint(os_error);
}

void os_attempt_close(struct os_attempt *attempt)
{
    if (attempt->handle >= 0) close((int)attempt->handle);
    attempt->handle = -1;
}
