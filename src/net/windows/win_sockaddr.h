/* SPDX-License-Identifier: MIT */
/* win_sockaddr.h - Windows's socket addresses and control messages, byte by byte: what the address
 * and control pieces of a RIO request hold. No Windows header is needed. */
#ifndef NET_WINDOWS_WIN_SOCKADDR_H
#define NET_WINDOWS_WIN_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

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

struct weir_address win_address_of(const struct win_sockaddr *sockaddr);

/* For a socket of that family (a dual-stack socket takes IPv4 in its mapped form). Returns how many
 * of its bytes are used. */
uint32_t win_sockaddr_of(const struct weir_address *address, bool v4_socket,
                         struct win_sockaddr *sockaddr);

/* RIO_CMSG_BUFFER: a length, then control messages as WSAMSG.Control has them. */
#define WIN_CONTROL_BASE_BYTES ((sizeof(uint32_t) + sizeof(void *) - 1) & ~(sizeof(void *) - 1))
#define WIN_CONTROL_BYTES 128u /* room for each message that we ask for, twice */

/* Writes a RIO_CMSG_BUFFER that names the address to send from; returns its length, 0 when the
 * system is to choose (an address that nobody can be answered from). `control` is aligned as a
 * pointer is and has WIN_CONTROL_BYTES. */
uint32_t win_control_put_local(uint8_t *control, bool v4_socket, const struct weir_address *local);

/* Reads the address that a datagram was sent to; false: it is not told. Takes the first of several
 * (a mapped IPv4 datagram may bring two). */
bool win_control_local(const uint8_t *control, uint32_t bytes_max, uint16_t port,
                       struct weir_address *local);

#endif
