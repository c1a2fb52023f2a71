/* SPDX-License-Identifier: MIT */
/* telnet.c - removes telnet commands from what a telnet client sends, and refuses its requests. */
#include "telnet.h"

enum telnet__code {
    TELNET__SE = 240,
    TELNET__SB = 250,
    TELNET__WILL = 251,
    TELNET__WONT = 252,
    TELNET__DO = 253,
    TELNET__DONT = 254,
};

/* Refuses an option. WONT and DONT get no reply: nothing changes, and replies could loop
 * (RFC 854, "The Network Virtual Terminal"). */
static void telnet__refuse(uint8_t verb, uint8_t option, struct telnet_reply *reply)
{
    uint8_t *next = reply->bytes + reply->length;

    if (verb != TELNET__WILL && verb != TELNET__DO) return;
    if (reply->length + 3 > sizeof reply->bytes) return;
    next[0] = TELNET_IAC;
    next[1] = verb == TELNET__WILL ? TELNET__DONT : TELNET__WONT;
    next[2] = option;
    reply->length += 3;
}

/* Takes the byte after IAC. */
static bool telnet__command(struct telnet *telnet, uint8_t byte)
{
    telnet->state = TELNET_DATA;
    if (byte == TELNET_IAC) return true;
    if (byte == TELNET__SB) {
        telnet->state = TELNET_INSIDE;
        telnet->inside_bytes = 0;
    } else if (byte >= TELNET__WILL) {
        telnet->state = TELNET_OPTION;
        telnet->verb = byte;
    }
    return false;
}

/* Takes a byte inside a subnegotiation. */
static void telnet__inside(struct telnet *telnet, uint8_t byte)
{
    bool ends = telnet->state == TELNET_INSIDE_IAC && byte == TELNET__SE;
    bool begins = telnet->state == TELNET_INSIDE && byte == TELNET_IAC;

    if (ends || ++telnet->inside_bytes >= TELNET_SUBNEGOTIATION_BYTES_MAX)
        telnet->state = TELNET_DATA;
    else
        telnet->state = begins ? TELNET_INSIDE_IAC : TELNET_INSIDE;
}

bool telnet_take(struct telnet *telnet, uint8_t byte, struct telnet_reply *reply)
{
    switch ((enum telnet_state)telnet->state) {
    case TELNET_DATA:
        if (byte != TELNET_IAC) return true;
        telnet->state = TELNET_COMMAND;
        return false;
    case TELNET_COMMAND: return telnet__command(telnet, byte);
    case TELNET_OPTION:
        telnet__refuse(telnet->verb, byte, reply);
        telnet->state = TELNET_DATA;
        return false;
    case TELNET_INSIDE:
    case TELNET_INSIDE_IAC: telnet__inside(telnet, byte); return false;
    }
    return true;
}
