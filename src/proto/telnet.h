/* SPDX-License-Identifier: MIT */
/* telnet.h - removes telnet commands (RFC 854) from what a telnet client sends, and refuses its
 * requests. The bytes can arrive in any pieces.
 *
 *      IAC IAC             the byte 255
 *      IAC WILL|DO OPTION  refused: IAC DONT|WONT OPTION
 *      IAC WONT|DONT OPTION, IAC SB ... IAC SE, IAC COMMAND   ignored
 */
#ifndef PROTO_TELNET_H
#define PROTO_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_IAC 255
#define TELNET_SUBNEGOTIATION_BYTES_MAX 512 /* a longer one was no telnet */
#define TELNET_REPLY_BYTES_MAX 60           /* requests that do not fit get no reply */

enum telnet_state {
    TELNET_DATA,
    TELNET_COMMAND,    /* after IAC */
    TELNET_OPTION,     /* after WILL, WONT, DO or DONT */
    TELNET_INSIDE,     /* after SB */
    TELNET_INSIDE_IAC, /* after IAC inside a subnegotiation */
};

/* The state of one connection. Starts as {0}. */
struct telnet {
    uint8_t state; /* enum telnet_state */
    uint8_t verb;  /* WILL, WONT, DO or DONT, in TELNET_OPTION */
    uint16_t inside_bytes;
};

/* What to send back to the client. Starts as {0}. */
struct telnet_reply {
    uint8_t bytes[TELNET_REPLY_BYTES_MAX];
    size_t length;
};

/* Takes one byte that was received. Returns whether it is data; otherwise it belongs to a command.
 * Adds the replies that refuse requests to *reply. */
bool telnet_take(struct telnet *telnet, uint8_t byte, struct telnet_reply *reply);

#endif
