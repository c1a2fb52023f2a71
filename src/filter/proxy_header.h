/* SPDX-License-Identifier: MIT */
/* proxy_header.h - reads the PROXY header that a load balancer sends before the bytes of its
 * client: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, versions 1 and 2, for
 * streams.
 *
 *      "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
 *      signature(12) version+command(1) family+protocol(1) length(2) addresses TLVs
 *
 * The header is read in pieces of any size, without a copy of its block. A receiver must only read
 * headers from proxies that it trusts: the header names the client, and is not signed. */
#ifndef FILTER_PROXY_HEADER_H
#define FILTER_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_HEADER_BLOCK_BYTES_MAX 4096u /* version 2: of addresses and TLVs */
#define PROXY_HEADER_AUTHORITY_BYTES_MAX 255u
#define PROXY_HEADER_UNIQUE_ID_BYTES_MAX 128u

enum proxy_header_kind {
    PROXY_HEADER_UNREAD,  /* the header is not complete yet */
    PROXY_HEADER_CLIENT,  /* it names the client: `client` and `server` are set */
    PROXY_HEADER_UNNAMED, /* it names no client of TCP: UNKNOWN, UNSPEC, Unix-domain, UDP */
    PROXY_HEADER_LOCAL,   /* the connection is the proxy's own, for example a health check */
};

enum proxy_header_result {
    PROXY_HEADER_MORE, /* all bytes were used; more are needed */
    PROXY_HEADER_DONE, /* the header is complete; the rest of the bytes follows it */
    PROXY_HEADER_BAD,  /* the bytes violate the specification: the error says how */
};

/* IPv4 as ::ffff:a.b.c.d; the port in host byte order. */
struct proxy_address {
    uint8_t ip[16];
    uint16_t port;
};

struct proxy_header_error {
    char text[200];
};

/* Zeroed before the first byte. The members up to `unique_id_length` are valid when it is read. */
struct proxy_header {
    enum proxy_header_kind kind;
    struct proxy_address client; /* the source of the connection to the proxy */
    struct proxy_address server; /* its destination: the address of the proxy there */
    uint8_t authority[PROXY_HEADER_AUTHORITY_BYTES_MAX]; /* the host name that the client used */
    uint8_t unique_id[PROXY_HEADER_UNIQUE_ID_BYTES_MAX]; /* of the connection; opaque */
    uint8_t authority_length, unique_id_length;          /* 0: the header has none */
    uint8_t version;                                     /* 1 or 2; 0: before the first byte */
    /* ---- private ---- */
    uint8_t step;
    uint8_t held_length;
    uint8_t held[108];   /* the part that is being read: the line, or a part of the block */
    uint8_t type;        /* of the TLV that is being read */
    uint16_t value_left; /* bytes of its value, or of a part that is skipped, to be read */
    uint16_t block_left; /* bytes of the block to be read */
    uint32_t seen_types; /* bit: of the TLVs that can occur once */
    uint32_t checksum;   /* of the bytes so far */
    uint32_t checksum_claimed;
};

/* Reads from the bytes, and advances both past those that it used: never more than the header.
 * Returns PROXY_HEADER_BAD for the first byte that cannot be part of a header. */
enum proxy_header_result proxy_header_read(struct proxy_header *header, const uint8_t **bytes,
                                           size_t *length, struct proxy_header_error *error);

#endif
