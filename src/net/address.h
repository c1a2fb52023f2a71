/* SPDX-License-Identifier: MIT */
/* address.h - the address of an IP socket as weir stores it in events and sessions, and questions
 * about it. struct weir_address, the public form, also has room for the path of a Unix-domain
 * socket, which would cost every event and session a hundred bytes. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

/* As in struct weir_address. */
struct net_address {
    uint8_t ip[16]; /* network byte order; IPv4 as ::ffff:a.b.c.d */
    uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;  /* host byte order */
};

/* Bytes of the longest text: "[" + 45 for the address + "%" + interface + "]:" + port + NUL. */
#define NET_ADDRESS_TEXT_BYTES 72

/* As weir_address_read(), weir_address_parse() and weir_address_text() do it for an IP address. */
enum weir_code net_address_read(const char *text, struct net_address *address,
                                struct weir_error *error);
bool net_address_parse(const char *text, struct net_address *address);
char *net_address_text(const struct net_address *address, char *text, size_t size);

/* Writes the address of a TCP or UDP peer, or "unix" for the peer of a Unix-domain socket. Such a
 * peer has no address: net reports [::]:0 for it, and for no other one. Returns `text`. */
char *address_peer_text(const struct net_address *peer, char *text, size_t size);

/* Fills in the public form. Returns `to`. */
struct weir_address *address_publish(const struct net_address *address, struct weir_address *to);

/* Returns the IP address of a public form; its path, if it has one, is left out. */
struct net_address address_of_public(const struct weir_address *address);

/* What precedes an IPv4 address in its mapped form. */
extern const uint8_t address_v4_prefix[12];

/* Returns whether the address is an IPv4 address in its mapped form. */
bool address_is_v4(const struct net_address *address);

/* Returns an IPv4 address; `ip` is in host order: 0x7f000001 is 127.0.0.1. */
struct net_address address_of_v4(uint32_t ip, uint16_t port);

/* Returns whether the address is "[::]" or "0.0.0.0". */
bool address_is_any(const struct net_address *address);

/* Returns whether a datagram from this address can be answered: not from port 0, nor from an
 * unspecified, multicast or broadcast address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7). */
bool address_is_answerable(const struct net_address *address);

/* Returns whether address and port are equal. */
bool address_equals(const struct net_address *a, const struct net_address *b);

/* Returns whether the addresses are equal; ignores the ports. */
bool address_same_ip(const struct net_address *a, const struct net_address *b);

#endif
