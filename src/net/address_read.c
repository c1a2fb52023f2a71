/* SPDX-License-Identifier: MIT */
/* address_read.c - parses addresses with a port, and says what is wrong with a text that is not
 * one. The name of an interface is looked up in the system; no other name is.
 *
 *      text -> host and port -> four numbers, or groups -> %interface -> weir_address
 */
#include "address.h"

#include <stdio.h>
#include <string.h>

#include "error_fill.h"
#include "host_port.h"
#include "interface.h"
#include "ip_text.h"
#include "number.h"

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
    const char *at = ip_text_read_v6(parts->host, address->ip);

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
    if (ip_text_read_v4(parts->host, address->ip + sizeof address_v4_prefix) ==
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
