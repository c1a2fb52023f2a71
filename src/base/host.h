/* SPDX-License-Identifier: MIT */
/* host.h - the addresses of a host, as the system's resolver finds them. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#define HOST_NAME_BYTES_MAX 255 /* without the terminating NUL */
#define HOST_ADDRESSES_MAX 16   /* further ones are left out */

/* As in struct weir_address. */
struct host_address {
    uint8_t ip[16];
    uint32_t scope;
};

struct host_addresses {
    enum weir_code code; /* WEIR_OK: there is at least one address */
    int os_error;        /* 0: `why` says it all */
    char why[96];        /* why none was found */
    uint32_t count;
    struct host_address at[HOST_ADDRESSES_MAX]; /* of both families, in the system's order */
};

/* Looks up a name: in the system's files and caches, or by DNS, for which it can wait many seconds.
 * Thread: any; it blocks. */
void host_lookup(const char *name, struct host_addresses *found);

/* Adds the address to those found, unless it is there or there is no room. For host_lookup(). */
void host_add(struct host_addresses *found, const uint8_t ip[16], uint32_t scope);

/* Writes an IPv4 address in its mapped form. For host_lookup(). */
void host_map_ipv4(const void *ipv4, uint8_t ip[16]);

#endif
