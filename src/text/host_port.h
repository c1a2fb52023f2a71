/* SPDX-License-Identifier: MIT */
/* host_port.h - splits "PORT", "HOST:PORT" and "[ADDR6]:PORT", for listeners and for clients. It
 * does not interpret the host. */
#ifndef TEXT_HOST_PORT_H
#define TEXT_HOST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_port {
    const char *host; /* within the text, without brackets; null: only a port is given */
    size_t host_length;
    bool in_brackets;
    uint16_t port;
};

enum host_port_problem {
    HOST_PORT_OK,
    HOST_PORT_EMPTY,        /* "" */
    HOST_PORT_NO_HOST,      /* ":80", "[]:80" */
    HOST_PORT_NO_PORT,      /* "localhost", "1.2.3.4", "[::1]", "localhost:" */
    HOST_PORT_NO_BRACKETS,  /* "::1:80" */
    HOST_PORT_OPEN_BRACKET, /* "[::1", "[::1]80" */
    HOST_PORT_NOT_A_NUMBER, /* "host:http", "0x50", "-1", "80 " */
    HOST_PORT_TOO_LARGE,    /* "65536" */
};

/* Splits the text. Sets *parts if the result is HOST_PORT_OK. A port is decimal digits, 0 to
 * 65535. */
enum host_port_problem host_port_split(const char *text, struct host_port *parts);

/* Return what is wrong, "the port is missing", and what to write instead. */
const char *host_port_reason(enum host_port_problem problem);
const char *host_port_hint(enum host_port_problem problem);

/* Returns whether a host is meant as an IPv4 address: its last label is a number, as in "127.1" or
 * "0x7f.1". No top-level domain is one, and systems disagree on the value of such texts. */
bool host_port_is_numeric(const char *host, size_t length);

#endif
