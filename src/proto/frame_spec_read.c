/* SPDX-License-Identifier: MIT */
/* frame_spec_read.c - parses "NAME:key=value,key=value" and "netty(0,4,0,4)". */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "escape.h"
#include "frame_spec_name.h"
#include "number.h"
#include "suggest.h"

/* The text that is being parsed, and the result. */
struct frame_spec__reader {
    const char *text, *at;
    struct frame_spec *spec;
    struct weir_error *error;
    uint32_t seen; /* one bit per key that was read */
};

/* A part of the text. */
struct frame_spec__word {
    const char *bytes;
    size_t length;
};

/* ---- values ---- */

static bool frame_spec__is(struct frame_spec__word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.bytes, text, word.length) == 0;
}

/* Reads a number that can have a unit, "64k". Returns false if it is not one, or greater than
 * `max`. */
static bool frame_spec__number(struct frame_spec__word word, uint64_t max, uint64_t *value)
{
    return number_read(word.bytes, word.length, number_sizes, max, value);
}

static bool frame_spec__small(struct frame_spec__word word, uint32_t max, uint32_t *value)
{
    uint64_t number;

    if (!frame_spec__number(word, max, &number)) return false;
    *value = (uint32_t)number;
    return true;
}

static bool frame_spec__signed(struct frame_spec__word word, int64_t *value)
{
    uint64_t number;
    bool is_negative = word.length > 0 && word.bytes[0] == '-';

    if (word.length > 0 && (is_negative || word.bytes[0] == '+')) {
        word.bytes++;
        word.length--;
    }
    if (!frame_spec__number(word, (uint64_t)FRAME_SPEC_ADJUST_MAX, &number)) return false;
    *value = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool frame_spec__bytes(struct frame_spec__word word, uint8_t *bytes, uint32_t max,
                              uint32_t *length)
{
    *length = 0;
    while (word.length > 0) {
        size_t used = *length < max ? escape_read(word.bytes, word.length, &bytes[*length]) : 0;
        if (used == 0) return false;
        word.bytes += used;
        word.length -= used;
        (*length)++;
    }
    return *length > 0;
}

/* ---- keys ---- */

static bool frame_spec__set_width(struct frame_spec *spec, struct frame_spec__word word)
{
    if (frame_spec__is(word, "varint")) {
        spec->width = FRAME_SPEC_VARINT;
        return true;
    }
    return frame_spec__small(word, 8, &spec->width) && spec->width > 0;
}

static bool frame_spec__set_endian(struct frame_spec *spec, struct frame_spec__word word)
{
    spec->is_little = frame_spec__is(word, "little");
    return spec->is_little || frame_spec__is(word, "big");
}

static bool frame_spec__set_offset(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__small(word, WEIR_HEADER_BYTES_MAX, &spec->offset);
}

static bool frame_spec__set_header(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__small(word, WEIR_HEADER_BYTES_MAX, &spec->header) && spec->header > 0;
}

static bool frame_spec__set_covers(struct frame_spec *spec, struct frame_spec__word word)
{
    for (int i = FRAME_SPEC_BODY; i <= FRAME_SPEC_REST; i++) {
        if (!frame_spec__is(word, frame_spec_covers_name((enum frame_spec_covers)i))) continue;
        spec->covers = (enum frame_spec_covers)i;
        return true;
    }
    return false;
}

static bool frame_spec__set_adjust(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__signed(word, &spec->adjust);
}

static bool frame_spec__set_minimal(struct frame_spec *spec, struct frame_spec__word word)
{
    spec->is_padding_valid = frame_spec__is(word, "no");
    return spec->is_padding_valid || frame_spec__is(word, "yes");
}

static bool frame_spec__set_strip(struct frame_spec *spec, struct frame_spec__word word)
{
    if (frame_spec__is(word, "yes")) {
        spec->strip = FRAME_SPEC_STRIP_ALL;
        return true;
    }
    if (frame_spec__is(word, "no")) {
        spec->strip = 0;
        return true;
    }
    return frame_spec__small(word, WEIR_HEADER_BYTES_MAX, &spec->strip);
}

static bool frame_spec__set_magic(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__bytes(word, spec->magic, FRAME_SPEC_MAGIC_BYTES_MAX, &spec->magic_length);
}

static bool frame_spec__set_delimiter(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__bytes(word, spec->delimiter, FRAME_SPEC_DELIMITER_BYTES_MAX,
                             &spec->delimiter_length);
}

static bool frame_spec__set_size(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__number(word, WEIR_MESSAGE_BYTES_MAX, &spec->size) && spec->size > 0;
}

static bool frame_spec__set_max(struct frame_spec *spec, struct frame_spec__word word)
{
    spec->has_max = true;
    return frame_spec__number(word, WEIR_MESSAGE_BYTES_MAX, &spec->max) && spec->max > 0;
}

static bool frame_spec__set_fragments(struct frame_spec *spec, struct frame_spec__word word)
{
    return frame_spec__small(word, UINT32_MAX, &spec->fragments_max) && spec->fragments_max > 0;
}

static bool frame_spec__set_oversize(struct frame_spec *spec, struct frame_spec__word word)
{
    spec->skips = frame_spec__is(word, "skip");
    return spec->skips || frame_spec__is(word, "close");
}

#define FRAME_SPEC__ON(kind) (1U << FRAME_SPEC_##kind)

static const struct frame_spec__key {
    const char *name;
    uint32_t kinds;
    bool (*set)(struct frame_spec *spec, struct frame_spec__word word);
    const char *hint;
} frame_spec__keys[] = {
    {"width", FRAME_SPEC__ON(LENGTH), frame_spec__set_width,
     "write the bytes of the length field, 1 to 8, or varint"},
    {"endian", FRAME_SPEC__ON(LENGTH), frame_spec__set_endian, "write big or little"},
    {"offset", FRAME_SPEC__ON(LENGTH), frame_spec__set_offset,
     "write the number of bytes before the length field, 0 to 63"},
    {"header", FRAME_SPEC__ON(LENGTH), frame_spec__set_header,
     "write the bytes of the whole header, 1 to 64"},
    {"covers", FRAME_SPEC__ON(LENGTH), frame_spec__set_covers,
     "write what the length counts: body, header+body, or rest (the bytes after the length field)"},
    {"adjust", FRAME_SPEC__ON(LENGTH), frame_spec__set_adjust,
     "write the number to add to the received length, such as -2 or 4; up to 1g"},
    {"minimal", FRAME_SPEC__ON(LENGTH), frame_spec__set_minimal,
     "write yes, or no (which accepts a varint with unnecessary bytes)"},
    {"strip", FRAME_SPEC__ON(LENGTH), frame_spec__set_strip,
     "write yes (remove the whole header), no, or the number of header bytes to remove"},
    {"magic", FRAME_SPEC__ON(LENGTH), frame_spec__set_magic,
     "write the 1 to 16 bytes that every frame begins with, such as \\x03 or AB"},
    {"delimiter", FRAME_SPEC__ON(LINE), frame_spec__set_delimiter,
     "write 1 to 16 bytes; \\r \\n \\t \\0 \\\\ and \\xHH are escapes; a comma is \\x2c"},
    {"size", FRAME_SPEC__ON(FIXED), frame_spec__set_size,
     "write the bytes of each message, such as 16 or 4k; up to 1g"},
    {"fragments", FRAME_SPEC__ON(SUNRPC), frame_spec__set_fragments,
     "write the largest number of fragments of one record, such as 1024"},
    {"max",
     FRAME_SPEC__ON(LINE) | FRAME_SPEC__ON(LENGTH) | FRAME_SPEC__ON(NETSTRING) |
         FRAME_SPEC__ON(FIXED) | FRAME_SPEC__ON(SUNRPC),
     frame_spec__set_max, "write the bytes of the longest message, such as 64k or 1m; up to 1g"},
    {"oversize",
     FRAME_SPEC__ON(LINE) | FRAME_SPEC__ON(LENGTH) | FRAME_SPEC__ON(NETSTRING) |
         FRAME_SPEC__ON(SUNRPC),
     frame_spec__set_oversize, "write close, or skip (which drops messages that are too long)"},
};

static const char *frame_spec__key_name(size_t index)
{
    return index < weir_count_of(frame_spec__keys) ? frame_spec__keys[index].name : NULL;
}

static bool frame_spec__kind_has_key(enum frame_spec_kind kind, size_t index)
{
    return frame_spec__keys[index].kinds & 1U << kind;
}

/* Writes the keys of a kind, "delimiter, max, oversize". Returns `text`. */
static const char *frame_spec__key_names(enum frame_spec_kind kind, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; frame_spec__key_name(i) && used < size; i++)
        if (frame_spec__kind_has_key(kind, i))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     frame_spec__key_name(i));
    return text;
}

