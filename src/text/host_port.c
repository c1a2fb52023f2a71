/* SPDX-License-Identifier: MIT */
/* host_port.c - splits "PORT", "HOST:PORT" and "[ADDR6]:PORT". */
#include "host_port.h"

#include <string.h>

#include "escape.h"
#include "number.h"

static const struct {
    const char *reason, *hint;
} host_port__problems[] = {
    [HOST_PORT_OK] = {"", ""},
    [HOST_PORT_EMPTY] = {"the address is empty", "write PORT, ADDR:PORT or [ADDR6]:PORT"},
    [HOST_PORT_NO_HOST] = {"nothing precedes the port",
                           "write ADDR:PORT, [ADDR6]:PORT or PORT alone"},
    [HOST_PORT_NO_PORT] = {"the port is missing", "write ADDR:PORT or [ADDR6]:PORT"},
    [HOST_PORT_NO_BRACKETS] = {"not an address with a port",
                               "write an IPv6 address in brackets: [::1]:PORT"},
    [HOST_PORT_OPEN_BRACKET] = {"the brackets do not enclose an address before a port",
                                "write [ADDR6]:PORT, such as [::1]:5050"},
    [HOST_PORT_NOT_A_NUMBER] = {"the port is not a number",
                                "write decimal digits, without sign, blanks or 0x: 0 to 65535"},
    [HOST_PORT_TOO_LARGE] = {"the port is too large", "a port is 0 to 65535"},
};

const char *host_port_reason(enum host_port_problem problem)
{
    return host_port__problems[problem].reason;
}

const char *host_port_hint(enum host_port_problem problem)
{
    return host_port__problems[problem].hint;
}

static enum host_port_problem host_port__read_port(const char *text, uint16_t *port)
{
    size_t length = strlen(text);
    uint64_t number;

    if (length == 0) return HOST_PORT_NO_PORT;
    if (strspn(text, "0123456789") != length) return HOST_PORT_NOT_A_NUMBER;
    if (number_digits(text, length, UINT16_MAX, &number) == 0) return HOST_PORT_TOO_LARGE;
    *port = (uint16_t)number;
    return HOST_PORT_OK;
}

/* Splits "[ADDR6]:PORT". */
static enum host_port_problem host_port__split_brackets(const char *text, struct host_port *parts)
{
    const char *end = strchr(text, ']');

    if (!end || (end[1] != ':' && end[1] != '\0')) return HOST_PORT_OPEN_BRACKET;
    if (end == text + 1) return HOST_PORT_NO_HOST;
    *parts = (struct host_port){
        .host = text + 1, .host_length = (size_t)(end - text) - 1, .in_brackets = true};
    return end[1] == '\0' ? HOST_PORT_NO_PORT : host_port__read_port(end + 2, &parts->port);
}

/* Reads a text without a colon: a port, or a host whose port is missing. */
static enum host_port_problem host_port__read_single(const char *text, struct host_port *parts)
{
    enum host_port_problem problem = host_port__read_port(text, &parts->port);
    char first = text[0];
    bool is_alphabetic = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');

    if (problem != HOST_PORT_NOT_A_NUMBER) return problem;
    return is_alphabetic || first == '*' || strchr(text, '.') ? HOST_PORT_NO_PORT : problem;
}

enum host_port_problem host_port_split(const char *text, struct host_port *parts)
{
    struct host_port split = {.host = NULL};
    const char *colon = strchr(text, ':');
    enum host_port_problem problem;

    if (text[0] == '\0') return HOST_PORT_EMPTY;
    if (text[0] == '[') {
        problem = host_port__split_brackets(text, &split);
    } else if (!colon) {
        problem = host_port__read_single(text, &split);
    } else if (strchr(colon + 1, ':')) {
        problem = HOST_PORT_NO_BRACKETS;
    } else if (colon == text) {
        problem = HOST_PORT_NO_HOST;
    } else {
        split.host = text;
        split.host_length = (size_t)(colon - text);
        problem = host_port__read_port(colon + 1, &split.port);
    }
    if (problem == HOST_PORT_OK) *parts = split;
    return problem;
}

/* Returns where the last label of a host begins, which ends at *end. */
static const char *host_port__last_label(const char *host, const char **end)
{
    const char *at;

    if (*end > host && (*end)[-1] == '.') --*end; /* the root of the name system */
    for (at = *end; at > host && at[-1] != '.';) at--;
    return at;
}

static bool host_port__is_digit(char character, bool is_hex)
{
    int value = escape_hex_digit(character);

    return value >= 0 && (is_hex || value < 10);
}

bool host_port_is_numeric(const char *host, size_t length)
{
    const char *end = host + length, *at = host_port__last_label(host, &end);
    bool is_hex = end - at >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');

    if (at == end) return false;
    if (is_hex) at += 2;
    while (at < end && host_port__is_digit(*at, is_hex)) at++;
    return at == end;
}
