/* SPDX-License-Identifier: MIT */
/* websocket_text.h - checks and copies the texts of a listener's WebSocket settings. */
#ifndef FILTER_WEBSOCKET_TEXT_H
#define FILTER_WEBSOCKET_TEXT_H

#include <stddef.h>

#include "atomic.h"
#include "websocket.h"
#include "websocket_head.h"

/* A list of texts, in one piece of memory. */
struct websocket_list {
    const char **texts; /* null: the list is empty */
    size_t count;
};

/* Splits a list that is separated by commas. Returns false if memory is exhausted. */
bool websocket_list_open(struct websocket_list *list, const char *text);

void websocket_list_free(struct websocket_list *list);

/* What a request is checked against, and the page. Constant; a listener refers to it, and each
 * session while it opens. */
struct websocket_texts {
    _Atomic uint32_t references;
    struct websocket_head_settings head; /* points to the rest */
    struct websocket_list origins, subprotocols;
    uint8_t *web_page;
};

/* Copies the texts of the settings, after websocket_text_check(), except for the path: `path` is
 * that of the filter, and lives longer. The caller has one reference. Returns null if memory is
 * exhausted. */
struct websocket_texts *websocket_texts_open(const struct websocket_settings *settings,
                                             const char *path);

struct websocket_texts *websocket_texts_ref(struct websocket_texts *texts);

/* Checks the path, the origins, the subprotocols and the length of the page. Returns WEIR_OK, or
 * WEIR_INVALID with the cause. */
enum weir_code websocket_text_check(const struct websocket_settings *settings,
                                    struct weir_error *error);

#endif
