/* SPDX-License-Identifier: MIT */
/* json_read.h - reads JSON (RFC 8259) into a flat array of values: what weir's own admin server
 * answers, and anything else of bounded size. No memory is allocated.
 *
 *     {"a": [1, "x"]}  ->  0 object  1 text a  2 array  3 number 1  4 text x
 *
 * The members of an object are texts, each followed by its value. `next` leads past a value and
 * everything inside it. */
#ifndef TEXT_JSON_READ_H
#define TEXT_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_READ_DEPTH_MAX 32u
#define JSON_READ_NONE UINT32_MAX /* the index of a value that does not exist */

enum json_read_kind {
    JSON_READ_NULL,
    JSON_READ_FALSE,
    JSON_READ_TRUE,
    JSON_READ_NUMBER,
    JSON_READ_TEXT,
    JSON_READ_ARRAY,
    JSON_READ_OBJECT,
};

struct json_read_value {
    enum json_read_kind kind;
    uint32_t start, length; /* in the text; of a text: between its quotes */
    uint32_t next;          /* index of the value after this one and all inside it */
};

struct json_read {
    const char *text;               /* the caller's; must outlive the values */
    struct json_read_value *values; /* values_max of the caller's */
    uint32_t values_max, values_count;
};

/* Reads a whole text of at most 4 GiB - 1. Returns false if it is not JSON, is nested more deeply
 * than JSON_READ_DEPTH_MAX, or has more than values_max values. */
bool json_read(struct json_read *json, const char *text, size_t length);

/* Returns the index of an object's member; JSON_READ_NONE: it has none of this name, or `object` is
 * not the index of an object. `name` contains no character that JSON escapes. */
uint32_t json_read_member(const struct json_read *json, uint32_t object, const char *name);

/* Return the first value inside an array (the first name inside an object), and the value after
 * `index`, which is inside it; JSON_READ_NONE: there is none. */
uint32_t json_read_first(const struct json_read *json, uint32_t parent);
uint32_t json_read_next(const struct json_read *json, uint32_t parent, uint32_t index);

/* Returns a whole number from 0 to UINT64_MAX; `otherwise` if the value is something else or does
 * not exist. */
uint64_t json_read_u64(const struct json_read *json, uint32_t index, uint64_t otherwise);

/* Returns whether the value is `true`. */
bool json_read_is_true(const struct json_read *json, uint32_t index);

/* Writes a text as UTF-8 without its escapes, cut to `size` bytes including the NUL; "" if the
 * value is something else. \u0000 becomes U+FFFD. Returns `text`. */
char *json_read_text(const struct json_read *json, uint32_t index, char *text, size_t size);

#endif
