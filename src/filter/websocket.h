/* SPDX-License-Identifier: MIT */
/* websocket.h - the filter WebSocket: opens with a request head (websocket_head.h), and then leaves
 * the frames to a codec (websocket_codec.h). It sends what the codec cannot: pongs, the server's
 * own pings, and the close frame.
 *
 * websocket_absent.c replaces it in a build without llhttp. */
#ifndef FILTER_WEBSOCKET_H
#define FILTER_WEBSOCKET_H

#include <weir/web.h>

#include "filter.h"

#define WEBSOCKET_PAGE_BYTES_MAX (1024u * 1024)

/* Type of the messages that do not answer one: `same` is text in message mode, binary in stream
 * mode. */
enum websocket_send { WEBSOCKET_SEND_SAME, WEBSOCKET_SEND_TEXT, WEBSOCKET_SEND_BINARY };

/* Settings of a listener; websocket_open() copies all except the inner codec. */
struct websocket_settings {
    const char *path;
    const char *origins, *subprotocols; /* separated by commas; null: none */
    const struct weir_codec *inner;     /* stream mode; null: message mode */
    uint64_t message_bytes_max;
    enum websocket_send send;
    uint32_t ping_interval_ms, pong_timeout_ms; /* ping_interval_ms 0: no pings */
    const void *web_page;                       /* for a GET without upgrade; null: none */
    size_t web_page_length;
};

extern const struct filter_kind websocket_kind;

/* Makes the filter. Returns WEIR_OK; or WEIR_INVALID, WEIR_NO_MEMORY, or WEIR_UNSUPPORTED, with the
 * cause in *error. The caller has one reference. */
enum weir_code websocket_open(const struct websocket_settings *settings, struct filter **filter,
                              struct weir_error *error);

struct websocket_texts; /* origins, subprotocols and page; counted */

/* Makes other origins, subprotocols and another page for the filter, whose path and codec stay.
 * Returns as websocket_open(). Then either websocket_replace() or websocket_texts_unref() takes
 * *texts over. Thread: any, as for the next two. */
enum weir_code websocket_prepare(const struct filter *filter,
                                 const struct websocket_settings *settings,
                                 struct websocket_texts **texts, struct weir_error *error);

/* Replaces them for requests that begin later, and the times of the settings for all sessions. */
void websocket_replace(struct filter *filter, struct websocket_texts *texts,
                       const struct websocket_settings *settings);

void websocket_texts_unref(struct websocket_texts *texts); /* null is allowed */

/* Returns the codec of the filter, for the service; it lives as long as the filter. */
const struct weir_codec *websocket_codec_of_filter(const struct filter *filter);

/* Returns the path of the filter; it lives as long as the filter. */
const char *websocket_path_of_filter(const struct filter *filter);

/* Fills in *web from the state of a session. Returns false if on_open has returned. */
bool websocket_web(const void *state, struct weir_web *web);

#endif
