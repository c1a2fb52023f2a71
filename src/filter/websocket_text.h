/* SPDX-License-Identifier: MIT */
/* websocket_text.h - checks and copies the texts of a listener's WebSocket settings. */
#ifndef FILTER_WEBSOCKET_TEXT_H
#define FILTER_WEBSOCKET_TEXT_H

#include <stddef.h>

#include "websocket.h"

/* A list of texts, in one piece of memory. */
struct websocket_list {
    const char **texts; /* null: the list is empty */
    size_t count;
};

/* Splits a list that is separated by commas. Returns false if memory is exhausted. */
bool websocket_list_open(struct websocket_list *list, const char *text);

void websocket_list_free(struct websocket_list *list);

/* Checks the path, the origins and the subprotocols. Returns WEIR_OK, or WEIR_INVALID with the
 * cause. */
enum weir_code websocket_text_check(const struct websocket_settings *settings,
                                    struct weir_error *error);

#endif