static enum weir_code frame_spec__refuse_key(struct frame_spec__reader *reader,
                                             struct frame_spec__word key)
{
    enum frame_spec_kind kind = reader->spec->kind;
    const char *suggestion = suggest_name(key.bytes, key.length, frame_spec__key_name);
    char hint[sizeof reader->error->hint], names[128];

    frame_spec__key_names(kind, names, sizeof names);
    if (names[0] == '\0')
        snprintf(hint, sizeof hint, "%s has no keys", frame_spec_kind_name(kind));
    else if (suggestion && !frame_spec__is(key, suggestion))
        snprintf(hint, sizeof hint, "did you mean %s? Its keys: %s", suggestion, names);
    else
        snprintf(hint, sizeof hint, "its keys: %s", names);
    return frame_spec_refuse(reader->error, reader->text, hint, "a %s has no key \"%.*s\"",
                             frame_spec_kind_name(kind), (int)(key.length & 31), key.bytes);
}

/* Reads "key=value". */
static enum weir_code frame_spec__read_key(struct frame_spec__reader *reader)
{
    struct frame_spec__word key = {reader->at, strcspn(reader->at, "=,")};
    struct frame_spec__word value;
    size_t index = 0;

    while (frame_spec__key_name(index) && !frame_spec__is(key, frame_spec__key_name(index)))
        index++;
    if (!frame_spec__key_name(index) || !frame_spec__kind_has_key(reader->spec->kind, index))
        return frame_spec__refuse_key(reader, key);
    const struct frame_spec__key *found = &frame_spec__keys[index];
    if (key.bytes[key.length] != '=')
        return frame_spec_refuse(reader->error, reader->text, found->hint, "%s has no value",
                                 found->name);
    if (reader->seen & 1U << index)
        return frame_spec_refuse(reader->error, reader->text, "write it once", "%s is there twice",
                                 found->name);
    reader->seen |= 1U << index;
    value.bytes = key.bytes + key.length + 1;
    value.length = strcspn(value.bytes, ",");
    reader->at = value.bytes + value.length;
    if (found->set(reader->spec, value)) return WEIR_OK;
    return frame_spec_refuse(reader->error, reader->text, found->hint, "%s cannot be \"%.*s\"",
                             found->name, (int)(value.length < 32 ? value.length : 32),
                             value.bytes);
}

