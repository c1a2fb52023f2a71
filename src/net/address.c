/* SPDX-License-Identifier: MIT */
/* address.c - compares and formats addresses. Formatting a link-local address makes system calls,
 * for the name of its interface; nothing else here makes any. */
#include "address.h"

#include <stdio.h>
#include <string.h>

#include "interface.h"

const uint8_t address_v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* ---- questions ---- */

bool address_is_v4(const struct net_address *address)
{
    return memcmp(address->ip, address_v4_prefix, sizeof address_v4_prefix) == 0;
}

struct net_address address_of_v4(uint32_t ip, uint16_t port)
{
    struct net_address address = {.port = port};

    memcpy(address.ip, address_v4_prefix, sizeof address_v4_prefix);
    for (int i = 0; i < 4; i++) address.ip[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
    return address;
}

bool address_is_any(const struct net_address *address)
{
    static const uint8_t zero[16];

    if (address_is_v4(address)) return memcmp(address->ip + 12, zero, 4) == 0;
    return memcmp(address->ip, zero, sizeof zero) == 0;
}

bool address_is_answerable(const struct net_address *address)
{
    if (address->port == 0) return false;
    if (address_is_any(address)) return false;
    if (!address_is_v4(address)) return address->ip[0] != 0xff;
    uint8_t first = address->ip[12];
    bool broadcast = memcmp(address->ip + 12, "\xff\xff\xff\xff", 4) == 0;
    return first != 0 && !(first >= 224 && first <= 239) && !broadcast;
}

bool address_same_ip(const struct net_address *a, const struct net_address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->scope == b->scope;
}

bool address_equals(const struct net_address *a, const struct net_address *b)
{
    return a->port == b->port && address_same_ip(a, b);
}

/* ---- writing ---- */

/* Returns the position of the longest run of two or more zero groups; -1 if there is none. */
static int address__longest_zero_run(const uint32_t group[8], int *best_length)
{
    int best = -1;

    *best_length = 1;
    for (int i = 0; i < 8; i++) {
        int length = 0;
        while (i + length < 8 && group[i + length] == 0) length++;
        if (length > *best_length) {
            best = i;
            *best_length = length;
        }
        if (length > 0) i += length - 1;
    }
    return best;
}

/* RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
static void address__write_v6(const uint8_t ip[16], char *text, size_t size)
{
    uint32_t group[8];
    int best_length;
    size_t used = 0;

    for (int i = 0; i < 8; i++) group[i] = (uint32_t)ip[2 * i] << 8 | ip[2 * i + 1];
    int best = address__longest_zero_run(group, &best_length);
    text[0] = '\0';
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            used += (size_t)snprintf(text + used, size - used, "::");
            i += best_length - 1;
            continue;
        }
        bool colon = i > 0 && i != best + best_length;
        used += (size_t)snprintf(text + used, size - used, "%s%x", colon ? ":" : "", group[i]);
    }
}

char *net_address_text(const struct net_address *address, char *text, size_t size)
{
    const uint8_t *ip = address->ip;
    char inner[48], name[NET_ADDRESS_TEXT_BYTES - 52], scope[sizeof name + 1] = "";

    if (address_is_v4(address)) {
        snprintf(text, size, "%u.%u.%u.%u:%u", ip[12], ip[13], ip[14], ip[15], address->port);
        return text;
    }
    address__write_v6(ip, inner, sizeof inner);
    if (address->scope != 0 && interface_name(address->scope, name, sizeof name))
        snprintf(scope, sizeof scope, "%%%s", name);
    else if (address->scope != 0)
        snprintf(scope, sizeof scope, "%%%u", address->scope);
    snprintf(text, size, "[%s%s]:%u", inner, scope, address->port);
    return text;
}

char *address_peer_text(const struct net_address *peer, char *text, size_t size)
{
    if (peer->port != 0 || !address_is_any(peer)) return net_address_text(peer, text, size);
    snprintf(text, size, "unix");
    return text;
}
