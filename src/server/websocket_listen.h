/* SPDX-License-Identifier: MIT */
/* websocket_listen.h - makes the WebSocket filter of a listener. */
#ifndef SERVER_WEBSOCKET_LISTEN_H
#define SERVER_WEBSOCKET_LISTEN_H

#include <weir/weir.h>

#include "filter.h"
#include "websocket.h"

/* Sets *filter to a filter with one reference, or to null if the listener is no WebSocket. `codec`
 * is the listener's, and must outlive the filter; websocket_codec_of_filter() then replaces it.
 * Returns WEIR_OK; or WEIR_INVALID, WEIR_UNSUPPORTED or WEIR_NO_MEMORY: *error says why. */
enum weir_code websocket_listen_open(const struct weir_listen *listen,
                                     const struct weir_codec *codec, struct filter **filter,
                                     struct weir_error *error);

/* New settings of a listener that is a WebSocket: texts and times. */
struct websocket_change {
    struct websocket_settings settings;
    struct websocket_texts *texts;
};

/* Checks and copies those settings of the listener's filter that can change. Returns WEIR_OK; or
 * WEIR_INVALID or WEIR_NO_MEMORY: *error says why. Then websocket_replace() or
 * websocket_texts_unref() takes change->texts over. */
enum weir_code websocket_listen_prepare(const struct weir_listen *listen,
                                        const struct filter *filter,
                                        struct websocket_change *change, struct weir_error *error);

#endif
