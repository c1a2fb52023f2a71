/* SPDX-License-Identifier: MIT */
/* listening.c - parses listeners, and assigns each its codec and handler. */
#include "listening.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "suggest.h"

#define LISTENING__DEFAULT "5050"

static const char *listening__proto(enum weir_proto proto)
{
    return proto == WEIR_TCP ? "tcp" : "udp";
}

/* Returns a new element of the list; null after adding a diagnostic: the list is full. */
static struct weir_listen *listening__new(struct options *options, enum weir_proto proto,
                                          const char *address, struct diagnostics *diagnostics)
{
    if (options->listeners_count == OPTIONS_LISTENERS_MAX) {
        diagnostics_add(diagnostics, "more than %d listeners; start a second server",
                        OPTIONS_LISTENERS_MAX);
        return NULL;
    }
    struct weir_listen *listen = &options->listeners[options->listeners_count++];
    *listen = (struct weir_listen){.proto = proto, .address = address};
    return listen;
}

void listening_add(struct options *options, enum weir_proto proto, const char *address,
                   struct diagnostics *diagnostics)
{
    struct weir_address parsed;

    if (weir_address_parse(address, &parsed))
        listening__new(options, proto, address, diagnostics);
    else
        diagnostics_add(
            diagnostics,
            "--%s %.100s: not an address; write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers",
            listening__proto(proto), address);
}

/* ---- URLs ---- */

/* A URL that is being parsed. `url` is the whole text, for diagnostics. */
struct listening__url {
    struct options *options;
    struct diagnostics *diagnostics;
    const char *url;
};

/* Returns the part with each %XX replaced; null after adding a diagnostic. */
static char *listening__decode(struct listening__url *reading, const char *part, size_t length)
{
    char *text = arena_copy(&reading->options->arena, part, length), *to = text;

    if (!text) {
        diagnostics_add(reading->diagnostics, "--listen %.100s: out of memory", reading->url);
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at++, to++) {
        *to = *at;
        if (*at != '%') continue;
        int high = escape_hex_digit(at[1]), low = high < 0 ? -1 : escape_hex_digit(at[2]);
        if (low < 0 || high + low == 0) {
            diagnostics_add(reading->diagnostics,
                            "--listen %.100s: write two hexadecimal digits after %%; %% "
                            "itself is %%25",
                            reading->url);
            return NULL;
        }
        *to = (char)(high * 16 + low);
        at += 2;
    }
    *to = '\0';
    return text;
}

/* Parses "codec=u32be", which has `length` bytes. */
static void listening__read_key(struct listening__url *reading, struct weir_listen *listen,
                                const char *pair, size_t length)
{
    static const char *const keys[] = {"codec", "handler"};
    const char **const targets[] = {&listen->codec, &listen->handler};
    size_t key_length = strcspn(pair, "=&");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strlen(keys[i]) != key_length || strncmp(pair, keys[i], key_length) != 0) continue;
        if (key_length + 1 >= length)
            diagnostics_add(reading->diagnostics, "--listen %.100s: %s needs a value: %s=NAME",
                            reading->url, keys[i], keys[i]);
        else if (*targets[i])
            diagnostics_add(reading->diagnostics, "--listen %.100s: %s is given twice",
                            reading->url, keys[i]);
        else
            *targets[i] =
                listening__decode(reading, pair + key_length + 1, length - key_length - 1);
        return;
    }
    const char *suggestion = suggest_word(pair, key_length, keys, sizeof keys / sizeof keys[0]);
    diagnostics_add(reading->diagnostics, "--listen %.100s: unknown key %.*s; %s%s", reading->url,
                    key_length > 60 ? 60 : (int)key_length, pair,
                    suggestion ? "did you mean " : "there are codec and handler",
                    suggestion ? suggestion : "");
}

/* Parses "tcp://" or "udp://". Returns the text after it; null after adding a diagnostic. */
static const char *listening__scheme(struct listening__url *reading, enum weir_proto *proto)
{
    static const char *const schemes[] = {"tcp", "udp"};
    const char *end = strstr(reading->url, "://");
    size_t length = end ? (size_t)(end - reading->url) : 0;

    for (size_t i = 0; i < 2 && length == 3; i++)
        if (strncmp(reading->url, schemes[i], length) == 0) {
            *proto = i == 0 ? WEIR_TCP : WEIR_UDP;
            return end + 3;
        }
    diagnostics_add(reading->diagnostics,
                    "--listen %.100s: write tcp://[ADDR:]PORT or udp://[ADDR:]PORT, and behind it "
                    "?codec=SPEC&handler=NAME where they are wanted",
                    reading->url);
    return NULL;
}

void listening_add_url(struct options *options, const char *url, struct diagnostics *diagnostics)
{
    struct listening__url reading = {options, diagnostics, url};
    struct weir_address parsed;
    enum weir_proto proto;
    const char *at = listening__scheme(&reading, &proto);

    if (!at) return;
    size_t length = strcspn(at, "?");
    const char *address = listening__decode(&reading, at, length);
    if (!address) return;
    if (!weir_address_parse(address, &parsed)) {
        diagnostics_add(diagnostics,
                        "--listen %.100s: %.60s is not an address; write PORT, ADDR:PORT or "
                        "[ADDR6]:PORT, in numbers",
                        url, address);
        return;
    }
    struct weir_listen *listen = listening__new(options, proto, address, diagnostics);
    for (at += length; listen && *at != '\0'; at += length) {
        at++; /* skips the ? or & */
        length = strcspn(at, "&");
        listening__read_key(&reading, listen, at, length);
    }
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

static void listening__check_codec(const struct weir_listen *listen,
                                   struct diagnostics *diagnostics)
{
    if (listening__fits(listen->codec, listen->proto)) return;
    if (listen->proto == WEIR_UDP)
        diagnostics_add(diagnostics,
                        "udp %s: codec %.60s is for streams; give it to the TCP "
                        "listeners alone: --listen 'tcp://PORT?codec=%.60s'",
                        listen->address, listen->codec, listen->codec);
    else
        diagnostics_add(diagnostics,
                        "tcp %s: codec %.100s is for UDP; use raw, or a codec for streams",
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

void listening_finish(struct options *options, struct diagnostics *diagnostics)
{
    if (options->listeners_count == 0 && diagnostics->count == 0) {
        if (listening__fits(options->codec, WEIR_TCP))
            listening_add(options, WEIR_TCP, LISTENING__DEFAULT, diagnostics);
        if (listening__fits(options->codec, WEIR_UDP))
            listening_add(options, WEIR_UDP, LISTENING__DEFAULT, diagnostics);
    }
    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        if (!listen->codec) listen->codec = options->codec;
        if (!listen->handler) listen->handler = options->handler;
        listening__check_codec(listen, diagnostics);
    }
    if (options->message_max_bytes > 0 && options->listeners_count > 0)
        listening__limit_all(options, diagnostics);
}
