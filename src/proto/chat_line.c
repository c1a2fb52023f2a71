/* SPDX-License-Identifier: MIT */
/* chat_line.c - parses a line of chat, and rejects text that could deceive other users. */
#include "chat_line.h"

#include <string.h>

#include "code_point.h"
#include "utf8.h"

/* The text that was cleaned so far. */
struct chat_line__cleaning {
    struct chat_line *line;
    size_t used, characters;
    size_t blanks;                 /* adjacent ones at the end */
    enum code_point_kind previous; /* of the last character */
};

static enum code_point_kind chat_line__kind_of(uint32_t code_point)
{
    return code_point == '\t' ? CODE_POINT_BLANK : code_point_kind_of(code_point);
}

/* One selector per character is allowed: a series of them is invisible, and can hide any text. */
static bool chat_line__is_hidden(const struct chat_line__cleaning *cleaning,
                                 enum code_point_kind kind)
{
    return kind == CODE_POINT_HIDDEN ||
           (kind == CODE_POINT_VARIATION && cleaning->previous != CODE_POINT_VISIBLE);
}

/* Appends a character, or changes the kind of the line: it is too long. */
static void chat_line__append(struct chat_line__cleaning *cleaning, const void *bytes, size_t count)
{
    if (cleaning->characters++ == CHAT_LINE_CHARACTERS_MAX) {
        cleaning->line->kind = CHAT_LINE_TOO_LONG;
        return;
    }
    memcpy(cleaning->line->text + cleaning->used, bytes, count);
    cleaning->used += count;
}

/* Adds a character, or changes the kind of the line: the character is rejected. */
static void chat_line__add(struct chat_line__cleaning *cleaning, uint32_t code_point,
                           const uint8_t *bytes, size_t count)
{
    enum code_point_kind kind = chat_line__kind_of(code_point);

    if (chat_line__is_hidden(cleaning, kind)) {
        cleaning->line->kind = CHAT_LINE_HIDDEN;
        cleaning->line->code_point = code_point;
        return;
    }
    cleaning->previous = kind;
    if (kind != CODE_POINT_BLANK) {
        cleaning->blanks = 0;
        chat_line__append(cleaning, bytes, count);
    } else if (cleaning->used > 0 && cleaning->blanks++ < CHAT_LINE_BLANKS_MAX) {
        chat_line__append(cleaning, " ", 1);
    }
}

/* Copies the bytes to line->text. Changes line->kind if they are rejected or blank. */
static void chat_line__clean(const uint8_t *bytes, size_t length, struct chat_line *line)
{
    struct chat_line__cleaning cleaning = {.line = line, .previous = CODE_POINT_BLANK};
    uint32_t code_point;

    for (size_t at = 0, count; at < length && line->kind == CHAT_LINE_SAY; at += count) {
        count = utf8_read(bytes + at, length - at, &code_point);
        line->character++;
        if (count == 0)
            line->kind = CHAT_LINE_NOT_UTF8;
        else
            chat_line__add(&cleaning, code_point, bytes + at, count);
    }
    while (cleaning.used > 0 && line->text[cleaning.used - 1] == ' ') cleaning.used--;
    if (line->kind == CHAT_LINE_SAY && cleaning.used == 0) line->kind = CHAT_LINE_EMPTY;
    if (line->kind != CHAT_LINE_SAY) cleaning.used = 0;
    line->text[cleaning.used] = '\0';
}

/* NUL: a telnet client sends CR NUL for a carriage return alone. */
static bool chat_line__is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\0';
}

static const struct {
    const char *word;
    enum chat_line_kind kind;
} chat_line__commands[] = {
    {"/name", CHAT_LINE_NAME}, {"/nick", CHAT_LINE_NAME}, {"/join", CHAT_LINE_JOIN},
    {"/me", CHAT_LINE_ME},     {"/who", CHAT_LINE_COUNT}, {"/help", CHAT_LINE_HELP},
    {"/quit", CHAT_LINE_QUIT},
};

/* Returns the kind of the command that the first `length` characters of `text` name. */
static enum chat_line_kind chat_line__command(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof chat_line__commands / sizeof chat_line__commands[0]; i++)
        if (strlen(chat_line__commands[i].word) == length &&
            memcmp(text, chat_line__commands[i].word, length) == 0)
            return chat_line__commands[i].kind;
    return CHAT_LINE_UNKNOWN;
}

/* Splits a command from its argument, which stays in line->text. */
static void chat_line__read_command(struct chat_line *line)
{
    size_t word = strcspn(line->text, " "), rest = word + strspn(line->text + word, " ");

    line->kind = chat_line__command(line->text, word);
    if (line->kind != CHAT_LINE_UNKNOWN)
        memmove(line->text, line->text + rest, strlen(line->text + rest) + 1);
}

void chat_line_read(const uint8_t *bytes, size_t length, struct chat_line *line)
{
    line->text[0] = '\0';
    line->code_point = 0;
    line->character = 0;
    while (length > 0 && chat_line__is_blank(bytes[length - 1])) length--;
    while (length > 0 && chat_line__is_blank(bytes[0])) {
        bytes++;
        length--;
    }
    line->kind = length > CHAT_LINE_BYTES_MAX ? CHAT_LINE_TOO_LONG
                 : length == 0                ? CHAT_LINE_EMPTY
                                              : CHAT_LINE_SAY;
    if (line->kind == CHAT_LINE_SAY) chat_line__clean(bytes, length, line);
    if (line->kind == CHAT_LINE_SAY && line->text[0] == '/') chat_line__read_command(line);
}

bool chat_line_is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t length = strspn(text, allowed);

    return length > 0 && length <= CHAT_LINE_NAME_BYTES_MAX && text[length] == '\0';
}
