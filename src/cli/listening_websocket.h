/* SPDX-License-Identifier: MIT */
/* listening_websocket.h - the WebSocket listeners of `weir serve`: the keys of a URL, and
 * --websocket-page, --ping-interval and --pong-timeout. */
#ifndef CLI_LISTENING_WEBSOCKET_H
#define CLI_LISTENING_WEBSOCKET_H

#include "options.h"
#include "url.h"

/* Reads the keys of a URL into *listen. Diagnostics begin with `where` and `text`: the option as it
 * was written. */
void listening_websocket_read(const struct url *url, const char *where, const char *text,
                              struct weir_listen *listen, struct diagnostics *diagnostics);

/* Applies the options to the WebSocket listeners, and rejects settings without effect. */
void listening_websocket_finish(struct options *options, struct option_reading *reading);

#endif
