/* SPDX-License-Identifier: MIT */
/* proxy_line.c - the line of a PROXY header, version 1, field by field.
 *
 *      PROXY SP TCP4|TCP6 SP source SP destination SP source port SP destination port
 *      PROXY SP UNKNOWN [SP anything]
 */
#include "proxy_line.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "ip_text.h"
#include "number.h"

#define PROXY_LINE__FIELD_BYTES 48u /* room for the longest address, and a NUL */

static bool proxy_line__wrong(struct proxy_header_error *error, const char *field, const char *text,
                              const char *needed)
{
    snprintf(error->text, sizeof error->text, "PROXY header, version 1: the %s is \"%s\", not %s",
             field, text, needed);
    return false;
}

/* Copies the next field, up to a space or the end, and moves on past the space. Fails if there is
 * no further field; `text` is then "". */
static bool proxy_line__field(const char **at, const char *field, char *text,
                              struct proxy_header_error *error)
{
    text[0] = '\0';
    if (!*at) {
        snprintf(error->text, sizeof error->text,
                 "PROXY header, version 1: the line ends before the %s", field);
        return false;
    }
    size_t length = strcspn(*at, " ");
    const char *next = (*at)[length] == ' ' ? *at + length + 1 : NULL;
    snprintf(text, PROXY_LINE__FIELD_BYTES, "%.*s", (int)length, *at);
    *at = next;
    return true;
}

static bool proxy_line__ip(const char **at, bool is_v4, const char *field, uint8_t ip[16],
                           struct proxy_header_error *error)
{
    static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[PROXY_LINE__FIELD_BYTES];
    const char *end;

    if (!proxy_line__field(at, field, text, error)) return false;
    memcpy(ip, v4_prefix, sizeof v4_prefix);
    end = is_v4 ? ip_text_read_v4(text, ip + sizeof v4_prefix) : ip_text_read_v6(text, ip);
    if (end && *end == '\0') return true;
    return proxy_line__wrong(error, field, text, is_v4 ? "an IPv4 address" : "an IPv6 address");
}

static bool proxy_line__port(const char **at, const char *field, uint16_t *port,
                             struct proxy_header_error *error)
{
    char text[PROXY_LINE__FIELD_BYTES];
    uint64_t number;

    if (!proxy_line__field(at, field, text, error)) return false;
    size_t length = strlen(text), digits = number_digits(text, length, UINT16_MAX, &number);
    if (digits == 0 || digits < length || (text[0] == '0' && length > 1))
        return proxy_line__wrong(error, field, text,
                                 "a number from 0 to 65535 without leading zeros");
    *port = (uint16_t)number;
    return true;
}

bool proxy_line_read(const char *line, struct proxy_header *header,
                     struct proxy_header_error *error)
{
    const char *at = line + strlen(PROXY_LINE_START);
    char protocol[PROXY_LINE__FIELD_BYTES];
    bool is_there = proxy_line__field(&at, "protocol", protocol, error);

    weir_check(is_there);                   /* perhaps it is empty */
    if (strcmp(protocol, "UNKNOWN") == 0) { /* whatever follows is ignored */
        header->kind = PROXY_HEADER_UNNAMED;
        return true;
    }
    bool is_v4 = strcmp(protocol, "TCP4") == 0;
    if (!is_v4 && strcmp(protocol, "TCP6") != 0)
        return proxy_line__wrong(error, "protocol", protocol, "TCP4, TCP6 or UNKNOWN");
    if (!proxy_line__ip(&at, is_v4, "source address", header->client.ip, error) ||
        !proxy_line__ip(&at, is_v4, "destination address", header->server.ip, error) ||
        !proxy_line__port(&at, "source port", &header->client.port, error) ||
        !proxy_line__port(&at, "destination port", &header->server.port, error))
        return false;
    if (at) {
        snprintf(error->text, sizeof error->text,
                 "PROXY header, version 1: the line continues after the destination port");
        return false;
    }
    header->kind = PROXY_HEADER_CLIENT;
    return true;
}
