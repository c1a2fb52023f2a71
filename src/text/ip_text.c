/* SPDX-License-Identifier: MIT */
/* ip_text.c - parses IP addresses: four numbers, or the groups of RFC 4291. */
#include "ip_text.h"

#include <string.h>

#include "escape.h"
#include "number.h"

const char *ip_text_read_v4(const char *text, uint8_t ip[4])
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

static const char *ip_text__group(const char *text, uint8_t group[2])
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
struct ip_text__groups {
    uint8_t bytes[16];
    int length; /* of bytes */
    int gap;    /* the position of "::" in bytes; -1 if there is none */
};

/* Reads the separator after a group: ":" or, once, "::". */
static const char *ip_text__separator(const char *text, struct ip_text__groups *groups)
{
    if (text[1] == ':') {
        if (groups->gap >= 0) return NULL;
        groups->gap = groups->length;
        return text + 2;
    }
    return escape_hex_digit(text[1]) >= 0 && groups->length < 16 ? text + 1 : NULL;
}

static const char *ip_text__all_groups(const char *text, struct ip_text__groups *groups)
{
    while (groups->length < 16 && escape_hex_digit(*text) >= 0) {
        uint8_t *next = groups->bytes + groups->length;
        const char *after = groups->length <= 12 ? ip_text_read_v4(text, next) : NULL;
        if (after) {
            groups->length += 4;
            return after;
        }
        text = ip_text__group(text, next);
        if (!text) return NULL;
        groups->length += 2;
        if (*text != ':') return text;
        text = ip_text__separator(text, groups);
        if (!text) return NULL;
    }
    return text;
}

/* RFC 4291 section 2.2: eight groups; "::" replaces one run of zero groups; the last two can be
 * written as IPv4. */
const char *ip_text_read_v6(const char *text, uint8_t ip[16])
{
    struct ip_text__groups groups = {.gap = -1};

    if (text[0] == ':' && text[1] == ':') {
        groups.gap = 0;
        text += 2;
    }
    text = ip_text__all_groups(text, &groups);
    if (!text || (groups.gap < 0) != (groups.length == 16)) return NULL;
    int before = groups.gap < 0 ? groups.length : groups.gap, after = groups.length - before;
    memset(ip, 0, 16);
    memcpy(ip, groups.bytes, (size_t)before);
    memcpy(ip + 16 - after, groups.bytes + before, (size_t)after);
    return text;
}
