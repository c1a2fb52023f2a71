/* SPDX-License-Identifier: MIT */
/* websocket_key.h - the answer to the key of a WebSocket request (RFC 6455, section 4.2.2). It only
 * shows that the server understood the request: SHA-1 protects nothing here, so weir has a small
 * one of its own instead of a library. */
#ifndef FILTER_WEBSOCKET_KEY_H
#define FILTER_WEBSOCKET_KEY_H

#include <stdbool.h>

#define WEBSOCKET_KEY_LENGTH 24u    /* base64 of 16 bytes */
#define WEBSOCKET_ACCEPT_LENGTH 28u /* base64 of the 20 bytes of SHA-1 */

/* Returns whether the text is base64 of 16 bytes. */
bool websocket_key_is_valid(const char *key);

/* Writes the value of Sec-WebSocket-Accept for a valid key, with a NUL. */
void websocket_key_accept(const char *key, char accept[WEBSOCKET_ACCEPT_LENGTH + 1]);

#endif
