/* SPDX-License-Identifier: MIT */
/* json_read.c - a parser of JSON without recursion: a stack of the open arrays and objects. */
#include "json_read.h"

#include <string.h>

#include "escape.h"
#include "number.h"
#include "utf8.h"

#define JSON_READ__REPLACEMENT 0xfffdu

struct json_read__parser {
    struct json_read *json;
    size_t length, at;
    uint32_t parents[JSON_READ_DEPTH_MAX]; /* indexes of the open arrays and objects */
    uint32_t depth;
};

/* ---- characters ---- */

/* Returns the character at the front; NUL: the text has ended. */
static char json_read__peek(const struct json_read__parser *parser)
{
    return parser->at < parser->length ? parser->json->text[parser->at] : '\0';
}

static bool json_read__take(struct json_read__parser *parser, char wanted)
{
    if (parser->at == parser->length || json_read__peek(parser) != wanted) return false;
    parser->at++;
    return true;
}

static void json_read__skip_blanks(struct json_read__parser *parser)
{
    while (parser->at < parser->length && strchr(" \t\r\n", json_read__peek(parser)) &&
           json_read__peek(parser) != '\0')
        parser->at++;
}

/* Returns how many digits were taken. */
static size_t json_read__skip_digits(struct json_read__parser *parser)
{
    size_t start = parser->at;

    while (json_read__peek(parser) >= '0' && json_read__peek(parser) <= '9') parser->at++;
    return parser->at - start;
}

/* ---- values ---- */

/* Adds a value that begins at `start` and ends here. Returns false if there is no room. */
static bool json_read__add(struct json_read__parser *parser, enum json_read_kind kind, size_t start)
{
    struct json_read *json = parser->json;

    if (json->values_count == json->values_max) return false;
    json->values[json->values_count] = (struct json_read_value){
        kind, (uint32_t)start, (uint32_t)(parser->at - start), json->values_count + 1};
    json->values_count++;
    return true;
}

static bool json_read__number(struct json_read__parser *parser)
{
    size_t start = parser->at;

    json_read__take(parser, '-');
    bool is_zero = json_read__take(parser, '0');
    if (!is_zero && json_read__skip_digits(parser) == 0) return false;
    if (json_read__take(parser, '.') && json_read__skip_digits(parser) == 0) return false;
    if (json_read__take(parser, 'e') || json_read__take(parser, 'E')) {
        if (!json_read__take(parser, '-')) json_read__take(parser, '+');
        if (json_read__skip_digits(parser) == 0) return false;
    }
    return json_read__add(parser, JSON_READ_NUMBER, start);
}

/* Takes what follows a backslash. */
static bool json_read__escape(struct json_read__parser *parser)
{
    char escaped = json_read__peek(parser);

    if (escaped == '\0' || !strchr("\"\\/bfnrtu", escaped)) return false;
    parser->at++;
    if (escaped != 'u') return true;
    for (size_t i = 0; i < 4; i++, parser->at++)
        if (escape_hex_digit(json_read__peek(parser)) < 0) return false;
    return true;
}

static bool json_read__string(struct json_read__parser *parser)
{
    if (!json_read__take(parser, '"')) return false;
    for (size_t start = parser->at; parser->at < parser->length;) {
        unsigned char byte = (unsigned char)json_read__peek(parser);
        if (byte < 0x20) return false;
        if (byte == '"') {
            bool has_room = json_read__add(parser, JSON_READ_TEXT, start);
            parser->at++;
            return has_room;
        }
        parser->at++;
        if (byte == '\\' && !json_read__escape(parser)) return false;
    }
    return false;
}

static bool json_read__word(struct json_read__parser *parser)
{
    static const struct {
        const char *word;
        enum json_read_kind kind;
    } words[] = {{"null", JSON_READ_NULL}, {"false", JSON_READ_FALSE}, {"true", JSON_READ_TRUE}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i].word), start = parser->at;
        if (parser->length - start < length ||
            memcmp(parser->json->text + start, words[i].word, length) != 0)
            continue;
        parser->at += length;
        return json_read__add(parser, words[i].kind, start);
    }
    return false;
}

static bool json_read__open(struct json_read__parser *parser, enum json_read_kind kind)
{
    if (parser->depth == JSON_READ_DEPTH_MAX) return false;
    parser->parents[parser->depth++] = parser->json->values_count;
    return json_read__add(parser, kind, parser->at++);
}

/* Takes a scalar, or the begin of an array or object. */
static bool json_read__value(struct json_read__parser *parser)
{
    json_read__skip_blanks(parser);
    switch (json_read__peek(parser)) {
    case '{': return json_read__open(parser, JSON_READ_OBJECT);
    case '[': return json_read__open(parser, JSON_READ_ARRAY);
    case '"': return json_read__string(parser);
    case 'n':
    case 'f':
    case 't': return json_read__word(parser);
    default: return json_read__number(parser);
    }
}

/* Takes the next value inside the innermost array or object, or its end. */
static bool json_read__inside(struct json_read__parser *parser)
{
    struct json_read *json = parser->json;
    uint32_t index = parser->parents[parser->depth - 1];
    struct json_read_value *parent = &json->values[index];
    bool is_object = parent->kind == JSON_READ_OBJECT, is_first = json->values_count == index + 1;

    json_read__skip_blanks(parser);
    if (json_read__take(parser, is_object ? '}' : ']')) {
        parent->length = (uint32_t)(parser->at - parent->start);
        parent->next = json->values_count;
        parser->depth--;
        return true;
    }
    if (!is_first && !json_read__take(parser, ',')) return false;
    if (!is_object) return json_read__value(parser);
    json_read__skip_blanks(parser);
    if (!json_read__string(parser)) return false;
    json_read__skip_blanks(parser);
    return json_read__take(parser, ':') && json_read__value(parser);
}

