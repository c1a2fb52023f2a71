/* SPDX-License-Identifier: MIT */
/* listening.c - parses listeners, and assigns each its codec and handler. */
#include "listening.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "handler_arguments.h"
#include "listening_proxy.h"
#include "listening_websocket.h"
#include "options_position.h"
#include "url.h"

void listening_add_read(struct options *options, const struct weir_listen *listen,
                        const struct options_own *own, const char *where, const char *text,
                        struct diagnostics *diagnostics)
{
    struct weir_address parsed;
    struct weir_error error;

    if (weir_address_read(listen->address, &parsed, &error) != WEIR_OK)
        diagnostics_add(diagnostics, "%s%.100s: %s; %s", where, text,
                        error.reason[0] ? error.reason : weir_code_text(error.code), error.hint);
    else if (options->listeners_count == OPTIONS_LISTENERS_MAX)
        diagnostics_add(diagnostics, "more than %d listeners; start a second server",
                        OPTIONS_LISTENERS_MAX);
    else {
        options->own[options->listeners_count] = *own;
        options->listeners[options->listeners_count++] = *listen;
    }
}

void listening_add(struct options *options, enum weir_proto proto, const char *address,
                   struct diagnostics *diagnostics)
{
    const struct weir_listen listen = {.size = sizeof listen, .proto = proto, .address = address};
    const char *where = proto == WEIR_TCP ? "--tcp " : "--udp ";

    if (url_is_one(address))
        diagnostics_add(diagnostics, "%s%.100s: this is a URL; write --listen %.100s", where,
                        address, address);
    else
        listening_add_read(options, &listen, &(struct options_own){.proxy = false}, where, address,
                           diagnostics);
}

void listening_add_url(struct options *options, const char *url, const struct settings_node *node,
                       struct diagnostics *diagnostics)
{
    const char *where = node ? "listen " : "--listen ";
    struct options_own own = {.node = node};
    struct url read;

    if (!url_read(&read, url, where, URL_OF_LISTENER, &options->arena, diagnostics)) return;
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = read.proto,
                                 .address = read.address,
                                 .codec = read.values[URL_CODEC],
                                 .handler = read.values[URL_HANDLER],
                                 .tls = read.values[URL_TLS]};
    listening_proxy_read(&read, where, url, &listen, &own, &options->arena, diagnostics);
    listening_websocket_read(&read, where, url, &listen, diagnostics);
    listening_add_read(options, &listen, &own, where, url, diagnostics);
}

/* ---- codecs ---- */

/* Returns whether the codec splits a stream into messages whose length varies. */
static bool listening__has_max(const char *codec)
{
    static const char *const others[] = {"raw", "datagram", "fixed"};

    for (size_t i = 0; codec && i < sizeof others / sizeof others[0]; i++) {
        size_t length = strlen(others[i]);
        if (strncmp(codec, others[i], length) == 0 && !isalnum((unsigned char)codec[length]))
            return false;
    }
    return codec != NULL;
}

/* Returns whether the codec is for that protocol. An invalid specification passes: *error then says
 * what is wrong with it, otherwise its code is WEIR_OK. */
static bool listening__fits(const char *codec, enum weir_proto proto, struct weir_error *error)
{
    struct weir_frame *frame;

    error->code = WEIR_OK;
    if (!codec || weir_frame_open(codec, &frame, error) != WEIR_OK) return true;
    error->code = WEIR_OK;
    const struct weir_codec *made = weir_frame_codec(frame);
    bool fits = proto == WEIR_TCP ? made->streams : made->datagrams;
    weir_frame_free(frame);
    return fits;
}

/* Returns what to do about a codec of the other protocol. */
static const char *listening__advice(bool is_own, bool is_in_file)
{
    if (is_own)
        return is_in_file ? "leave codec out, or write protocol: tcp"
                          : "leave codec out of its URL, or listen with tcp://";
    return is_in_file ? "give it to the TCP listeners alone, as codec in the list listen"
                      : "give it to the TCP listeners alone: --listen 'tcp://PORT?codec=SPEC'";
}

/* Rejects a codec that is not for the listener's protocol. `is_own` tells that the listener's URL
 * names the codec, not --codec. The server rejects a wrong specification; in a configuration file
 * this does, with its position. */
static void listening__check_codec(const struct weir_listen *listen, bool is_own,
                                   struct diagnostics *diagnostics)
{
    struct weir_error error;
    char text[512];
    bool fits = listening__fits(listen->codec, listen->proto, &error);
    const char *advice = listening__advice(is_own, diagnostics->file != NULL);

    if (fits && error.code != WEIR_OK && diagnostics->file)
        diagnostics_add(diagnostics, "%s", weir_error_text(&error, text, sizeof text));
    if (fits) return;
    if (listen->proto == WEIR_UDP)
        diagnostics_add(diagnostics,
                        "udp %.60s: codec %.60s is for streams, and each datagram is a message; %s",
                        listen->address, listen->codec, advice);
    else
        diagnostics_add(diagnostics,
                        "tcp %.60s: codec %.100s is for UDP; use raw, or a codec for streams",
                        listen->address, listen->codec);
}

/* Returns the length of one part of a specification, "NAME" or "key=value". Commas in parentheses
 * belong to the part. */
static size_t listening__part(const char *at, const char *ends)
{
    size_t length = 0;

    for (int depth = 0; at[length] != '\0' && (!strchr(ends, at[length]) || depth > 0); length++)
        depth += (at[length] == '(') - (at[length] == ')');
    return length;
}

