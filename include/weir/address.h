/* SPDX-License-Identifier: MIT */
/* address.h - the address of a socket: an IP address with a port, in one representation for IPv4
 * and IPv6, or the path of a Unix-domain socket. */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ADDRESS_PATH_BYTES_MAX 111 /* without the terminating NUL; Linux accepts 107 */

/* An IPv4 address is stored as IPv4-mapped IPv6 (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), as a
 * dual-stack socket reports it. One comparison and one hash serve both families. The layout is
 * final: it has no `size` member. */
struct weir_address {
    uint8_t ip[16];      /* network byte order */
    uint32_t scope;      /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;       /* host byte order */
    uint16_t path_bytes; /* 0: an IP address. Else the length of `path`; the members above are 0 */
    char path[WEIR_ADDRESS_PATH_BYTES_MAX + 1]; /* Unix-domain socket, with a NUL; Linux only */
};

/* Bytes of the longest text: "unix:" + path + NUL. The longest text of an IP address has 72 bytes:
 * "[" + 45 for the address + "%" + interface + "]:" + port + NUL. */
#define WEIR_ADDRESS_TEXT_BYTES 120

/* Parses "PORT", "ADDR:PORT", "[ADDR6]:PORT", "*:PORT" or "unix:PATH". "PORT" and "*:PORT" mean all
 * addresses of both families ("[::]", dual stack). Addresses are numeric; names are not resolved. A
 * link-local address has the name or the index of its interface: "[fe80::1%eth0]:5050",
 * "[fe80::1%2]:5050". A port is decimal digits, 0 to 65535. Returns WEIR_OK; WEIR_INVALID if the
 * text is not an address; or another code if the system could not look up the interface. On failure
 * *error (may be null) says what is wrong and how to correct it, and *address is unchanged. Thread:
 * any. */
WEIR_API enum weir_code weir_address_read(const char *text, struct weir_address *address,
                                          struct weir_error *error);

/* Does the same as weir_address_read(), without an error description. Returns whether the text is
 * an address. Thread: any. */
WEIR_API bool weir_address_parse(const char *text, struct weir_address *address);

/* Writes "127.0.0.1:5050", "[::1]:5050", "[fe80::1%eth0]:5050" or "unix:/run/weir.sock", cut to
 * `size` bytes including the NUL. An interface without a name, and every interface on Windows, is
 * written as its index. Returns `text`. Thread: any. */
WEIR_API char *weir_address_text(const struct weir_address *address, char *text, size_t size);

/* A block of addresses: those whose first `prefix_bits` bits equal the first bits of `ip`. */
struct weir_address_block {
    uint8_t ip[16];       /* as in struct weir_address; the bits after the prefix are 0 */
    uint32_t prefix_bits; /* 0 to 128; for an IPv4 block 96 more than its text has */
};

/* Parses "10.0.0.0/8", "2001:db8::/32", or one address, "::1" (RFC 4632, RFC 4291 section 2.3).
 * Returns WEIR_OK, or WEIR_INVALID: then *error (may be null) says what is wrong and how to correct
 * it, and *block is unchanged. Thread: any. */
WEIR_API enum weir_code weir_address_block_read(const char *text, struct weir_address_block *block,
                                                struct weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
