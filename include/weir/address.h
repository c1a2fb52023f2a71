/* SPDX-License-Identifier: MIT */
/* address.h - an IP address and port, in one form for IPv4 and IPv6 and for every system. */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* IPv4 addresses stand as IPv4-mapped IPv6 (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), as a
 * dual-stack socket shows them, so that one comparison and one hash serve both. */
struct weir_address {
    uint8_t ip[16]; /* network order */
    uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;  /* host order */
};

/* Room for the longest text: "[" + 45 of the address + "%" + scope + "]:" + port. */
#define WEIR_ADDRESS_TEXT_BYTES 72

/* Reads "PORT", "ADDR:PORT", "[ADDR6]:PORT" or "*:PORT"; numeric only, no name is looked up. PORT
 * alone and "*" mean every address of both families ("[::]", dual stack). Returns false, and leaves
 * *address alone, on anything else. */
WEIR_API bool weir_address_parse(const char *text, struct weir_address *address);

/* Writes "127.0.0.1:5050" or "[::1]:5050". Returns `text`. */
WEIR_API char *weir_address_text(const struct weir_address *address, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
