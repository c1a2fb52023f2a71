/* SPDX-License-Identifier: MIT */
/* fuzz_chat.c - any chat input, with telnet commands: the text passed on to other clients is UTF-8
 * without hidden characters, and cleaning it again changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat_line.h"
#include "code_point.h"
#include "telnet.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Removes telnet commands. Returns how many bytes remain. */
static size_t fuzz__take_telnet(const uint8_t *data, size_t size, uint8_t *text)
{
    struct telnet telnet = {0};
    struct telnet_reply reply = {.length = 0};
    size_t length = 0;

    for (size_t i = 0; i < size; i++)
        if (telnet_take(&telnet, data[i], &reply) && length <= CHAT_LINE_BYTES_MAX)
            text[length++] = data[i];
    if (reply.length > TELNET_REPLY_BYTES_MAX || reply.length % 3 != 0) abort();
    return length;
}

static void fuzz__check_visible(const char *text)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + strlen(text);
    uint32_t code_point;

    while (at < end) {
        size_t count = utf8_read(at, (size_t)(end - at), &code_point);
        if (count == 0 || code_point_kind_of(code_point) == CODE_POINT_HIDDEN) abort();
        at += count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[CHAT_LINE_BYTES_MAX + 1];
    static struct chat_line line, again;

    chat_line_read(data, size, &line);
    fuzz__check_visible(line.text);
    size_t length = strlen(line.text);
    if (length > CHAT_LINE_BYTES_MAX || length > size) abort();
    chat_line_read(text, fuzz__take_telnet(data, size, text), &line);
    fuzz__check_visible(line.text);
    if (line.kind != CHAT_LINE_SAY) return 0;
    chat_line_read((const uint8_t *)line.text, strlen(line.text), &again);
    if (again.kind != CHAT_LINE_SAY || strcmp(again.text, line.text) != 0) abort();
    return 0;
}
