/* SPDX-License-Identifier: MIT */
/* listening_websocket.c - which listeners are WebSockets, and their settings. */
#include "listening_websocket.h"

#include "input.h"
#include "value.h"

#define LISTENING_WEBSOCKET__PAGE_BYTES_MAX ((size_t)1 << 20)

static const struct {
    enum url_key key;
    const char *name;
} listening_websocket__keys[] = {
    {URL_ORIGINS, "origins"},
    {URL_SUBPROTOCOLS, "subprotocols"},
    {URL_WEBSOCKET_SEND, "websocket_send"},
};

void listening_websocket_read(const struct url *url, const char *where, const char *text,
                              struct weir_listen *listen, struct diagnostics *diagnostics)
{
    static const struct value_rule rule = {
        .kind = VALUE_WORD, .off = "", .words = OPTIONS_WEBSOCKET_SEND_WORDS};
    const char *send = url->values[URL_WEBSOCKET_SEND];
    char wanted[96];
    uint64_t number = 0;

    if (!url->values[URL_WEBSOCKET]) {
        for (size_t i = 0; i < 3; i++)
            if (url->values[listening_websocket__keys[i].key])
                diagnostics_add(diagnostics, "%s%.100s: %s needs websocket=/PATH", where, text,
                                listening_websocket__keys[i].name);
        return;
    }
    if (url->proto == WEIR_UDP)
        diagnostics_add(diagnostics, "%s%.100s: WebSocket is for TCP", where, text);
    if (send && !value_read(&rule, send, &number))
        diagnostics_add(diagnostics, "%s%.100s: \"%.40s\" is not %s", where, text, send,
                        value_wanted(&rule, wanted, sizeof wanted));
    listen->websocket = url->values[URL_WEBSOCKET];
    listen->websocket_origins = url->values[URL_ORIGINS];
    listen->websocket_subprotocols = url->values[URL_SUBPROTOCOLS];
    listen->websocket_send = (enum weir_websocket_send)number;
}

/* Reads the page. Returns null if there is none, or after adding a diagnostic. */
static const char *listening_websocket__read_web_page(struct options *options, size_t *length,
                                                      struct diagnostics *diagnostics)
{
    char why[200];

    *length = 0;
    if (!options->websocket_page) return NULL;
    const char *web_page =
        input_read_file(options->websocket_page, LISTENING_WEBSOCKET__PAGE_BYTES_MAX, length,
                        &options->arena, why, sizeof why);
    if (!web_page)
        diagnostics_add(diagnostics, "--websocket-page %.200s: %s", options->websocket_page, why);
    return web_page;
}

void listening_websocket_finish(struct options *options, struct diagnostics *diagnostics)
{
    size_t length;
    const char *web_page = listening_websocket__read_web_page(options, &length, diagnostics);
    bool any = false;

    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        if (!listen->websocket) continue;
        any = true;
        listen->websocket_page = web_page;
        listen->websocket_page_length = length;
        listen->websocket_ping_interval_ms =
            options->ping_interval_ms > 0 ? options->ping_interval_ms : WEIR_OFF;
        listen->websocket_pong_timeout_ms = options->pong_timeout_ms;
        listen->websocket_message_max_bytes = (uint32_t)options->message_max_bytes;
    }
    if (web_page && !any)
        diagnostics_add(diagnostics, "--websocket-page: no listener is a WebSocket: write "
                                     "--listen 'tcp://PORT?websocket=/PATH'");
}
