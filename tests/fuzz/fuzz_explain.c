/* SPDX-License-Identifier: MIT */
/* fuzz_explain.c - any frame specification: its explanation, its equivalents elsewhere and its
 * dissector are complete, printable text. Strings of the user stay inside Lua strings.
 *
 *      input: a name up to a zero byte, then the specification
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_explain.h"
#include "frame_wireshark.h"

#define TEXT_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *spec, const char *what)
{
    fprintf(stderr, "%s: %s\n", spec, what);
    abort();
}

static void check_text(const char *spec, const struct text_builder *builder)
{
    if (builder->used + 1 >= builder->size) fail(spec, "the text does not fit");
    if (builder->bytes[builder->used] != '\0' || builder->bytes[builder->used - 1] != '\n')
        fail(spec, "the text is cut");
    for (const char *at = builder->bytes; *at; at++)
        if (*at != '\n' && (*at < ' ' || *at > '~')) fail(spec, "the text is not printable");
}

/* Outside the comments at the start, every line has whole strings: quotes come in pairs. */
static void check_quotes(const char *spec, const char *text)
{
    size_t quotes = 0;

    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (line[0] == '-' && line[1] == '-') continue;
        for (const char *at = line; *at != '\n'; at++) quotes += *at == '\'';
        if (quotes % 2 != 0) fail(spec, "a Lua string is not closed");
    }
}

static void check_all(const struct weir_frame *frame, const char *spec, const char *name)
{
    static char text[TEXT_BYTES];
    struct text_builder explained = {text, sizeof text, 0};

    frame_explain(&explained, frame);
    if (weir_frame_codec(frame)->decode) frame_elsewhere(&explained, frame);
    check_text(spec, &explained);
    struct text_builder dissector = {text, FRAME_WIRESHARK_BYTES_MAX, 0};
    frame_wireshark(&dissector, frame, name[0] ? name : NULL, (uint16_t)strlen(spec));
    check_text(spec, &dissector);
    check_quotes(spec, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[FRAME_WIRESHARK_NAME_BYTES_MAX + 1] = "", spec[512];
    struct weir_frame *frame;
    size_t split = 0;

    while (split < size && data[split] != 0) split++;
    if (split == size || split >= sizeof name || size - split > sizeof spec) return 0;
    memcpy(name, data, split);
    memcpy(spec, data + split + 1, size - split - 1);
    spec[size - split - 1] = '\0';
    if (weir_frame_open(spec, &frame, NULL) != WEIR_OK) return 0;
    check_all(frame, spec, name);
    weir_frame_free(frame);
    return 0;
}
