/* SPDX-License-Identifier: MIT */
/* address_block.c - parses blocks of addresses, "10.0.0.0/8" (RFC 4632, RFC 4291 section 2.3). */
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "error_fill.h"
#include "ip_text.h"
#include "number.h"

#define ADDRESS_BLOCK__V4_BITS_BEFORE 96u /* of an IPv4 address in its mapped form */

static enum weir_code address_block__wrong(const char *text, const char *reason, const char *hint,
                                           struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "use block", text, reason, hint);
}

/* Clears the bits after the prefix. Returns whether all of them were 0 before. */
static bool address_block__clear_rest(struct weir_address_block *block)
{
    bool clean = true;

    for (uint32_t i = 0; i < sizeof block->ip; i++) {
        uint32_t before = i * 8, bits = block->prefix_bits;
        uint32_t kept = bits <= before ? 0 : bits - before > 8 ? 8 : bits - before;
        uint8_t rest = (uint8_t)(0xff >> kept);
        clean &= (block->ip[i] & rest) == 0;
        block->ip[i] &= (uint8_t)~rest;
    }
    return clean;
}

/* Fails because the address has bits after its prefix. The hint is the block without them. */
static enum weir_code address_block__has_more_bits(const char *text,
                                                   const struct weir_address_block *block,
                                                   struct weir_error *error)
{
    struct net_address address = {.port = 0};
    char meant[NET_ADDRESS_TEXT_BYTES], hint[160];
    bool is_v4;

    memcpy(address.ip, block->ip, sizeof address.ip);
    is_v4 = address_is_v4(&address);
    net_address_text(&address, meant, sizeof meant);
    meant[strlen(meant) - (is_v4 ? 2 : 3)] = '\0'; /* ":0" or "]:0" */
    snprintf(hint, sizeof hint, "write %s/%u, or the one address without a length",
             is_v4 ? meant : meant + 1,
             block->prefix_bits - (is_v4 ? ADDRESS_BLOCK__V4_BITS_BEFORE : 0));
    return address_block__wrong(text, "the address has bits after its prefix", hint, error);
}

/* Reads "/LENGTH" into *bits. */
static bool address_block__read_length(const char *at, bool is_v4, uint32_t *bits)
{
    size_t length = strlen(at);
    uint64_t number;

    if (length < 2 || length > 4) return false;
    if (number_digits(at + 1, length - 1, is_v4 ? 32 : 128, &number) != length - 1) return false;
    *bits = (uint32_t)number + (is_v4 ? ADDRESS_BLOCK__V4_BITS_BEFORE : 0);
    return true;
}

/* Reads the address at the front of a block. Returns where it ends; null: it is not one. */
static const char *address_block__read_address(const char *text, bool is_v4, uint8_t ip[16])
{
    if (!is_v4) return ip_text_read_v6(text, ip);
    memcpy(ip, address_v4_prefix, sizeof address_v4_prefix);
    return ip_text_read_v4(text, ip + sizeof address_v4_prefix);
}

enum weir_code weir_address_block_read(const char *text, struct weir_address_block *block,
                                       struct weir_error *error)
{
    struct weir_address_block read = {.prefix_bits = 128};
    bool is_v4 = strchr(text, ':') == NULL;
    const char *at = address_block__read_address(text, is_v4, read.ip);

    if (at && *at == '%')
        return address_block__wrong(text, "a block has no interface",
                                    "leave out the % and what follows it", error);
    if (!at || (*at != '\0' && *at != '/'))
        return address_block__wrong(text, "not an address or a block of addresses",
                                    "write 10.0.0.0/8, 192.168.1.7 or 2001:db8::/32", error);
    if (*at == '/' && !address_block__read_length(at, is_v4, &read.prefix_bits))
        return address_block__wrong(text, "its length is not that of an address",
                                    is_v4 ? "write /0 to /32" : "write /0 to /128", error);
    if (!address_block__clear_rest(&read)) return address_block__has_more_bits(text, &read, error);
    *block = read;
    return WEIR_OK;
}
