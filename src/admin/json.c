/* SPDX-License-Identifier: MIT */
/* json.c - see json.h. */
#include "json.h"

#include <inttypes.h>
#include <string.h>

#include "utf8.h"

static void json__escape(struct json *json, const char *text, size_t length)
{
    size_t at = 0, plain = 0; /* from `plain` to `at`, bytes that are written as they are */

    while (at < length) {
        uint8_t byte = (uint8_t)text[at];
        uint32_t code_point;
        size_t used = utf8_read((const uint8_t *)text + at, length - at, &code_point);
        if (used > 0 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f) {
            at += used;
            continue;
        }
        body_add(json->body, text + plain, at - plain);
        if (used == 0)
            body_text(json->body, "\xef\xbf\xbd");
        else
            body_format(json->body, "\\u%04x", (unsigned)byte);
        plain = ++at;
    }
    body_add(json->body, text + plain, length - plain);
}

static void json__quote(struct json *json, const char *text, size_t length)
{
    body_text(json->body, "\"");
    json__escape(json, text, length);
    body_text(json->body, "\"");
}

/* Writes what precedes a value. */
static void json__begin(struct json *json, const char *name)
{
    if (json->needs_comma) body_text(json->body, ",");
    json->needs_comma = true;
    if (!name) return;
    json__quote(json, name, strlen(name));
    body_text(json->body, ":");
}

static void json__open(struct json *json, const char *name, const char *bracket)
{
    json__begin(json, name);
    body_text(json->body, bracket);
    json->needs_comma = false;
}

static void json__close(struct json *json, const char *bracket)
{
    body_text(json->body, bracket);
    json->needs_comma = true;
}

void json_begin_object(struct json *json, const char *name)
{
    json__open(json, name, "{");
}

void json_end_object(struct json *json)
{
    json__close(json, "}");
}

void json_begin_array(struct json *json, const char *name)
{
    json__open(json, name, "[");
}

void json_end_array(struct json *json)
{
    json__close(json, "]");
}

void json_bytes(struct json *json, const char *name, const char *text, size_t length)
{
    json__begin(json, name);
    json__quote(json, text, length);
}

void json_text(struct json *json, const char *name, const char *text)
{
    if (text)
        json_bytes(json, name, text, strlen(text));
    else
        json_null(json, name);
}

void json_u64(struct json *json, const char *name, uint64_t number)
{
    json__begin(json, name);
    body_format(json->body, "%" PRIu64, number);
}

void json_i64(struct json *json, const char *name, int64_t number)
{
    json__begin(json, name);
    body_format(json->body, "%" PRId64, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
    json__begin(json, name);
    body_text(json->body, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
    json__begin(json, name);
    body_text(json->body, "null");
}