bool json_read(struct json_read *json, const char *text, size_t length)
{
    struct json_read__parser parser = {.json = json, .length = length};

    json->text = text;
    json->values_count = 0;
    if (length >= UINT32_MAX || !json_read__value(&parser)) return false;
    while (parser.depth > 0)
        if (!json_read__inside(&parser)) return false;
    json_read__skip_blanks(&parser);
    return parser.at == length;
}

/* ---- reading values ---- */

static const struct json_read_value *json_read__at(const struct json_read *json, uint32_t index)
{
    return index < json->values_count ? &json->values[index] : NULL;
}

uint32_t json_read_first(const struct json_read *json, uint32_t parent)
{
    const struct json_read_value *value = json_read__at(json, parent);
    bool is_parent = value && (value->kind == JSON_READ_ARRAY || value->kind == JSON_READ_OBJECT);

    return is_parent && value->next > parent + 1 ? parent + 1 : JSON_READ_NONE;
}

uint32_t json_read_next(const struct json_read *json, uint32_t parent, uint32_t index)
{
    uint32_t next = json->values[index].next;

    return next < json->values[parent].next ? next : JSON_READ_NONE;
}

uint32_t json_read_member(const struct json_read *json, uint32_t object, const char *name)
{
    const struct json_read_value *parent = json_read__at(json, object);
    size_t length = strlen(name);

    if (!parent || parent->kind != JSON_READ_OBJECT) return JSON_READ_NONE;
    for (uint32_t i = object + 1; i < parent->next; i = json->values[i + 1].next) {
        const struct json_read_value *key = &json->values[i];
        if (key->length == length && memcmp(json->text + key->start, name, length) == 0)
            return i + 1;
    }
    return JSON_READ_NONE;
}

uint64_t json_read_u64(const struct json_read *json, uint32_t index, uint64_t otherwise)
{
    const struct json_read_value *value = json_read__at(json, index);
    uint64_t number;

    if (!value || value->kind != JSON_READ_NUMBER) return otherwise;
    size_t digits = number_digits(json->text + value->start, value->length, UINT64_MAX, &number);
    return digits == value->length ? number : otherwise;
}

bool json_read_is_true(const struct json_read *json, uint32_t index)
{
    const struct json_read_value *value = json_read__at(json, index);

    return value && value->kind == JSON_READ_TRUE;
}

/* ---- texts ---- */

/* Reads the four digits after "\u". */
static uint32_t json_read__unit(const char *digits)
{
    uint32_t unit = 0;

    for (size_t i = 0; i < 4; i++) unit = unit << 4 | (uint32_t)escape_hex_digit(digits[i]);
    return unit;
}

/* Returns whether it is a half of a surrogate pair: 0xd800 is the least first one, 0xdc00 the least
 * second one. */
static bool json_read__is_half(uint32_t unit, uint32_t least)
{
    return unit >= least && unit < least + 0x400;
}

/* Reads the digits after "\u", and those of the second half of a surrogate pair. Returns their
 * length. */
static size_t json_read__units(const char *text, size_t length, uint32_t *code_point)
{
    uint32_t unit = json_read__unit(text), low = 0;
    bool is_high = json_read__is_half(unit, 0xd800);

    if (is_high && length >= 10 && text[4] == '\\' && text[5] == 'u')
        low = json_read__unit(text + 6);
    if (json_read__is_half(low, 0xdc00)) {
        *code_point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return 10;
    }
    bool is_text = unit != 0 && !is_high && !json_read__is_half(unit, 0xdc00);
    *code_point = is_text ? unit : JSON_READ__REPLACEMENT;
    return 4;
}

/* Reads the escape after a backslash, which json_read__escape() has accepted. Returns its length.
 */
static size_t json_read__escaped(const char *text, size_t length, uint32_t *code_point)
{
    static const char codes[] = "bfnrt", characters[] = "\b\f\n\r\t";
    const char *found = strchr(codes, text[0]);

    if (text[0] == 'u') return 1 + json_read__units(text + 1, length - 1, code_point);
    *code_point = found ? (uint32_t)characters[found - codes] : (unsigned char)text[0];
    return 1;
}

static size_t json_read__write(uint32_t code_point, char bytes[4])
{
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    size_t count = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = count - 1; i > 0; i--, code_point >>= 6)
        bytes[i] = (char)(0x80 | (code_point & 0x3f));
    bytes[0] = (char)(first[count] | code_point);
    return count;
}

char *json_read_text(const struct json_read *json, uint32_t index, char *text, size_t size)
{
    const struct json_read_value *value = json_read__at(json, index);
    size_t used = 0;

    text[0] = '\0';
    if (!value || value->kind != JSON_READ_TEXT) return text;
    const char *at = json->text + value->start, *end = at + value->length;
    while (at < end) {
        char bytes[4] = {*at++};
        size_t count = 1;
        if (bytes[0] == '\\') {
            uint32_t code_point;
            at += json_read__escaped(at, (size_t)(end - at), &code_point);
            count = json_read__write(code_point, bytes);
        }
        if (count >= size - used) break;
        memcpy(text + used, bytes, count);
        used += count;
    }
    text[used] = '\0';
    utf8_trim(text);
    return text;
}