/* Reads all keys, each after a colon or a comma. */
static enum weir_code frame_spec__read_keys(struct frame_spec__reader *reader)
{
    bool is_first = true;

    while (*reader->at != '\0') {
        if (*reader->at != ',' && !(is_first && *reader->at == ':'))
            return frame_spec_refuse(reader->error, reader->text,
                                     "write NAME, or NAME:key=value,key=value",
                                     "\"%.16s\" is unexpected", reader->at);
        is_first = false;
        reader->at++;
        enum weir_code code = frame_spec__read_key(reader);
        if (code != WEIR_OK) return code;
    }
    return WEIR_OK;
}

/* ---- names ---- */

/* Returns the names that a specification can begin with: the kinds, "netty", the presets. */
static const char *frame_spec__name(size_t index)
{
    if (index < FRAME_SPEC_PROBE) return frame_spec_kind_name((enum frame_spec_kind)index);
    if (index == FRAME_SPEC_PROBE) return "netty";
    return frame_spec_preset(index - FRAME_SPEC_PROBE - 1);
}

static void frame_spec__defaults(struct frame_spec *spec, enum frame_spec_kind kind)
{
    memset(spec, 0, sizeof *spec);
    spec->kind = kind;
    spec->max = FRAME_SPEC_MAX_BYTES;
    spec->width = 4;
    spec->strip = FRAME_SPEC_STRIP_ALL;
    if (kind != FRAME_SPEC_LINE) return;
    spec->delimiter[0] = '\n';
    spec->delimiter_length = 1;
}

