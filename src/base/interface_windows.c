/* SPDX-License-Identifier: MIT */
/* interface_windows.c - names and indexes of network interfaces on Windows, where users and system
 * tools write the index: fe80::1%12. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <netioapi.h>

#include "interface.h"

uint32_t interface_index(const char *name, int *os_error)
{
    *os_error = 0;
    return if_nametoindex(name);
}

bool interface_name(uint32_t index, char *name, size_t size)
{
    (void)index;
    (void)name;
    (void)size;
    return false;
}

const char *interface_hint(void)
{
    return "see their numbers with 'netsh interface ipv6 show interfaces'";
}
