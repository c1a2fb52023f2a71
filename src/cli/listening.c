/* SPDX-License-Identifier: MIT */
/* listening.c - parses listeners, and assigns each its codec and handler. */
#include "listening.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "handler_arguments.h"
#include "listening_proxy.h"
#include "listening_websocket.h"
#include "url.h"

/* Adds a listener, unless its address is wrong or the list is full. Diagnostics begin with `where`
 * and `text`: the option as it was written. */
static void listening__add(struct options *options, const struct weir_listen *listen,
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
        listening__add(options, &listen, &(struct options_own){.proxy = false}, where, address,
                       diagnostics);
}

void listening_add_url(struct options *options, const char *url, struct diagnostics *diagnostics)
{
    static const char where[] = "--listen ";
    struct options_own own = {.proxy = false};
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
    listening__add(options, &listen, &own, where, url, diagnostics);
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

/* Returns whether the codec is for that protocol. An invalid specification passes: the server
 * reports what is wrong with it. */
static bool listening__fits(const char *codec, enum weir_proto proto)
{
    struct weir_frame *frame;
    struct weir_error error;

    if (!codec || weir_frame_open(codec, &frame, &error) != WEIR_OK) return true;
    const struct weir_codec *made = weir_frame_codec(frame);
    bool fits = proto == WEIR_TCP ? made->streams : made->datagrams;
    weir_frame_free(frame);
    return fits;
}

/* Rejects a codec that is not for the listener's protocol. `is_own` tells that the listener's URL
 * names the codec, not --codec. */
static void listening__check_codec(const struct weir_listen *listen, bool is_own,
                                   struct diagnostics *diagnostics)
{
    const char *advice = "give it to the TCP listeners alone: --listen 'tcp://PORT?codec=SPEC'";

    if (listening__fits(listen->codec, listen->proto)) return;
    if (is_own) advice = "leave codec out of its URL, or listen with tcp://";
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

static void listening__limit_all(struct options *options, struct diagnostics *diagnostics)
{
    bool any = false;

    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        any |= listen->websocket && !listen->codec; /* listening_websocket_finish() has set it */
        if (!listening__has_max(listen->codec)) continue;
        any = true;
        listen->codec =
            listening__limited(&options->arena, listen->codec, options->message_max_bytes);
        if (!listen->codec) diagnostics_add(diagnostics, "--max-message: out of memory");
    }
    if (!any)
        diagnostics_add(diagnostics,
                        "--max-message: no listener splits a stream into messages: name a --codec");
}

/* Whether the listener has a socket file. */
static bool listening__has_file(const struct weir_listen *listen)
{
    static const char unix_prefix[] = "unix:";
    size_t length = sizeof unix_prefix - 1;

    return strncmp(listen->address, unix_prefix, length) == 0 && listen->address[length] != '@';
}

static void listening__set_mode(struct options *options, struct diagnostics *diagnostics)
{
    bool any = options->unix_mode == 0;

    for (size_t i = 0; i < options->listeners_count; i++) {
        if (!listening__has_file(&options->listeners[i])) continue;
        options->listeners[i].unix_mode = options->unix_mode;
        any = true;
    }
    if (!any)
        diagnostics_add(diagnostics,
                        "--unix-mode: no listener has a socket file: name one by --tcp unix:PATH");
}

static void listening__add_defaults(struct options *options, struct diagnostics *diagnostics)
{
    static const enum weir_proto protos[] = {WEIR_TCP, WEIR_UDP};

    options->listeners_are_default = true;
    for (size_t i = 0; i < sizeof protos / sizeof protos[0]; i++) {
        if (!listening__fits(options->codec, protos[i])) continue;
        listening_add(options, protos[i], LISTENING_DEFAULT_V4, diagnostics);
        listening_add(options, protos[i], LISTENING_DEFAULT_V6, diagnostics);
    }
}

/* Applies --codec and --handler to a listener without its own. A WebSocket needs no codec. */
static void listening__complete(struct options *options, struct weir_listen *listen,
                                struct diagnostics *diagnostics)
{
    bool has_own = listen->codec != NULL;

    if (!has_own && !listen->websocket) listen->codec = options->codec;
    if (!listen->handler) listen->handler = options->handler;
    if (listen->handler &&
        !handler_arguments_split(&options->arena, &listen->handler, &listen->handler_arguments))
        diagnostics_add(diagnostics, "--handler: out of memory");
    listening__check_codec(listen, has_own, diagnostics);
}

void listening_finish(struct options *options, struct diagnostics *diagnostics)
{
    if (options->listeners_count == 0 && diagnostics->count == 0)
        listening__add_defaults(options, diagnostics);
    for (size_t i = 0; i < options->listeners_count; i++)
        listening__complete(options, &options->listeners[i], diagnostics);
    listening_proxy_finish(options, diagnostics);
    listening_websocket_finish(options, diagnostics);
    if (options->message_max_bytes > 0 && options->listeners_count > 0)
        listening__limit_all(options, diagnostics);
    listening__set_mode(options, diagnostics);
}
