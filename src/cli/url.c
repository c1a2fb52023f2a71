/* SPDX-License-Identifier: MIT */
/* url.c - parses the URLs of listeners and of servers.
 *
 *      tcp://[fe80::1%25eth0]:7000?codec=u32be&handler=chat
 *      scheme address              key   value
 */
#include "url.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "suggest.h"

/* A URL that is being parsed. */
struct url__reading {
    const char *text, *where;
    enum url_kind kind;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const char *const url__names[URL_KEYS_COUNT] = {
    [URL_CODEC] = "codec",
    [URL_HANDLER] = "handler",
    [URL_PROXY] = "proxy",
    [URL_PROXY_FROM] = "proxy_from",
    [URL_PROXY_OTHERS] = "proxy_others",
    [URL_TLS] = "tls",
    [URL_WEBSOCKET] = "websocket",
    [URL_ORIGINS] = "origins",
    [URL_SUBPROTOCOLS] = "subprotocols",
    [URL_WEBSOCKET_SEND] = "websocket_send",
};

static size_t url__keys_count(enum url_kind kind)
{
    return kind == URL_OF_SERVER ? URL_CODEC + 1 : URL_KEYS_COUNT;
}

bool url_is_one(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* Adds a diagnostic: the URL, what is wrong, and what to write. Returns null. */
static char *url__wrong(struct url__reading *reading, const char *reason)
{
    diagnostics_add(reading->diagnostics, "%s%.100s: %s", reading->where, reading->text, reason);
    return NULL;
}

/* Returns what is wrong with a % and the characters after it; null: nothing. */
static const char *url__wrong_escape(const char *at, bool in_brackets)
{
    int high = escape_hex_digit(at[1]), low = high < 0 ? -1 : escape_hex_digit(at[2]);

    if (low < 0 && in_brackets)
        return "before an interface write %25, which encodes %: [fe80::1%25eth0]";
    if (low < 0) return "after % write two hexadecimal digits; % itself is %25";
    if (high + low == 0) return "%00 encodes the byte NUL, which no address or name contains";
    return NULL;
}

/* Returns the part with each %XX replaced; null after adding a diagnostic. */
static char *url__decode(struct url__reading *reading, const char *part, size_t length)
{
    char *text = arena_copy(reading->arena, part, length), *to = text;
    bool in_brackets = false;

    if (!text) return url__wrong(reading, "out of memory");
    for (const char *at = text; *at != '\0'; at++, to++) {
        *to = *at;
        if (*at == '[' || *at == ']') in_brackets = *at == '[';
        if (*at != '%') continue;
        const char *wrong = url__wrong_escape(at, in_brackets);
        if (wrong) return url__wrong(reading, wrong);
        *to = (char)(escape_hex_digit(at[1]) * 16 + escape_hex_digit(at[2]));
        at += 2;
    }
    *to = '\0';
    return text;
}

/* Adds a diagnostic for a key that does not exist here. */
static bool url__unknown_key(struct url__reading *reading, const char *pair, size_t key_length)
{
    size_t count = url__keys_count(reading->kind), used = 0;
    const char *suggestion = suggest_word(pair, key_length, url__names, count);
    char known[320];

    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                 url__names[i]);
    diagnostics_add(reading->diagnostics, "%s%.100s: unknown key \"%.*s\"; %s%s%s", reading->where,
                    reading->text, key_length > 60 ? 60 : (int)key_length, pair,
                    suggestion   ? "did you mean "
                    : count == 1 ? "the only key is "
                                 : "the keys are ",
                    suggestion ? suggestion : known, suggestion ? "?" : "");
    return false;
}

/* Parses "codec=u32be", which has `length` bytes. */
static bool url__read_key(struct url__reading *reading, struct url *url, const char *pair,
                          size_t length)
{
    size_t key_length = strcspn(pair, "=&");

    for (size_t i = 0; i < url__keys_count(reading->kind); i++) {
        const char *name = url__names[i];
        if (strlen(name) != key_length || strncmp(pair, name, key_length) != 0) continue;
        if (key_length + 1 >= length)
            diagnostics_add(reading->diagnostics, "%s%.100s: %s needs a value: %s=NAME",
                            reading->where, reading->text, name, name);
        else if (url->values[i])
            diagnostics_add(reading->diagnostics, "%s%.100s: %s is given twice", reading->where,
                            reading->text, name);
        else
            url->values[i] = url__decode(reading, pair + key_length + 1, length - key_length - 1);
        return url->values[i] != NULL;
    }
    return url__unknown_key(reading, pair, key_length);
}

/* Parses "tcp://" or "udp://". Returns the text after it; null after adding a diagnostic. */
static const char *url__read_scheme(struct url__reading *reading, enum weir_proto *proto)
{
    static const char *const schemes[] = {"tcp://", "udp://"};

    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(reading->text, schemes[i], length) != 0) continue;
        *proto = i == 0 ? WEIR_TCP : WEIR_UDP;
        return reading->text + length;
    }
    return url__wrong(reading,
                      reading->kind == URL_OF_SERVER
                          ? "write tcp://HOST:PORT or udp://HOST:PORT, optionally followed "
                            "by ?codec=SPEC"
                          : "write tcp://[ADDR:]PORT or udp://[ADDR:]PORT, optionally "
                            "followed by ?codec=SPEC&handler=NAME");
}

bool url_read(struct url *url, const char *text, const char *where, enum url_kind kind,
              struct arena *arena, struct diagnostics *diagnostics)
{
    struct url__reading reading = {text, where, kind, arena, diagnostics};
    bool good = true;

    *url = (struct url){.address = NULL};
    const char *at = url__read_scheme(&reading, &url->proto);
    if (!at) return false;
    size_t length = strcspn(at, "?");
    url->address = url__decode(&reading, at, length);
    if (!url->address) return false;
    for (at += length; *at != '\0'; at += length) {
        at++; /* skips the ? or & */
        length = strcspn(at, "&");
        good &= url__read_key(&reading, url, at, length);
    }
    return good;
}
