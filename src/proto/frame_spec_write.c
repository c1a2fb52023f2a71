/* SPDX-License-Identifier: MIT */
/* frame_spec_write.c - writes the shortest text of a specification: a preset if one matches, and
 * only the keys that differ from their defaults. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "frame_spec_name.h"

static bool frame_spec__are_bytes_same(const uint8_t *a, uint32_t a_length, const uint8_t *b,
                                       uint32_t b_length)
{
    return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool frame_spec__is_header_same(const struct frame_spec *a, const struct frame_spec *b)
{
    return a->width == b->width && a->is_little == b->is_little && a->offset == b->offset &&
           a->header == b->header && a->covers == b->covers && a->adjust == b->adjust &&
           a->strip == b->strip && a->is_padding_valid == b->is_padding_valid;
}

/* Whether both specifications describe the same frames, apart from max and oversize. */
static bool frame_spec__is_same(const struct frame_spec *a, const struct frame_spec *b)
{
    return a->kind == b->kind && a->size == b->size && frame_spec__is_header_same(a, b) &&
           frame_spec__are_bytes_same(a->delimiter, a->delimiter_length, b->delimiter,
                                      b->delimiter_length) &&
           frame_spec__are_bytes_same(a->magic, a->magic_length, b->magic, b->magic_length);
}

/* The text so far. */
struct frame_spec__text {
    char *bytes;
    size_t size, used;
    bool has_keys;
};

static void frame_spec__add(struct frame_spec__text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int count = vsnprintf(text->bytes + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    text->used += (size_t)count;
    if (text->used >= text->size) text->used = text->size - 1;
}

static void frame_spec__add_key(struct frame_spec__text *text, const char *key)
{
    frame_spec__add(text, "%c%s=", text->has_keys ? ',' : ':', key);
    text->has_keys = true;
}

static void frame_spec__add_size(struct frame_spec__text *text, uint64_t bytes)
{
    static const char *const units[] = {"", "k", "m", "g"};
    size_t unit = 0;

    while (unit + 1 < weir_count_of(units) && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    frame_spec__add(text, "%" PRIu64 "%s", bytes, units[unit]);
}

static void frame_spec__add_bytes(struct frame_spec__text *text, const uint8_t *bytes,
                                  size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool is_plain = bytes[i] > 0x20 && bytes[i] < 0x7f && bytes[i] != '\\' && bytes[i] != ',';
        if (is_plain)
            frame_spec__add(text, "%c", bytes[i]);
        else if (bytes[i] == '\r' || bytes[i] == '\n')
            frame_spec__add(text, "\\%c", bytes[i] == '\r' ? 'r' : 'n');
        else
            frame_spec__add(text, "\\x%02x", (unsigned)bytes[i]);
    }
}

static void frame_spec__add_number(struct frame_spec__text *text, const char *key, uint32_t number)
{
    frame_spec__add_key(text, key);
    frame_spec__add(text, "%u", (unsigned)number);
}

static void frame_spec__add_word(struct frame_spec__text *text, const char *key, const char *word)
{
    frame_spec__add_key(text, key);
    frame_spec__add(text, "%s", word);
}

/* Adds the keys that say which bytes of the frame are the header and the message. */
static void frame_spec__add_layout(struct frame_spec__text *text, const struct frame_spec *spec)
{
    bool is_varint = spec->width == FRAME_SPEC_VARINT;

    if (spec->offset != 0) frame_spec__add_number(text, "offset", spec->offset);
    if (!is_varint && spec->header != spec->offset + spec->width)
        frame_spec__add_number(text, "header", spec->header);
    if (spec->covers != FRAME_SPEC_BODY)
        frame_spec__add_word(text, "covers", frame_spec_covers_name(spec->covers));
    if (spec->adjust != 0) {
        frame_spec__add_key(text, "adjust");
        frame_spec__add(text, "%" PRId64, spec->adjust);
    }
    if (spec->is_padding_valid) frame_spec__add_word(text, "minimal", "no");
    if (spec->strip == (is_varint ? FRAME_SPEC_STRIP_ALL : spec->header)) return;
    if (spec->strip == 0)
        frame_spec__add_word(text, "strip", "no");
    else
        frame_spec__add_number(text, "strip", spec->strip);
}

/* Adds the keys of a length that differ from their defaults. */
static void frame_spec__add_length(struct frame_spec__text *text, const struct frame_spec *spec)
{
    if (spec->width == FRAME_SPEC_VARINT)
        frame_spec__add_word(text, "width", "varint");
    else
        frame_spec__add_number(text, "width", spec->width);
    if (spec->is_little) frame_spec__add_word(text, "endian", "little");
    frame_spec__add_layout(text, spec);
    if (spec->magic_length > 0) {
        frame_spec__add_key(text, "magic");
        frame_spec__add_bytes(text, spec->magic, spec->magic_length);
    }
}

static void frame_spec__add_fragments(struct frame_spec__text *text, const struct frame_spec *spec)
{
    struct frame_spec base = *spec;

    base.fragments_max = 0;
    frame_spec_check("", &base, NULL);
    if (spec->fragments_max != base.fragments_max)
        frame_spec__add_number(text, "fragments", spec->fragments_max);
}

static void frame_spec__add_own(struct frame_spec__text *text, const struct frame_spec *spec)
{
    bool is_plain_line = spec->delimiter_length == 1 && spec->delimiter[0] == '\n';

    frame_spec__add(text, "%s", frame_spec_kind_name(spec->kind));
    if (spec->kind == FRAME_SPEC_LENGTH) frame_spec__add_length(text, spec);
    if (spec->kind == FRAME_SPEC_LINE && !is_plain_line) {
        frame_spec__add_key(text, "delimiter");
        frame_spec__add_bytes(text, spec->delimiter, spec->delimiter_length);
    }
    if (spec->kind == FRAME_SPEC_FIXED) {
        frame_spec__add_key(text, "size");
        frame_spec__add_size(text, spec->size);
    }
    if (spec->kind == FRAME_SPEC_SUNRPC) frame_spec__add_fragments(text, spec);
}

/* Returns the first preset with the same frames, and its values in *preset; null: there is none. */
static const char *frame_spec__preset_of(const struct frame_spec *spec, struct frame_spec *preset)
{
    for (size_t i = 0; frame_spec_preset(i); i++) {
        enum weir_code code = frame_spec_read(frame_spec_preset_text(i), preset, NULL);
        weir_check(code == WEIR_OK);
        if (frame_spec__is_same(spec, preset)) return frame_spec_preset(i);
    }
    return NULL;
}

char *frame_spec_write(const struct frame_spec *spec, char *text, size_t size)
{
    struct frame_spec__text grown = {text, size, 0, false};
    struct frame_spec base;
    const char *name = frame_spec__preset_of(spec, &base);

    text[0] = '\0';
    if (name) {
        frame_spec__add(&grown, "%s", name);
    } else {
        base = *spec;
        base.max = FRAME_SPEC_MAX_BYTES;
        if (frame_spec_check("", &base, NULL) != WEIR_OK) base.max = 0;
        frame_spec__add_own(&grown, spec);
    }
    if (spec->max != base.max) {
        frame_spec__add(&grown, ",max=");
        frame_spec__add_size(&grown, spec->max);
    }
    if (spec->skips) frame_spec__add(&grown, ",oversize=skip");
    return text;
}
