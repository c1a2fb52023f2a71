/* SPDX-License-Identifier: MIT */
/* websocket_check.h - decides the answer to a parsed request head. */
#ifndef FILTER_WEBSOCKET_CHECK_H
#define FILTER_WEBSOCKET_CHECK_H

#include "websocket_request.h"

/* Checks the request, and chooses the subprotocol. Returns the status of the answer: 101 opens the
 * WebSocket, 200 sends the page, and with another one head->why says what is wrong. */
uint32_t websocket_check(struct websocket_head *head);

#endif
