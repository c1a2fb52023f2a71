/* SPDX-License-Identifier: MIT */
/* websocket_request.h - the request head of a WebSocket while it is parsed, its values, and what a
 * listener accepts. */
#ifndef FILTER_WEBSOCKET_REQUEST_H
#define FILTER_WEBSOCKET_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#define WEBSOCKET_HEAD_BYTES_MAX 8192u
#define WEBSOCKET_HEAD_LINES_MAX 64u
#define WEBSOCKET_HEAD_NAME_BYTES_MAX 32u /* of the names that matter; others are cut */
#define WEBSOCKET_SUBPROTOCOL_BYTES_MAX 64u

/* What a listener accepts. Constant while heads use it. */
struct websocket_head_settings {
    const char *path;           /* "/play" */
    const char *const *origins; /* null: the same host as Host; "*": all */
    size_t origins_count;
    const char *const *subprotocols; /* that the server speaks, the preferred ones first */
    size_t subprotocols_count;
    const uint8_t *web_page; /* sent to a GET of the path without upgrade; null: none */
    size_t web_page_length;
};

/* The header lines and parts of the request that matter. */
enum websocket_head_field {
    WEBSOCKET_HEAD_URL,
    WEBSOCKET_HEAD_HOST,
    WEBSOCKET_HEAD_ORIGIN,
    WEBSOCKET_HEAD_CONNECTION,
    WEBSOCKET_HEAD_UPGRADE,
    WEBSOCKET_HEAD_KEY,
    WEBSOCKET_HEAD_VERSION,
    WEBSOCKET_HEAD_PROTOCOL,
    WEBSOCKET_HEAD_COOKIE,
    WEBSOCKET_HEAD_AUTHORIZATION,
    WEBSOCKET_HEAD_FIELDS_COUNT
};

/* A head that is being parsed. */
struct websocket_head {
    const struct websocket_head_settings *settings;
    llhttp_t parser;
    char *text; /* the values of the fields, each with a NUL */
    uint32_t text_length, text_capacity;
    uint32_t values[WEBSOCKET_HEAD_FIELDS_COUNT]; /* offset in `text` plus 1; 0: absent */
    uint32_t last_value;                          /* that of the value that began last */
    const char *subprotocol;                      /* chosen; null: none */
    uint32_t bytes_count, lines_count;
    uint32_t status;       /* of the answer; 0: not decided */
    const char *why;       /* the request is refused; a constant */
    const char *input_end; /* of the input that is being parsed */
    char name[WEBSOCKET_HEAD_NAME_BYTES_MAX];
    uint8_t name_length;
    bool value_has_ended; /* more of the value can only come from a folded line */
    uint8_t field;        /* of the current line; WEBSOCKET_HEAD_FIELDS_COUNT: it does not matter */
};

/* Returns a value of the head, or null if the request has none. Valid until the head is closed. The
 * URL is the path with the query. */
static inline const char *websocket_head_value(const struct websocket_head *head,
                                               enum websocket_head_field field)
{
    return head->values[field] > 0 ? head->text + head->values[field] - 1 : NULL;
}

#endif
