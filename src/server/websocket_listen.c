/* SPDX-License-Identifier: MIT */
/* websocket_listen.c - makes the WebSocket filter of a listener of its settings. */
#include "websocket_listen.h"

#include "error_fill.h"
#include "websocket.h"

#define WEBSOCKET_LISTEN__MESSAGE_BYTES_MAX (1u << 20)
#define WEBSOCKET_LISTEN__PING_INTERVAL_MS (25u * 1000)
#define WEBSOCKET_LISTEN__PONG_TIMEOUT_MS (20u * 1000)

static enum weir_code websocket_listen__wrong(const struct weir_listen *listen, const char *reason,
                                              const char *hint, struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, reason, hint);
}

/* Returns the listener's value, or the default for 0. */
static uint32_t websocket_listen__or(uint32_t own, uint32_t otherwise)
{
    return own == 0 ? otherwise : own;
}

/* Whether a setting of WebSocket is there, although the listener is none. */
static bool websocket_listen__has_others(const struct weir_listen *listen)
{
    return listen->websocket_origins || listen->websocket_subprotocols || listen->websocket_page ||
           listen->websocket_send || listen->websocket_message_max_bytes ||
           listen->websocket_ping_interval_ms || listen->websocket_pong_timeout_ms;
}

static enum weir_code websocket_listen__check(const struct weir_listen *listen,
                                              struct weir_error *error)
{
    if (listen->proto == WEIR_UDP)
        return websocket_listen__wrong(listen, "WebSocket is for TCP",
                                       "leave out websocket, or use WEIR_TCP", error);
    if ((unsigned)listen->websocket_send > WEIR_WEBSOCKET_SEND_BINARY)
        return websocket_listen__wrong(listen, "websocket_send has a value that does not exist",
                                       "use the names of the enum", error);
    if (listen->websocket_message_max_bytes > WEIR_MESSAGE_BYTES_MAX)
        return websocket_listen__wrong(listen, "websocket_message_max_bytes is above 1 GiB",
                                       "lower it", error);
    return WEIR_OK;
}

static struct websocket_settings websocket_listen__settings(const struct weir_listen *listen,
                                                            const struct weir_codec *inner)
{
    uint32_t interval_ms = listen->websocket_ping_interval_ms;

    return (struct websocket_settings){
        .path = listen->websocket,
        .origins = listen->websocket_origins,
        .subprotocols = listen->websocket_subprotocols,
        .inner = inner,
        .message_bytes_max = websocket_listen__or(listen->websocket_message_max_bytes,
                                                  WEBSOCKET_LISTEN__MESSAGE_BYTES_MAX),
        .send = (enum websocket_send)listen->websocket_send,
        .ping_interval_ms =
            interval_ms == WEIR_OFF
                ? 0
                : websocket_listen__or(interval_ms, WEBSOCKET_LISTEN__PING_INTERVAL_MS),
        .pong_timeout_ms = websocket_listen__or(listen->websocket_pong_timeout_ms,
                                                WEBSOCKET_LISTEN__PONG_TIMEOUT_MS),
        .web_page = listen->websocket_page,
        .web_page_length = listen->websocket_page_length,
    };
}

enum weir_code websocket_listen_open(const struct weir_listen *listen,
                                     const struct weir_codec *codec, struct filter **filter,
                                     struct weir_error *error)
{
    bool has_codec = listen->codec || listen->custom_codec || listen->custom_probe;
    struct websocket_settings settings =
        websocket_listen__settings(listen, has_codec ? codec : NULL);

    *filter = NULL;
    if (!listen->websocket) {
        if (!websocket_listen__has_others(listen)) return WEIR_OK;
        return websocket_listen__wrong(listen, "settings of WebSocket need its path",
                                       "set websocket, such as \"/play\"", error);
    }
    enum weir_code code = websocket_listen__check(listen, error);
    return code == WEIR_OK ? websocket_open(&settings, filter, error) : code;
}

enum weir_code websocket_listen_prepare(const struct weir_listen *listen,
                                        const struct filter *filter,
                                        struct websocket_change *change, struct weir_error *error)
{
    enum weir_code code = websocket_listen__check(listen, error);

    change->settings = websocket_listen__settings(listen, NULL);
    return code == WEIR_OK ? websocket_prepare(filter, &change->settings, &change->texts, error)
                           : code;
}
