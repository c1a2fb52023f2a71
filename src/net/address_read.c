/* SPDX-License-Identifier: MIT */
/* address_read.c - parses addresses with a port, and says what is wrong with a text that is not
 * one. The name of an interface is looked up in the system; no other name is.
 *
 *      text -> host and port -> four numbers, or groups -> %interface -> weir_address
 */
#include "address_read.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "error_fill.h"
#include "escape.h"
#include "host_port.h"
#include "interface.h"
#include "number.h"

/* ---- addresses: each function returns where it stopped, or null ---- */

const char *address_read_v4(const char *text, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        uint64_t byte;
        if (i > 0 && *text++ != '.') return NULL;
        /* "010" means ten to some programs and eight to others, so it is rejected. */
        if (text[0] == '0' && text[1] >= '0' && text[1] <= '9') return NULL;
        size_t digits = number_digits(text, strlen(text), UINT8_MAX, &byte);
        if (digits == 0) return NULL;
        text += digits;
        ip[i] = (uint8_t)byte;
    }
    return text;
}

static const char *address_read__group(const char *text, uint8_t group[2])
{
    uint32_t value = 0;
    const char *at = text;

    for (; at - text < 4 && escape_hex_digit(*at) >= 0; at++)
        value = value * 16 + (uint32_t)escape_hex_digit(*at);
    group[0] = (uint8_t)(value >> 8);
    group[1] = (uint8_t)value;
    return at == text ? NULL : at;
}

/* The groups of an IPv6 address that were read so far. */
struct address_read__groups {
    uint8_t bytes[16];
    int length; /* of bytes */
    int gap;    /* the position of "::" in bytes; -1 if there is none */
};

/* Reads the separator after a group: ":" or, once, "::". */
static const char *address_read__separator(const char *text, struct address_read__groups *groups)
{
    if (text[1] == ':') {
        if (groups->gap >= 0) return NULL;
        groups->gap = groups->length;
        return text + 2;
    }
    return escape_hex_digit(text[1]) >= 0 && groups->length < 16 ? text + 1 : NULL;
}

static const char *address_read__all_groups(const char *text, struct address_read__groups *groups)
{
    while (groups->length < 16 && escape_hex_digit(*text) >= 0) {
        uint8_t *next = groups->bytes + groups->length;
        const char *after = groups->length <= 12 ? address_read_v4(text, next) : NULL;
        if (after) {
            groups->length += 4;
            return after;
        }
        text = address_read__group(text, next);
        if (!text) return NULL;
        groups->length += 2;
        if (*text != ':') return text;
        text = address_read__separator(text, groups);
        if (!text) return NULL;
    }
    return text;
}

/* RFC 4291 section 2.2: eight groups; "::" replaces one run of zero groups; the last two can be
 * written as IPv4. */
const char *address_read_v6(const char *text, uint8_t ip[16])
{
    struct address_read__groups groups = {.gap = -1};

    if (text[0] == ':' && text[1] == ':') {
        groups.gap = 0;
        text += 2;
    }
    text = address_read__all_groups(text, &groups);
    if (!text || (groups.gap < 0) != (groups.length == 16)) return NULL;
    int before = groups.gap < 0 ? groups.length : groups.gap, after = groups.length - before;
    memset(ip, 0, 16);
    memcpy(ip, groups.bytes, (size_t)before);
    memcpy(ip + 16 - after, groups.bytes + before, (size_t)after);
    return text;
}

/* ---- scopes ---- */

/* Link-local unicast, and multicast: only there the interface is part of the address (RFC 4007).
 * Elsewhere the system would ignore it, and "[::]%eth0" would listen on every interface. */
static bool address_read__can_have_scope(const uint8_t ip[16])
{
    return ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

/* Fails for the text of an address. */
static enum weir_code address_read__wrong(const char *text, const char *reason, const char *hint,
                                          struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "use address", text, reason, hint);
}

/* Sets the scope from "INTERFACE]" or "INDEX]". */
static enum weir_code address_read__scope(const char *text, const char *name, size_t length,
                                          struct net_address *address, struct weir_error *error)
{
    char room[64], reason[96];
    uint64_t number;
    int os_error = 0;

    if (!address_read__can_have_scope(address->ip))
        return address_read__wrong(text, "only a link-local address (fe80::/10) has an interface",
                                   "leave out the % and what follows it", error);
    if (number_digits(name, length, UINT32_MAX, &number) == length && number != 0) {
        address->scope = (uint32_t)number;
        return WEIR_OK;
    }
    snprintf(room, sizeof room, "%.*s", (int)length, name);
    address->scope = length < sizeof room ? interface_index(room, &os_error) : 0;
    if (address->scope != 0) return WEIR_OK;
    if (os_error != 0)
        return error_fill(error, error_code_of_os(os_error), os_error, "look up the interface in",
                          text, NULL, "write its index instead of its name: [fe80::1%2]:PORT");
    snprintf(reason, sizeof reason, "there is no interface \"%.40s\"", room);
    return address_read__wrong(text, reason, interface_hint(), error);
}

/* ---- hosts ---- */

/* Reads the host between brackets. */
static enum weir_code address_read__bracketed(const char *text, const struct host_port *parts,
                                              struct net_address *address, struct weir_error *error)
{
    const char *end = parts->host + parts->host_length;
    const char *at = address_read_v6(parts->host, address->ip);

    if (at == end) return WEIR_OK;
    if (at && *at == '%')
        return address_read__scope(text, at + 1, (size_t)(end - at) - 1, address, error);
    return address_read__wrong(text, "not an IPv6 address in the brackets",
                               "write [ADDR6]:PORT, such as [::1]:5050 or [fe80::1%eth0]:5050",
                               error);
}

static enum weir_code address_read__host(const char *text, const struct host_port *parts,
                                         struct net_address *address, struct weir_error *error)
{
    if (!parts->host) return WEIR_OK; /* all addresses */
    if (parts->in_brackets) return address_read__bracketed(text, parts, address, error);
    if (parts->host_length == 1 && parts->host[0] == '*') return WEIR_OK;
    memcpy(address->ip, address_v4_prefix, sizeof address_v4_prefix);
    if (address_read_v4(parts->host, address->ip + sizeof address_v4_prefix) ==
        parts->host + parts->host_length)
        return WEIR_OK;
    if (host_port_is_numeric(parts->host, parts->host_length))
        return address_read__wrong(
            text, "not an IPv4 address",
            "write four numbers from 0 to 255 without leading zeros, such as 127.0.0.1", error);
    return address_read__wrong(
        text, "not an address; names are not resolved here",
        "write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers, such as 127.0.0.1:5050", error);
}

enum weir_code net_address_read(const char *text, struct net_address *address,
                                struct weir_error *error)
{
    struct net_address read = {.port = 0};
    struct host_port parts;
    enum host_port_problem problem = host_port_split(text, &parts);

    if (problem != HOST_PORT_OK)
        return address_read__wrong(text, host_port_reason(problem), host_port_hint(problem), error);
    enum weir_code code = address_read__host(text, &parts, &read, error);
    if (code != WEIR_OK) return code;
    read.port = parts.port;
    *address = read;
    return WEIR_OK;
}

bool net_address_parse(const char *text, struct net_address *address)
{
    return net_address_read(text, address, NULL) == WEIR_OK;
}
