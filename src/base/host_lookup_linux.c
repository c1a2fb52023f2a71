/* SPDX-License-Identifier: MIT */
/* host_lookup_linux.c - looks up a host by getaddrinfo(). */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>

#include "error_fill.h"
#include "host.h"
#include "host_sockaddr.h"

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
    for (const struct addrinfo *info = first; info; info = info->ai_next)
        host_add_sockaddr(found, info->ai_addr);
    freeaddrinfo(first);
    if (found->count == 0) host__fail(found, EAI_NONAME, 0);
}
