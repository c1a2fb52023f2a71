/* SPDX-License-Identifier: MIT */
/* description_read.c - reads "NAME:key=value,key=value" and "netty(0,4,0,4)". */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "description.h"
#include "error_fill.h"
#include "nearest.h"

/* A text being read, and what is made of it. */
struct description__reader {
    const char *text, *at;
    struct description *description;
    struct weir_error *error;
    uint32_t seen; /* a bit for each key that was read */
};

/* A piece of the text. */
struct description__word {
    const char *bytes;
    size_t length;
};

enum weir_code description_refuse(struct weir_error *error, const char *text, const char *hint,
                                  const char *format, ...)
{
    char reason[sizeof error->reason];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return error_fill(error, WEIR_INVALID, 0, "frame messages as", text, reason, hint);
}

/* ---- values ---- */

static bool description__is(struct description__word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.bytes, text, word.length) == 0;
}

/* Digits and perhaps a unit: "64k". */
static bool description__number(struct description__word word, uint64_t max, uint64_t *value)
{
    static const char units[] = "kKmMgG";
    size_t i = 0;

    *value = 0;
    for (; i < word.length && word.bytes[i] >= '0' && word.bytes[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(word.bytes[i] - '0');
        if (digit > max || *value > (max - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    if (i == 0 || i == word.length) return i > 0;
    const char *unit = strchr(units, word.bytes[i]);
    if (!unit || word.bytes[i] == '\0' || i + 1 < word.length) return false;
    unsigned shift = 10 * (unsigned)((unit - units) / 2 + 1);
    if (*value > max >> shift) return false;
    *value <<= shift;
    return true;
}

static bool description__small(struct description__word word, uint32_t max, uint32_t *value)
{
    uint64_t number;

    if (!description__number(word, max, &number)) return false;
    *value = (uint32_t)number;
    return true;
}

static bool description__signed(struct description__word word, int64_t *value)
{
    uint64_t number;
    bool is_negative = word.length > 0 && word.bytes[0] == '-';

    if (word.length > 0 && (is_negative || word.bytes[0] == '+')) {
        word.bytes++;
        word.length--;
    }
    if (!description__number(word, (uint64_t)DESCRIPTION_ADJUST_MAX, &number)) return false;
    *value = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static int description__hex(char letter)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = letter != '\0' ? strchr(digits, letter) : NULL;

    return found ? (int)((found - digits) % 16) : -1;
}

/* One byte as it is, or \r \n \t \\ \0 \xHH. */
static bool description__byte(struct description__word *word, uint8_t *byte)
{
    static const char letters[] = "rnt\\0", bytes[] = "\r\n\t\\";
    const char *at = word->bytes, *found;
    size_t used = 1;

    *byte = (uint8_t)at[0];
    if (at[0] == '\\') {
        if (word->length < 2) return false;
        found = strchr(letters, at[1]);
        used = 2;
        if (found) {
            *byte = (uint8_t)bytes[found - letters];
        } else {
            if (at[1] != 'x' || word->length < 4) return false;
            int high = description__hex(at[2]), low = description__hex(at[3]);
            if (high < 0 || low < 0) return false;
            *byte = (uint8_t)(high * 16 + low);
            used = 4;
        }
    }
    word->bytes += used;
    word->length -= used;
    return true;
}

static bool description__bytes(struct description__word word, uint8_t *bytes, uint32_t max,
                               uint32_t *length)
{
    *length = 0;
    while (word.length > 0) {
        if (*length == max || !description__byte(&word, &bytes[*length])) return false;
        (*length)++;
    }
    return *length > 0;
}

/* ---- keys ---- */

static bool description__set_width(struct description *description, struct description__word word)
{
    if (description__is(word, "varint")) {
        description->width = DESCRIPTION_VARINT;
        return true;
    }
    return description__small(word, 8, &description->width) && description->width > 0;
}

static bool description__set_endian(struct description *description, struct description__word word)
{
    description->is_little = description__is(word, "little");
    return description->is_little || description__is(word, "big");
}

static bool description__set_offset(struct description *description, struct description__word word)
{
    return description__small(word, WEIR_HEAD_BYTES_MAX, &description->offset);
}

static bool description__set_header(struct description *description, struct description__word word)
{
    return description__small(word, WEIR_HEAD_BYTES_MAX, &description->header) &&
           description->header > 0;
}

static bool description__set_covers(struct description *description, struct description__word word)
{
    for (int i = DESCRIPTION_BODY; i <= DESCRIPTION_REST; i++) {
        if (!description__is(word, description_covers_name((enum description_covers)i))) continue;
        description->covers = (enum description_covers)i;
        return true;
    }
    return false;
}

static bool description__set_adjust(struct description *description, struct description__word word)
{
    return description__signed(word, &description->adjust);
}

static bool description__set_strip(struct description *description, struct description__word word)
{
    if (description__is(word, "yes")) {
        description->strip = DESCRIPTION_STRIP_ALL;
        return true;
    }
    if (description__is(word, "no")) {
        description->strip = 0;
        return true;
    }
    return description__small(word, WEIR_HEAD_BYTES_MAX, &description->strip);
}

static bool description__set_magic(struct description *description, struct description__word word)
{
    return description__bytes(word, description->magic, DESCRIPTION_MAGIC_BYTES_MAX,
                              &description->magic_length);
}

static bool description__set_delimiter(struct description *description,
                                       struct description__word word)
{
    return description__bytes(word, description->delimiter, DESCRIPTION_DELIMITER_BYTES_MAX,
                              &description->delimiter_length);
}

static bool description__set_size(struct description *description, struct description__word word)
{
    return description__number(word, DESCRIPTION_MAX_BYTES_MAX, &description->size) &&
           description->size > 0;
}

static bool description__set_max(struct description *description, struct description__word word)
{
    description->has_max = true;
    return description__number(word, DESCRIPTION_MAX_BYTES_MAX, &description->max) &&
           description->max > 0;
}

static bool description__set_oversize(struct description *description,
                                      struct description__word word)
{
    description->skips = description__is(word, "skip");
    return description->skips || description__is(word, "close");
}

const char *description_covers_name(enum description_covers covers)
{
    static const char *const words[] = {
        [DESCRIPTION_BODY] = "body",
        [DESCRIPTION_FRAME] = "header+body",
        [DESCRIPTION_REST] = "rest",
    };

    return words[covers];
}

#define DESCRIPTION__ON(kind) (1U << DESCRIPTION_##kind)

static const struct description__key {
    const char *name;
    uint32_t kinds;
    bool (*set)(struct description *description, struct description__word word);
    const char *hint;
} description__keys[] = {
    {"width", DESCRIPTION__ON(LENGTH), description__set_width,
     "write the bytes of the length field, 1 to 8, or varint"},
    {"endian", DESCRIPTION__ON(LENGTH), description__set_endian, "write big or little"},
    {"offset", DESCRIPTION__ON(LENGTH), description__set_offset,
     "write how many bytes come before the length field, 0 to 63"},
    {"header", DESCRIPTION__ON(LENGTH), description__set_header,
     "write the bytes of the whole header, 1 to 64"},
    {"covers", DESCRIPTION__ON(LENGTH), description__set_covers,
     "write what the length counts: body, header+body, or rest (all behind the length field)"},
    {"adjust", DESCRIPTION__ON(LENGTH), description__set_adjust,
     "write what is added to the length that was read, such as -2 or 4; up to 1g"},
    {"strip", DESCRIPTION__ON(LENGTH), description__set_strip,
     "write yes (no header in the message), no, or how many bytes of it to take off"},
    {"magic", DESCRIPTION__ON(LENGTH), description__set_magic,
     "write the 1 to 16 bytes that every frame begins with, such as \\x03 or AB"},
    {"delimiter", DESCRIPTION__ON(LINE), description__set_delimiter,
     "write 1 to 16 bytes; \\r \\n \\t \\0 \\\\ and \\xHH are read; a comma is \\x2c"},
    {"size", DESCRIPTION__ON(FIXED), description__set_size,
     "write the bytes of each message, such as 16 or 4k"},
    {"max",
     DESCRIPTION__ON(LINE) | DESCRIPTION__ON(LENGTH) | DESCRIPTION__ON(NETSTRING) |
         DESCRIPTION__ON(FIXED) | DESCRIPTION__ON(SUNRPC),
     description__set_max, "write the bytes of the longest message, such as 64k or 1m"},
    {"oversize",
     DESCRIPTION__ON(LINE) | DESCRIPTION__ON(LENGTH) | DESCRIPTION__ON(NETSTRING) |
         DESCRIPTION__ON(SUNRPC),
     description__set_oversize, "write close, or skip to pass over what is too long"},
};

const char *description_key(size_t index)
{
    return index < weir_count_of(description__keys) ? description__keys[index].name : NULL;
}

bool description_kind_has_key(enum description_kind kind, size_t index)
{
    return description__keys[index].kinds & 1U << kind;
}

/* The keys of a kind: "delimiter, max, oversize". */
static const char *description__key_names(enum description_kind kind, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; description_key(i) && used < size; i++)
        if (description_kind_has_key(kind, i))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     description_key(i));
    return text;
}

static enum weir_code description__refuse_key(struct description__reader *reader,
                                              struct description__word key)
{
    enum description_kind kind = reader->description->kind;
    const char *nearest = nearest_word(key.bytes, key.length, description_key);
    char hint[sizeof reader->error->hint], names[128];

    description__key_names(kind, names, sizeof names);
    if (names[0] == '\0')
        snprintf(hint, sizeof hint, "%s has no keys", description_kind_name(kind));
    else if (nearest && !description__is(key, nearest))
        snprintf(hint, sizeof hint, "did you mean %s? Its keys: %s", nearest, names);
    else
        snprintf(hint, sizeof hint, "its keys: %s", names);
    return description_refuse(reader->error, reader->text, hint, "a %s has no key \"%.*s\"",
                              description_kind_name(kind), (int)(key.length & 31), key.bytes);
}

/* key=value */
static enum weir_code description__read_key(struct description__reader *reader)
{
    struct description__word key = {reader->at, strcspn(reader->at, "=,")};
    struct description__word value;
    size_t index = 0;

    while (description_key(index) && !description__is(key, description_key(index))) index++;
    if (!description_key(index) || !description_kind_has_key(reader->description->kind, index))
        return description__refuse_key(reader, key);
    const struct description__key *found = &description__keys[index];
    if (key.bytes[key.length] != '=')
        return description_refuse(reader->error, reader->text, found->hint, "%s has no value",
                                  found->name);
    if (reader->seen & 1U << index)
        return description_refuse(reader->error, reader->text, "write it once", "%s is there twice",
                                  found->name);
    reader->seen |= 1U << index;
    value.bytes = key.bytes + key.length + 1;
    value.length = strcspn(value.bytes, ",");
    reader->at = value.bytes + value.length;
    if (found->set(reader->description, value)) return WEIR_OK;
    return description_refuse(reader->error, reader->text, found->hint, "%s cannot be \"%.*s\"",
                              found->name, (int)(value.length < 32 ? value.length : 32),
                              value.bytes);
}

/* All keys, each behind a colon or a comma. */
static enum weir_code description__read_keys(struct description__reader *reader)
{
    bool is_first = true;

    while (*reader->at != '\0') {
        if (*reader->at != ',' && !(is_first && *reader->at == ':'))
            return description_refuse(reader->error, reader->text,
                                      "write NAME, or NAME:key=value,key=value",
                                      "\"%.16s\" is in the way", reader->at);
        is_first = false;
        reader->at++;
        enum weir_code code = description__read_key(reader);
        if (code != WEIR_OK) return code;
    }
    return WEIR_OK;
}

/* ---- names ---- */

static const char *const description__kinds[DESCRIPTION_KINDS_COUNT] = {
    [DESCRIPTION_RAW] = "raw",
    [DESCRIPTION_DATAGRAM] = "datagram",
    [DESCRIPTION_LINE] = "line",
    [DESCRIPTION_LENGTH] = "length",
    [DESCRIPTION_NETSTRING] = "netstring",
    [DESCRIPTION_FIXED] = "fixed",
    [DESCRIPTION_SUNRPC] = "sunrpc",
    [DESCRIPTION_PROBE] = "probe",
};

const char *description_kind_name(enum description_kind kind)
{
    return description__kinds[kind];
}

/* Every name that a description may begin with: the kinds, "netty", the presets. */
static const char *description__name(size_t index)
{
    if (index < DESCRIPTION_PROBE) return description__kinds[index];
    if (index == DESCRIPTION_PROBE) return "netty";
    return description_preset(index - DESCRIPTION_PROBE - 1);
}

static void description__defaults(struct description *description, enum description_kind kind)
{
    memset(description, 0, sizeof *description);
    description->kind = kind;
    description->max = DESCRIPTION_MAX_BYTES;
    description->width = 4;
    description->strip = DESCRIPTION_STRIP_ALL;
    if (kind != DESCRIPTION_LINE) return;
    description->delimiter[0] = '\n';
    description->delimiter_length = 1;
}

/* netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip): there, the
 * length counts what follows its field. */
static enum weir_code description__read_netty(struct description__reader *reader)
{
    static const char hint[] =
        "write netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)";
    struct description *description = reader->description;
    struct description__word words[4];

    for (size_t i = 0; i < 4; i++) {
        if (*reader->at != (i == 0 ? '(' : ','))
            return description_refuse(reader->error, reader->text, hint, "netty has 4 numbers");
        words[i].bytes = reader->at + 1;
        words[i].length = strcspn(words[i].bytes, ",)");
        reader->at = words[i].bytes + words[i].length;
    }
    if (*reader->at != ')')
        return description_refuse(reader->error, reader->text, hint, "netty has 4 numbers");
    reader->at++;
    if (!description__set_offset(description, words[0]) ||
        !description__small(words[1], 8, &description->width) ||
        !description__set_adjust(description, words[2]) ||
        !description__small(words[3], WEIR_HEAD_BYTES_MAX, &description->strip))
        return description_refuse(reader->error, reader->text, hint,
                                  "a number is missing, or too large for weir");
    if (description->width == 0 || (description->width > 4 && description->width != 8))
        return description_refuse(reader->error, reader->text, "write 1, 2, 3, 4 or 8",
                                  "Netty has no lengthFieldLength of %u",
                                  (unsigned)description->width);
    description->covers = DESCRIPTION_REST;
    description->header = description->offset + description->width;
    if (description->strip > description->header) description->header = description->strip;
    return WEIR_OK;
}

static enum weir_code description__refuse_name(struct description__reader *reader,
                                               struct description__word name)
{
    const char *nearest = nearest_word(name.bytes, name.length, description__name);
    char hint[sizeof reader->error->hint];

    if (nearest)
        snprintf(hint, sizeof hint, "did you mean %s?", nearest);
    else
        snprintf(
            hint, sizeof hint,
            "write line, u32be, varint, length:width=..., netstring, fixed:size=N, netty(...), "
            "sunrpc, tpkt, raw or datagram");
    return description_refuse(reader->error, reader->text, hint, "no codec is called \"%.*s\"",
                              (int)(name.length < 32 ? name.length : 32), name.bytes);
}

static enum weir_code description__read_all(struct description__reader *reader)
{
    struct description__word name = {reader->text, strcspn(reader->text, ":,(")};
    struct description *description = reader->description;
    enum weir_code code = WEIR_OK;
    size_t index = 0;

    while (description__name(index) && !description__is(name, description__name(index))) index++;
    if (!description__name(index)) return description__refuse_name(reader, name);
    if (index > DESCRIPTION_PROBE) {
        struct description__reader inner = *reader;
        inner.text = inner.at = description_preset_means(index - DESCRIPTION_PROBE - 1);
        code = description__read_all(&inner);
        weir_check(code == WEIR_OK);
        description->has_max = false; /* a preset's own is one that we chose */
    } else {
        description__defaults(description, index == DESCRIPTION_PROBE
                                               ? DESCRIPTION_LENGTH
                                               : (enum description_kind)index);
    }
    reader->at = name.bytes + name.length;
    if (index == DESCRIPTION_PROBE) code = description__read_netty(reader);
    return code == WEIR_OK ? description__read_keys(reader) : code;
}

enum weir_code description_read(const char *text, struct description *description,
                                struct weir_error *error)
{
    struct description__reader reader = {text, text, description, error, 0};
    enum weir_code code = description__read_all(&reader);

    return code == WEIR_OK ? description_check(text, description, error) : code;
}
