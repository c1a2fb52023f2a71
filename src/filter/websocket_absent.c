/* SPDX-License-Identifier: MIT */
/* websocket_absent.c - replaces WebSocket in a build without llhttp: no filter can be opened. */
#include "check.h"
#include "error_fill.h"
#include "websocket.h"

const struct filter_kind websocket_kind = {.name = "websocket", .reason = WEIR_REASON_UPGRADE};

enum weir_code websocket_open(const struct websocket_settings *settings, struct filter **filter,
                              struct weir_error *error)
{
    *filter = NULL;
    return error_fill(error, WEIR_UNSUPPORTED, 0, "serve WebSocket at", settings->path,
                      "this build of weir has no WebSocket",
                      "install node-llhttp, and build weir again");
}

enum weir_code websocket_prepare(const struct filter *filter,
                                 const struct websocket_settings *settings,
                                 struct websocket_texts **texts, struct weir_error *error)
{
    (void)filter, (void)settings, (void)texts, (void)error;
    weir_unreachable("a filter that cannot be opened");
}

void websocket_replace(struct filter *filter, struct websocket_texts *texts,
                       const struct websocket_settings *settings)
{
    (void)filter, (void)texts, (void)settings;
    weir_unreachable("a filter that cannot be opened");
}

void websocket_texts_unref(struct websocket_texts *texts)
{
    weir_check(!texts);
}

const struct weir_codec *websocket_codec_of_filter(const struct filter *filter)
{
    (void)filter;
    weir_unreachable("a filter that cannot be opened");
}

const char *websocket_path_of_filter(const struct filter *filter)
{
    (void)filter;
    weir_unreachable("a filter that cannot be opened");
}

bool websocket_web(const void *state, struct weir_web *web)
{
    (void)state;
    (void)web;
    weir_unreachable("a filter that cannot be opened");
}
