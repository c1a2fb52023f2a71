/* SPDX-License-Identifier: MIT */
/* chat_line.h - parses one line that a chat user typed: a command, or text to say. The text is
 * cleaned, so that it cannot control the terminals of other users. */
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
    CHAT_LINE_UNKNOWN, /* any other word after a slash */
    CHAT_LINE_TOO_LONG,
};

struct chat_line {
    enum chat_line_kind kind;
    char text[CHAT_LINE_BYTES_MAX + 1]; /* the text to say, or the argument of the command */
};

/* Parses one message into *line. UTF-8 is kept. Control characters and invalid UTF-8 become
 * question marks, and leading and trailing blanks are removed. */
void chat_line_read(const uint8_t *bytes, size_t length, struct chat_line *line);

/* Returns whether the text can be the name of a user or of a room: 1 to CHAT_LINE_NAME_BYTES_MAX
 * ASCII letters, digits, '-', '_' and '.'. */
bool chat_line_is_name(const char *text);

#endif
