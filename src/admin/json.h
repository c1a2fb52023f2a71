/* SPDX-License-Identifier: MIT */
/* json.h - writes JSON (RFC 8259) into a body. The writer puts the commas. The caller opens and
 * closes objects and arrays in pairs, and writes a name before each value in an object. */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "body.h"

/* Starts as {.body = &body}. */
struct json {
    struct body *body;
    bool needs_comma;
};

/* Open and close an object or array. `name` is that of a member of an object; null: an element of
 * an array, or the whole document. */
void json_begin_object(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *name);
void json_end_array(struct json *json);

/* Write a value; `name` as above. Bytes of a text that are not UTF-8 become U+FFFD. A null text is
 * written as null. Numbers above 2^53 lose digits in readers that use doubles. */
void json_text(struct json *json, const char *name, const char *text);
void json_bytes(struct json *json, const char *name, const char *text, size_t length);
void json_u64(struct json *json, const char *name, uint64_t number);
void json_i64(struct json *json, const char *name, int64_t number);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

#endif