/* Returns the codec's specification with this max instead of its own. Null: out of memory. */
static const char *listening__limited(struct arena *arena, const char *codec, uint64_t max_bytes)
{
    size_t name = listening__part(codec, ":,");
    char separator = codec[name] == ':' ? ':' : ',';
    char *text = arena_alloc(arena, strlen(codec) + 32), *to = text;

    if (!text) return NULL;
    memcpy(to, codec, name);
    to += name;
    for (const char *at = codec + name; *at != '\0';) {
        size_t length = listening__part(++at, ",");
        if (strncmp(at, "max=", 4) != 0) {
            *to++ = separator;
            memcpy(to, at, length);
            to += length;
            separator = ',';
        }
        at += length;
    }
    snprintf(to, 32, "%cmax=%" PRIu64, separator, max_bytes);
    return text;
}

/* Applies a maximum to one listener. Returns whether it has messages of various lengths. */
static bool listening__limit(struct options *options, size_t index, uint64_t max_bytes,
                             struct diagnostics *diagnostics)
{
    struct weir_listen *listen = &options->listeners[index];

    if (listen->websocket && !listen->codec)
        return true; /* listening_websocket_finish() has set it */
    if (!listening__has_max(listen->codec)) return false;
    listen->codec = listening__limited(&options->arena, listen->codec, max_bytes);
    if (!listen->codec) diagnostics_add(diagnostics, "max-message: out of memory");
    return true;
}

/* Applies the listeners' own maximums, and --max-message to those without one. */
static void listening__limit_all(struct options *options, struct option_reading *reading)
{
    bool any = options->message_max_bytes == 0 || options->listeners_count == 0;
    char label[48];

    for (size_t i = 0; i < options->listeners_count; i++) {
        uint64_t own = options->own[i].message_max_bytes;
        uint64_t max_bytes = own > 0 ? own : options->message_max_bytes;
        if (max_bytes == 0) continue;
        options_position_enter(options, options->own[i].node, "max-message", reading->diagnostics);
        if (listening__limit(options, i, max_bytes, reading->diagnostics))
            any = true;
        else if (own > 0)
            diagnostics_add(reading->diagnostics,
                            "max-message: this listener does not split a stream into messages: "
                            "write a codec, or leave max-message out");
    }
    option_enter(reading, offsetof(struct options, message_max_bytes), label, sizeof label);
    if (!any)
        diagnostics_add(reading->diagnostics,
                        "%s: no listener splits a stream into messages: name a %s", label,
                        label[0] == '-' ? "--codec" : "codec");
}

/* Whether the listener has a socket file. */
static bool listening__has_file(const struct weir_listen *listen)
{
    static const char unix_prefix[] = "unix:";
    size_t length = sizeof unix_prefix - 1;

    return strncmp(listen->address, unix_prefix, length) == 0 && listen->address[length] != '@';
}

static void listening__set_mode(struct options *options, struct option_reading *reading)
{
    bool any = options->unix_mode == 0;
    char label[48];

    for (size_t i = 0; i < options->listeners_count; i++) {
        if (!listening__has_file(&options->listeners[i])) continue;
        if (options->listeners[i].unix_mode == 0)
            options->listeners[i].unix_mode = options->unix_mode;
        any = true;
    }
    option_enter(reading, offsetof(struct options, unix_mode), label, sizeof label);
    if (!any)
        diagnostics_add(reading->diagnostics,
                        "%s: no listener has a socket file: name one by %s unix:PATH", label,
                        label[0] == '-' ? "--tcp" : "the address");
}

static void listening__add_defaults(struct options *options, struct diagnostics *diagnostics)
{
    static const enum weir_proto protos[] = {WEIR_TCP, WEIR_UDP};
    struct weir_error error;

    options->listeners_are_default = true;
    for (size_t i = 0; i < sizeof protos / sizeof protos[0]; i++) {
        if (!listening__fits(options->codec, protos[i], &error)) continue;
        listening_add(options, protos[i], LISTENING_DEFAULT_V4, diagnostics);
        listening_add(options, protos[i], LISTENING_DEFAULT_V6, diagnostics);
    }
}

/* Applies --codec and --handler to a listener without its own. A WebSocket needs no codec. */
static void listening__complete(struct options *options, size_t index,
                                struct diagnostics *diagnostics)
{
    struct weir_listen *listen = &options->listeners[index];
    bool has_own = listen->codec != NULL;

    if (!has_own && !listen->websocket) listen->codec = options->codec;
    if (!listen->handler) listen->handler = options->handler;
    options->own[index].handler = listen->handler;
    if (listen->handler &&
        !handler_arguments_split(&options->arena, &listen->handler, &listen->handler_arguments))
        diagnostics_add(diagnostics, "--handler: out of memory");
    listening__check_codec(listen, has_own, diagnostics);
}

void listening_finish(struct options *options, struct option_reading *reading)
{
    struct diagnostics *diagnostics = reading->diagnostics;

    if (options->listeners_count == 0 && diagnostics->count == 0)
        listening__add_defaults(options, diagnostics);
    for (size_t i = 0; i < options->listeners_count; i++) {
        options_position_enter(options, options->own[i].node, "codec", diagnostics);
        listening__complete(options, i, diagnostics);
    }
    listening_proxy_finish(options, reading);
    listening_websocket_finish(options, reading);
    listening__limit_all(options, reading);
    listening__set_mode(options, reading);
    diagnostics_leave(diagnostics);
}
