/* SPDX-License-Identifier: MIT */
/* websocket_head.h - the request that opens a WebSocket: an HTTP request head, parsed by llhttp,
 * and the answer to it.
 *
 *      GET /play?room=1 HTTP/1.1 ... -> checks -> 101, the WebSocket is open
 *                                              -> the page, for a request without upgrade
 *                                              -> 400 ... 505: why not; the connection is closed
 */
#ifndef FILTER_WEBSOCKET_HEAD_H
#define FILTER_WEBSOCKET_HEAD_H

#include "websocket_request.h"

#define WEBSOCKET_HEAD_ANSWER_BYTES_MAX 1024u

enum websocket_head_result {
    WEBSOCKET_HEAD_MORE,
    WEBSOCKET_HEAD_ACCEPTED, /* 101 */
    WEBSOCKET_HEAD_WEB_PAGE, /* 200: the page follows the answer, unless the request is HEAD */
    WEBSOCKET_HEAD_REFUSED   /* head->why and head->status say why */
};

/* Initialises a head. The settings must outlive it, and it must stay where it is. */
void websocket_head_open(struct websocket_head *head,
                         const struct websocket_head_settings *settings);

/* Parses input, and advances both past what belongs to the head. With another result than MORE, the
 * answer is in *answer, with *answer_length bytes. */
enum websocket_head_result websocket_head_feed(struct websocket_head *head, const uint8_t **in,
                                               size_t *in_length,
                                               char answer[WEBSOCKET_HEAD_ANSWER_BYTES_MAX],
                                               size_t *answer_length);

/* Returns whether the request is HEAD: its answer has no body. */
bool websocket_head_is_head(const struct websocket_head *head);

/* Frees the memory of the values. */
void websocket_head_close(struct websocket_head *head);

#endif
