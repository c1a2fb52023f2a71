/* SPDX-License-Identifier: MIT */
/* description_write.c - the shortest text for a description, and the table of presets. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "description.h"

static const struct weir_frame_preset description__presets[] = {
#define PRESET(name, means, summary) {name, means, summary},
#include "preset.def"
#undef PRESET
};

const struct weir_frame_preset *weir_frame_preset_at(size_t index)
{
    return index < weir_count_of(description__presets) ? &description__presets[index] : NULL;
}

const char *description_preset(size_t index)
{
    return weir_frame_preset_at(index) ? description__presets[index].name : NULL;
}

const char *description_preset_means(size_t index)
{
    return description__presets[index].means;
}

/* Whether they frame alike; limits apart. */
static bool description__is_same(const struct description *a, const struct description *b)
{
    return a->kind == b->kind && a->size == b->size && a->width == b->width &&
           a->is_little == b->is_little && a->offset == b->offset && a->header == b->header &&
           a->covers == b->covers && a->adjust == b->adjust && a->strip == b->strip &&
           a->delimiter_length == b->delimiter_length &&
           memcmp(a->delimiter, b->delimiter, a->delimiter_length) == 0 &&
           a->magic_length == b->magic_length && memcmp(a->magic, b->magic, a->magic_length) == 0;
}

/* A text that grows. */
struct description__text {
    char *bytes;
    size_t size, used;
    bool has_keys;
};

static void description__add(struct description__text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int count = vsnprintf(text->bytes + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    text->used += (size_t)count;
    if (text->used >= text->size) text->used = text->size - 1;
}

static void description__add_key(struct description__text *text, const char *key)
{
    description__add(text, "%c%s=", text->has_keys ? ',' : ':', key);
    text->has_keys = true;
}

static void description__add_size(struct description__text *text, uint64_t bytes)
{
    static const char *const units[] = {"", "k", "m", "g"};
    size_t unit = 0;

    while (unit + 1 < weir_count_of(units) && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    description__add(text, "%" PRIu64 "%s", bytes, units[unit]);
}

static void description__add_bytes(struct description__text *text, const uint8_t *bytes,
                                   size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool is_plain = bytes[i] > 0x20 && bytes[i] < 0x7f && bytes[i] != '\\' && bytes[i] != ',';
        if (is_plain)
            description__add(text, "%c", bytes[i]);
        else if (bytes[i] == '\r' || bytes[i] == '\n')
            description__add(text, "\\%c", bytes[i] == '\r' ? 'r' : 'n');
        else
            description__add(text, "\\x%02x", (unsigned)bytes[i]);
    }
}

/* The keys of a length that differ from what they are when left out. */
static void description__add_length(struct description__text *text,
                                    const struct description *description)
{
    bool is_varint = description->width == DESCRIPTION_VARINT;

    description__add_key(text, "width");
    if (is_varint)
        description__add(text, "varint");
    else
        description__add(text, "%u", (unsigned)description->width);
    if (description->is_little) {
        description__add_key(text, "endian");
        description__add(text, "little");
    }
    if (description->offset != 0) {
        description__add_key(text, "offset");
        description__add(text, "%u", (unsigned)description->offset);
    }
    if (!is_varint && description->header != description->offset + description->width) {
        description__add_key(text, "header");
        description__add(text, "%u", (unsigned)description->header);
    }
    if (description->covers != DESCRIPTION_BODY) {
        description__add_key(text, "covers");
        description__add(text, "%s", description_covers_name(description->covers));
    }
    if (description->adjust != 0) {
        description__add_key(text, "adjust");
        description__add(text, "%" PRId64, description->adjust);
    }
    if (description->strip != (is_varint ? DESCRIPTION_STRIP_ALL : description->header)) {
        description__add_key(text, "strip");
        if (description->strip == 0)
            description__add(text, "no");
        else
            description__add(text, "%u", (unsigned)description->strip);
    }
    if (description->magic_length > 0) {
        description__add_key(text, "magic");
        description__add_bytes(text, description->magic, description->magic_length);
    }
}

static void description__add_own(struct description__text *text,
                                 const struct description *description)
{
    bool is_plain_line = description->delimiter_length == 1 && description->delimiter[0] == '\n';

    description__add(text, "%s", description_kind_name(description->kind));
    if (description->kind == DESCRIPTION_LENGTH) description__add_length(text, description);
    if (description->kind == DESCRIPTION_LINE && !is_plain_line) {
        description__add_key(text, "delimiter");
        description__add_bytes(text, description->delimiter, description->delimiter_length);
    }
    if (description->kind == DESCRIPTION_FIXED) {
        description__add_key(text, "size");
        description__add_size(text, description->size);
    }
}

/* The first preset that frames alike; null: none. */
static const char *description__preset_of(const struct description *description,
                                          struct description *preset)
{
    for (size_t i = 0; description_preset(i); i++) {
        enum weir_code code = description_read(description_preset_means(i), preset, NULL);
        weir_check(code == WEIR_OK);
        if (description__is_same(description, preset)) return description_preset(i);
    }
    return NULL;
}

char *description_write(const struct description *description, char *text, size_t size)
{
    struct description__text grown = {text, size, 0, false};
    struct description base;
    const char *name = description__preset_of(description, &base);

    text[0] = '\0';
    if (name) {
        description__add(&grown, "%s", name);
    } else {
        base = *description;
        base.max = DESCRIPTION_MAX_BYTES;
        if (description_check("", &base, NULL) != WEIR_OK) base.max = 0;
        description__add_own(&grown, description);
    }
    if (description->max != base.max) {
        description__add(&grown, ",max=");
        description__add_size(&grown, description->max);
    }
    if (description->skips) description__add(&grown, ",oversize=skip");
    return text;
}
