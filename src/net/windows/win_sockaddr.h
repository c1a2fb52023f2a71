/* SPDX-License-Identifier: MIT */
/* win_sockaddr.h - the layout of Windows's socket addresses and control messages, as a RIO
 * request's address and control pieces hold them. It includes no Windows header. The caller owns
 * all memory. Any thread. */
#ifndef NET_WINDOWS_WIN_SOCKADDR_H
#define NET_WINDOWS_WIN_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#define WIN_AF_INET 2u
#define WIN_AF_INET6 23u

/* SOCKADDR_INET: the larger of sockaddr_in and sockaddr_in6. Ports and addresses in network
 * order. */
struct win_sockaddr {
    uint16_t family;
    uint8_t port[2];
    uint8_t v4_or_flow[4]; /* sin_addr; sin6_flowinfo */
    uint8_t v6[16];
    uint32_t scope;
};

_Static_assert(sizeof(struct win_sockaddr) == 28, "SOCKADDR_INET");

struct net_address win_address_of(const struct win_sockaddr *sockaddr);

/* Fills in *sockaddr for a socket of that family; a dual-stack socket needs IPv4 addresses in
 * mapped form. Returns the number of bytes used. */
uint32_t win_sockaddr_of(const struct net_address *address, bool v4_socket,
                         struct win_sockaddr *sockaddr);

/* RIO_CMSG_BUFFER: a length, then control messages as in WSAMSG.Control. */
#define WIN_CONTROL_BASE_BYTES ((sizeof(uint32_t) + sizeof(void *) - 1) & ~(sizeof(void *) - 1))
#define WIN_CONTROL_BYTES 128u /* room for two of each requested message */

/* Writes a RIO_CMSG_BUFFER with the source address of a datagram. Returns its length, or 0 if the
 * address cannot be a source; the system then chooses one. `control` has WIN_CONTROL_BYTES and is
 * aligned like a pointer. */
uint32_t win_control_put_local(uint8_t *control, bool v4_socket, const struct net_address *local);

/* Reads the destination address of a received datagram. Returns false if no message has it. Uses
 * the first of several messages (a mapped IPv4 datagram might have two). */
bool win_control_local(const uint8_t *control, uint32_t bytes_max, uint16_t port,
                       struct net_address *local);

#endif
