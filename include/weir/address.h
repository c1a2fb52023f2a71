/* SPDX-License-Identifier: MIT */
/* address.h - an IP address with a port, in one representation for IPv4 and IPv6. */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An IPv4 address is stored as IPv4-mapped IPv6 (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), as a
 * dual-stack socket reports it. One comparison and one hash serve both families. */
struct weir_address {
    uint8_t ip[16]; /* network byte order */
    uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;  /* host byte order */
};

/* Bytes of the longest text: "[" + 45 for the address + "%" + scope + "]:" + port + NUL. */
#define WEIR_ADDRESS_TEXT_BYTES 72

/* Parses "PORT", "ADDR:PORT", "[ADDR6]:PORT" or "*:PORT". Addresses are numeric; names are not
 * resolved. "PORT" and "*:PORT" mean all addresses of both families ("[::]", dual stack). Returns
 * false, with *address unchanged, if the text has another form. Thread: any. */
WEIR_API bool weir_address_parse(const char *text, struct weir_address *address);

/* Writes "127.0.0.1:5050" or "[::1]:5050", cut to `size` bytes including the NUL. Returns `text`.
 * Thread: any. */
WEIR_API char *weir_address_text(const struct weir_address *address, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
