/* SPDX-License-Identifier: MIT */
/* listening_websocket.c - which listeners are WebSockets, and their settings. */
#include "listening_websocket.h"

#include "input.h"
#include "options_position.h"
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

/* A page in memory; null: none. */
struct listening_websocket__web_page {
    const char *bytes;
    size_t length;
};

/* Reads a page. Its bytes are null if there is none, or after adding a diagnostic. */
static struct listening_websocket__web_page listening_websocket__read_web_page(
    struct options *options, const char *file, const char *label, struct diagnostics *diagnostics)
{
    struct listening_websocket__web_page web_page = {.length = 0};
    char why[200];

    if (!file) return web_page;
    web_page.bytes = input_read_file(file, LISTENING_WEBSOCKET__PAGE_BYTES_MAX, &web_page.length,
                                     &options->arena, why, sizeof why);
    if (!web_page.bytes) diagnostics_add(diagnostics, "%s %.200s: %s", label, file, why);
    return web_page;
}

/* Completes one WebSocket listener by the options. */
static void listening_websocket__complete(struct options *options, size_t index,
                                          struct listening_websocket__web_page web_page,
                                          struct diagnostics *diagnostics)
{
    struct weir_listen *listen = &options->listeners[index];
    const struct options_own *own = &options->own[index];
    uint64_t max_bytes =
        own->message_max_bytes > 0 ? own->message_max_bytes : options->message_max_bytes;

    if (own->websocket_page) {
        options_position_enter(options, own->node, "websocket-page", diagnostics);
        web_page = listening_websocket__read_web_page(options, own->websocket_page,
                                                      "websocket-page", diagnostics);
    }
    listen->websocket_page = web_page.bytes;
    listen->websocket_page_length = web_page.length;
    if (listen->websocket_ping_interval_ms == 0)
        listen->websocket_ping_interval_ms =
            options->ping_interval_ms > 0 ? options->ping_interval_ms : WEIR_OFF;
    if (listen->websocket_pong_timeout_ms == 0)
        listen->websocket_pong_timeout_ms = options->pong_timeout_ms;
    listen->websocket_message_max_bytes = (uint32_t)max_bytes;
}

void listening_websocket_finish(struct options *options, struct option_reading *reading)
{
    char label[48];
    bool any = false;

    option_enter(reading, offsetof(struct options, websocket_page), label, sizeof label);
    struct listening_websocket__web_page web_page = listening_websocket__read_web_page(
        options, options->websocket_page, label, reading->diagnostics);
    for (size_t i = 0; i < options->listeners_count; i++) {
        if (!options->listeners[i].websocket) continue;
        any = true;
        listening_websocket__complete(options, i, web_page, reading->diagnostics);
    }
    option_enter(reading, offsetof(struct options, websocket_page), label, sizeof label);
    if (web_page.bytes && !any)
        diagnostics_add(reading->diagnostics, "%s: no listener is a WebSocket: write %s", label,
                        label[0] == '-' ? "--listen 'tcp://PORT?websocket=/PATH'"
                                        : "websocket: /PATH in the list listen");
    diagnostics_leave(reading->diagnostics);
}
