/* SPDX-License-Identifier: MIT */
/* fuzz_chat.c - any chat input: the text passed on to other clients is UTF-8 without control
 * characters, and cleaning it again changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_line line, again;

    chat_line_read(data, size, &line);
    size_t length = strlen(line.text);
    if (length > CHAT_LINE_BYTES_MAX || length > size) abort();
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)line.text[i], next = (uint8_t)line.text[i + 1];
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) abort();
    }
    if (line.kind != CHAT_LINE_SAY) return 0;
    chat_line_read((const uint8_t *)line.text, length, &again);
    if (again.kind != CHAT_LINE_SAY || strcmp(again.text, line.text) != 0) abort();
    return 0;
}
