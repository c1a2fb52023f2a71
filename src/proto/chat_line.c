/* SPDX-License-Identifier: MIT */
/* chat_line.c - parses and cleans a line of chat. */
#include "chat_line.h"

#include <string.h>

/* Returns the length of the UTF-8 character at the front; 0: it is malformed, or a control
 * character. */
static size_t chat_line__character(const uint8_t *bytes, size_t length)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        /* RFC 3629, section 4; without U+0000 to U+001F and U+007F to U+009F */
        {0x20, 0x7e, 0x00, 0xff, 1}, {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high) continue;
        if (length < forms[i].length) continue;
        if (forms[i].length == 1) return 1;
        if (bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high) continue;
        for (size_t at = 2; at < forms[i].length; at++)
            if ((bytes[at] & 0xc0) != 0x80) return 0;
        return forms[i].length;
    }
    return 0;
}

/* Writes the bytes into `text`, with a question mark for each byte that is not allowed. */
static void chat_line__clean(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t at = 0; at < length;) {
        size_t count = chat_line__character(bytes + at, length - at);
        if (count == 0) {
            *text++ = bytes[at++] == '\t' ? ' ' : '?';
            continue;
        }
        memcpy(text, bytes + at, count);
        text += count;
        at += count;
    }
    *text = '\0';
}

static bool chat_line__is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static const struct {
    const char *word;
    enum chat_line_kind kind;
} chat_line__commands[] = {
    {"/name", CHAT_LINE_NAME}, {"/nick", CHAT_LINE_NAME}, {"/join", CHAT_LINE_JOIN},
    {"/me", CHAT_LINE_ME},     {"/help", CHAT_LINE_HELP}, {"/quit", CHAT_LINE_QUIT},
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
    while (length > 0 && chat_line__is_blank(bytes[length - 1])) length--;
    while (length > 0 && chat_line__is_blank(bytes[0])) {
        bytes++;
        length--;
    }
    line->kind = length > CHAT_LINE_BYTES_MAX ? CHAT_LINE_TOO_LONG
                 : length == 0                ? CHAT_LINE_EMPTY
                                              : CHAT_LINE_SAY;
    if (line->kind != CHAT_LINE_SAY) return;
    chat_line__clean(bytes, length, line->text);
    if (line->text[0] == '/') chat_line__read_command(line);
}

bool chat_line_is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t length = strspn(text, allowed);

    return length > 0 && length <= CHAT_LINE_NAME_BYTES_MAX && text[length] == '\0';
}
