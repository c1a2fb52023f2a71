/* SPDX-License-Identifier: MIT */
/* chat_line.h - parses one line that a chat user typed: a command, or text to say. Text that could
 * deceive other users, or control their terminals, is rejected. */
#ifndef PROTO_CHAT_LINE_H
#define PROTO_CHAT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAT_LINE_CHARACTERS_MAX 1000
#define CHAT_LINE_BYTES_MAX (4 * CHAT_LINE_CHARACTERS_MAX) /* in UTF-8 */
#define CHAT_LINE_NAME_BYTES_MAX 24                        /* names are ASCII */
#define CHAT_LINE_BLANKS_MAX 8 /* adjacent; more could move text to the start of a line */

enum chat_line_kind {
    CHAT_LINE_EMPTY,
    CHAT_LINE_SAY,
    CHAT_LINE_NAME,     /* /name NICK */
    CHAT_LINE_JOIN,     /* /join ROOM */
    CHAT_LINE_ME,       /* /me waves */
    CHAT_LINE_COUNT,    /* /who */
    CHAT_LINE_HELP,     /* /help */
    CHAT_LINE_QUIT,     /* /quit */
    CHAT_LINE_UNKNOWN,  /* any other word after a slash */
    CHAT_LINE_TOO_LONG, /* more than CHAT_LINE_CHARACTERS_MAX */
    CHAT_LINE_HIDDEN,   /* it contains the control or invisible character `code_point` */
    CHAT_LINE_NOT_UTF8,
};

struct chat_line {
    enum chat_line_kind kind;
    uint32_t code_point;                /* of CHAT_LINE_HIDDEN */
    size_t character;                   /* position of the character that is rejected, from 1 */
    char text[CHAT_LINE_BYTES_MAX + 1]; /* the text to say, or the argument of the command */
};

/* Parses one message into *line. Leading and trailing blanks are removed. Spaces of any width and
 * tabs become spaces, at most CHAT_LINE_BLANKS_MAX adjacent ones. */
void chat_line_read(const uint8_t *bytes, size_t length, struct chat_line *line);

/* Returns whether the text can be the name of a user or of a room: 1 to CHAT_LINE_NAME_BYTES_MAX
 * ASCII letters, digits, '-', '_' and '.'. */
bool chat_line_is_name(const char *text);

#endif
