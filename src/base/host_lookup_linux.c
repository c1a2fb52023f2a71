/* SPDX-License-Identifier: MIT */
/* host_lookup_linux.c - looks up a host by getaddrinfo(). */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "error_fill.h"
#include "host.h"

static void host__add(struct host_addresses *found, const struct addrinfo *info)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint8_t ip[16];

    if (info->ai_family == AF_INET) {
        memcpy(&v4, info->ai_addr, sizeof v4);
        host_map_ipv4(&v4.sin_addr, ip);
        host_add(found, ip, 0);
    } else if (info->ai_family == AF_INET6) {
        memcpy(&v6, info->ai_addr, sizeof v6);
        host_add(found, v6.sin6_addr.s6_addr, v6.sin6_scope_id);
    }
}

/* Returns the portable code of a failed lookup. */
static enum weir_code host__code(int failure)
{
    switch (failure) {
    case EAI_MEMORY: return WEIR_NO_MEMORY;
    case EAI_AGAIN: return WEIR_TIMED_OUT;
    case EAI_NONAME:
    case EAI_NODATA: return WEIR_UNREACHABLE;
    default: return WEIR_SYSTEM;
    }
}

static void host__fail(struct host_addresses *found, int failure, int os_error)
{
    if (failure == EAI_SYSTEM) {
        found->os_error = os_error;
        found->code = error_code_of_os(os_error);
        return;
    }
    found->code = host__code(failure);
    snprintf(found->why, sizeof found->why, "%s", gai_strerror(failure));
}

void host_lookup(const char *name, struct host_addresses *found)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *first = NULL;
    int failure = getaddrinfo(name, NULL, &wanted, &first);

    *found = (struct host_addresses){.code = WEIR_OK};
    if (failure != 0) {
        host__fail(found, failure, errno);
        return;
    }
    for (const struct addrinfo *info = first; info; info = info->ai_next) host__add(found, info);
    freeaddrinfo(first);
    if (found->count == 0) host__fail(found, EAI_NONAME, 0);
}
