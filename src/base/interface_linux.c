/* SPDX-License-Identifier: MIT */
/* interface_linux.c - names and indexes of network interfaces on Linux. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "interface.h"

uint32_t interface_index(const char *name, int *os_error)
{
    uint32_t index;

    *os_error = 0;
    if (strlen(name) >= IF_NAMESIZE) return 0; /* the kernel would compare a part of it */
    index = if_nametoindex(name);
    if (index == 0 && errno != ENODEV && errno != ENXIO) *os_error = errno;
    return index;
}

/* A name of digits would be mistaken for an index. The kernel also allows control characters in a
 * name, which must not reach a terminal. */
static bool interface__is_printable(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == '%' || *at == ']') return false;
    return name[strspn(name, "0123456789")] != '\0';
}

bool interface_name(uint32_t index, char *name, size_t size)
{
    char room[IF_NAMESIZE];

    if (!if_indextoname(index, room) || !interface__is_printable(room)) return false;
    return snprintf(name, size, "%s", room) < (int)size;
}

const char *interface_hint(void)
{
    return "see the interfaces with 'ip link'";
}