static const char frame_spec__netty_hint[] =
    "write netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)";

/* Splits "(0,4,0,4)". Returns false if it does not have 4 parts. */
static bool frame_spec__split_netty(struct frame_spec__reader *reader,
                                    struct frame_spec__word words[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (*reader->at != (i == 0 ? '(' : ',')) return false;
        words[i].bytes = reader->at + 1;
        words[i].length = strcspn(words[i].bytes, ",)");
        reader->at = words[i].bytes + words[i].length;
    }
    return *reader->at++ == ')';
}

/* Reads netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip). In Netty,
 * the length counts the bytes that follow its field. */
static enum weir_code frame_spec__read_netty(struct frame_spec__reader *reader)
{
    struct frame_spec *spec = reader->spec;
    struct frame_spec__word words[4];

    if (!frame_spec__split_netty(reader, words))
        return frame_spec_refuse(reader->error, reader->text, frame_spec__netty_hint,
                                 "netty needs 4 numbers");
    if (!frame_spec__set_offset(spec, words[0]) || !frame_spec__small(words[1], 8, &spec->width) ||
        !frame_spec__set_adjust(spec, words[2]) ||
        !frame_spec__small(words[3], WEIR_HEADER_BYTES_MAX, &spec->strip))
        return frame_spec_refuse(reader->error, reader->text, frame_spec__netty_hint,
                                 "a number is missing, or too large");
    if (spec->width == 0 || (spec->width > 4 && spec->width != 8))
        return frame_spec_refuse(reader->error, reader->text, "write 1, 2, 3, 4 or 8",
                                 "Netty has no lengthFieldLength of %u", (unsigned)spec->width);
    spec->covers = FRAME_SPEC_REST;
    spec->header = spec->offset + spec->width;
    if (spec->strip > spec->header) spec->header = spec->strip;
    return WEIR_OK;
}

static enum weir_code frame_spec__refuse_name(struct frame_spec__reader *reader,
                                              struct frame_spec__word name)
{
    const char *suggestion = suggest_name(name.bytes, name.length, frame_spec__name);
    char hint[sizeof reader->error->hint];

    if (suggestion)
        snprintf(hint, sizeof hint, "did you mean %s?", suggestion);
    else
        snprintf(
            hint, sizeof hint,
            "write line, u32be, varint, length:width=..., netstring, fixed:size=N, netty(...), "
            "sunrpc, tpkt, raw or datagram");
    return frame_spec_refuse(reader->error, reader->text, hint, "no codec is called \"%.*s\"",
                             (int)(name.length < 32 ? name.length : 32), name.bytes);
}

static enum weir_code frame_spec__read_all(struct frame_spec__reader *reader)
{
    struct frame_spec__word name = {reader->text, strcspn(reader->text, ":,(")};
    struct frame_spec *spec = reader->spec;
    enum weir_code code = WEIR_OK;
    size_t index = 0;

    while (frame_spec__name(index) && !frame_spec__is(name, frame_spec__name(index))) index++;
    if (!frame_spec__name(index)) return frame_spec__refuse_name(reader, name);
    if (index > FRAME_SPEC_PROBE) {
        struct frame_spec__reader inner = *reader;
        inner.text = inner.at = frame_spec_preset_text(index - FRAME_SPEC_PROBE - 1);
        code = frame_spec__read_all(&inner);
        weir_check(code == WEIR_OK);
        spec->has_max = false; /* a preset's max is a default */
    } else {
        frame_spec__defaults(spec, index == FRAME_SPEC_PROBE ? FRAME_SPEC_LENGTH
                                                             : (enum frame_spec_kind)index);
    }
    reader->at = name.bytes + name.length;
    if (index == FRAME_SPEC_PROBE) code = frame_spec__read_netty(reader);
    return code == WEIR_OK ? frame_spec__read_keys(reader) : code;
}

enum weir_code frame_spec_read(const char *text, struct frame_spec *spec, struct weir_error *error)
{
    struct frame_spec__reader reader = {text, text, spec, error, 0};
    enum weir_code code = frame_spec__read_all(&reader);

    return code == WEIR_OK ? frame_spec_check(text, spec, error) : code;
}
