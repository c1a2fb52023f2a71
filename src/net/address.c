/* SPDX-License-Identifier: MIT */
/* address.c - parses, formats and compares addresses. No system call, no name lookup. */
#include "address.h"

#include <stdio.h>
#include <string.h>

static const uint8_t address__v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* ---- questions ---- */

bool address_is_v4(const struct weir_address *address)
{
    return memcmp(address->ip, address__v4_prefix, sizeof address__v4_prefix) == 0;
}

struct weir_address address_of_v4(uint32_t ip, uint16_t port)
{
    struct weir_address address = {.port = port};

    memcpy(address.ip, address__v4_prefix, sizeof address__v4_prefix);
    for (int i = 0; i < 4; i++) address.ip[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
    return address;
}

bool address_is_any(const struct weir_address *address)
{
    static const uint8_t zero[16];

    if (address_is_v4(address)) return memcmp(address->ip + 12, zero, 4) == 0;
    return memcmp(address->ip, zero, sizeof zero) == 0;
}

bool address_is_answerable(const struct weir_address *address)
{
    if (address->port == 0) return false;
    if (address_is_any(address)) return false;
    if (!address_is_v4(address)) return address->ip[0] != 0xff;
    uint8_t first = address->ip[12];
    bool broadcast = memcmp(address->ip + 12, "\xff\xff\xff\xff", 4) == 0;
    return first != 0 && !(first >= 224 && first <= 239) && !broadcast;
}

bool address_same_ip(const struct weir_address *a, const struct weir_address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->scope == b->scope;
}

bool address_equals(const struct weir_address *a, const struct weir_address *b)
{
    return a->port == b->port && address_same_ip(a, b);
}

/* ---- reading: each address__read_* returns where it stopped, or null ---- */

static const char *address__read_number(const char *text, uint32_t max, uint32_t *value)
{
    uint64_t sum = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        sum = sum * 10 + (uint64_t)(*at - '0');
        if (sum > max) return NULL;
    }
    *value = (uint32_t)sum;
    return at == text ? NULL : at;
}

static const char *address__read_v4(const char *text, uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        uint32_t byte;
        if (i > 0 && *text++ != '.') return NULL;
        /* "010" means ten to some programs and eight to others, so it is rejected. */
        if (text[0] == '0' && text[1] >= '0' && text[1] <= '9') return NULL;
        text = address__read_number(text, 255, &byte);
        if (!text) return NULL;
        ip[i] = (uint8_t)byte;
    }
    return text;
}

static int address__hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static const char *address__read_group(const char *text, uint8_t group[2])
{
    uint32_t value = 0;
    const char *at = text;

    for (; at - text < 4 && address__hex(*at) >= 0; at++)
        value = value * 16 + (uint32_t)address__hex(*at);
    group[0] = (uint8_t)(value >> 8);
    group[1] = (uint8_t)value;
    return at == text ? NULL : at;
}

/* The groups of an IPv6 address that were read so far. */
struct address__groups {
    uint8_t bytes[16];
    int length; /* of bytes */
    int gap;    /* the position of "::" in bytes; -1 if there is none */
};

/* Reads the separator after a group: ":" or, once, "::". */
static const char *address__read_separator(const char *text, struct address__groups *groups)
{
    if (text[1] == ':') {
        if (groups->gap >= 0) return NULL;
        groups->gap = groups->length;
        return text + 2;
    }
    return address__hex(text[1]) >= 0 && groups->length < 16 ? text + 1 : NULL;
}

static const char *address__read_groups(const char *text, struct address__groups *groups)
{
    while (groups->length < 16 && address__hex(*text) >= 0) {
        uint8_t *next = groups->bytes + groups->length;
        const char *after = groups->length <= 12 ? address__read_v4(text, next) : NULL;
        if (after) {
            groups->length += 4;
            return after;
        }
        text = address__read_group(text, next);
        if (!text) return NULL;
        groups->length += 2;
        if (*text != ':') return text;
        text = address__read_separator(text, groups);
        if (!text) return NULL;
    }
    return text;
}

/* RFC 4291 section 2.2: eight groups; "::" replaces one run of zero groups; the last two can be
 * written as IPv4. */
static const char *address__read_v6(const char *text, uint8_t ip[16])
{
    struct address__groups groups = {.gap = -1};

    if (text[0] == ':' && text[1] == ':') {
        groups.gap = 0;
        text += 2;
    }
    text = address__read_groups(text, &groups);
    if (!text || (groups.gap < 0) != (groups.length == 16)) return NULL;
    int before = groups.gap < 0 ? groups.length : groups.gap, after = groups.length - before;
    memset(ip, 0, 16);
    memcpy(ip, groups.bytes, (size_t)before);
    memcpy(ip + 16 - after, groups.bytes + before, (size_t)after);
    return text;
}

/* Reads "[ADDR6%SCOPE]:". */
static const char *address__read_brackets(const char *text, struct weir_address *address)
{
    const char *at = address__read_v6(text + 1, address->ip);

    if (at && *at == '%') at = address__read_number(at + 1, UINT32_MAX, &address->scope);
    return at && at[0] == ']' && at[1] == ':' ? at + 2 : NULL;
}

/* Reads "ADDR4:". */
static const char *address__read_dotted(const char *text, struct weir_address *address)
{
    memcpy(address->ip, address__v4_prefix, sizeof address__v4_prefix);
    const char *at = address__read_v4(text, address->ip + 12);
    return at && *at == ':' ? at + 1 : NULL;
}

bool weir_address_parse(const char *text, struct weir_address *address)
{
    struct weir_address read = {0};
    uint32_t port;
    const char *at = text;

    if (*at == '[')
        at = address__read_brackets(at, &read);
    else if (at[0] == '*' && at[1] == ':')
        at += 2;
    else if (strchr(at, ':'))
        at = address__read_dotted(at, &read);
    if (at) at = address__read_number(at, 65535, &port);
    if (!at || *at != '\0') return false;
    read.port = (uint16_t)port;
    *address = read;
    return true;
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

char *weir_address_text(const struct weir_address *address, char *text, size_t size)
{
    const uint8_t *ip = address->ip;
    char inner[48], scope[16] = "";

    if (address_is_v4(address)) {
        snprintf(text, size, "%u.%u.%u.%u:%u", ip[12], ip[13], ip[14], ip[15], address->port);
        return text;
    }
    address__write_v6(ip, inner, sizeof inner);
    if (address->scope != 0) snprintf(scope, sizeof scope, "%%%u", address->scope);
    snprintf(text, size, "[%s%s]:%u", inner, scope, address->port);
    return text;
}
