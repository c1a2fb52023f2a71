/* SPDX-License-Identifier: MIT */
/* chat_line.h - what somebody typed into a chat: a command, or something to say. What goes on to
 * others can do nothing to their terminals. */
#ifndef PROTO_CHAT_LINE_H
#define PROTO_CHAT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAT_LINE_BYTES_MAX 1000
#define CHAT_LINE_NAME_BYTES_MAX 24

enum chat_line_kind {
    CHAT_LINE_EMPTY,
    CHAT_LINE_SAY,
    CHAT_LINE_NAME,    /* /name NICK */
    CHAT_LINE_JOIN,    /* /join ROOM */
    CHAT_LINE_ME,      /* /me waves */
    CHAT_LINE_HELP,    /* /help */
    CHAT_LINE_QUIT,    /* /quit */
    CHAT_LINE_UNKNOWN, /* /else */
    CHAT_LINE_TOO_LONG,
};

struct chat_line {
    enum chat_line_kind kind;
    char text[CHAT_LINE_BYTES_MAX + 1]; /* what is said, or the command's argument */
};

/* Reads one message. Its text is cleaned: UTF-8 stays, control characters of any kind and what is
 * no UTF-8 become question marks, blanks around it go. */
void chat_line_read(const uint8_t *bytes, size_t length, struct chat_line *line);

/* Whether it may be the name of somebody or of a room: 1 to CHAT_LINE_NAME_BYTES_MAX letters,
 * digits, '-', '_' and '.', of ASCII. */
bool chat_line_is_name(const char *text);

#endif
