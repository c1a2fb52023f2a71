/* SPDX-License-Identifier: MIT */
/* listening_proxy.c - which listeners expect a PROXY header, and from which senders. */
#include "listening_proxy.h"

#include <string.h>

#include "block_list.h"
#include "options_position.h"
#include "value.h"

/* Reads one of two words into *value. Returns false if the URL does not have the key, or after
 * adding a diagnostic. */
static bool listening_proxy__word(const struct url *url, enum url_key key, const char *words,
                                  const char *where, const char *text, int *value,
                                  struct diagnostics *diagnostics)
{
    const struct value_rule rule = {.kind = VALUE_WORD, .off = "", .words = words};
    const char *given = url->values[key];
    uint64_t number;
    char wanted[96];

    if (!given) return false;
    if (value_read(&rule, given, &number)) {
        *value = (int)number;
        return true;
    }
    diagnostics_add(diagnostics, "%s%.100s: \"%.40s\" is not %s", where, text, given,
                    value_wanted(&rule, wanted, sizeof wanted));
    return false;
}

void listening_proxy_read(const struct url *url, const char *where, const char *text,
                          struct weir_listen *listen, struct options_own *own, struct arena *arena,
                          struct diagnostics *diagnostics)
{
    int value = 0;

    if (url->proto == WEIR_UDP) {
        if (url->values[URL_PROXY] || url->values[URL_PROXY_FROM] || url->values[URL_PROXY_OTHERS])
            diagnostics_add(diagnostics, "%s%.100s: the PROXY protocol is for TCP here", where,
                            text);
        return;
    }
    own->proxy = listening_proxy__word(url, URL_PROXY, OPTIONS_PROXY_WORDS, where, text, &value,
                                       diagnostics);
    if (own->proxy) listen->proxy = (enum weir_proxy)value;
    own->proxy_others = listening_proxy__word(url, URL_PROXY_OTHERS, OPTIONS_PROXY_OTHERS_WORDS,
                                              where, text, &value, diagnostics);
    if (own->proxy_others) listen->proxy_others = (enum weir_proxy_others)value;
    own->proxy_from = url->values[URL_PROXY_FROM] != NULL;
    if (own->proxy_from)
        block_list_add(&listen->proxy_from, "--listen: proxy_from", url->values[URL_PROXY_FROM],
                       arena, diagnostics);
}

static bool listening_proxy__is_unix(const struct weir_listen *listen)
{
    return strncmp(listen->address, "unix:", 5) == 0;
}

/* Rejects keys without effect on a listener that reads no PROXY header. */
static void listening_proxy__refuse_keys(const struct weir_listen *listen,
                                         const struct options_own *own,
                                         struct diagnostics *diagnostics)
{
    if (own->proxy_from || own->proxy_others)
        diagnostics_add(diagnostics, "tcp %.60s: %s", listen->address,
                        diagnostics->file ? "proxy-from and proxy-others need proxy: required"
                                          : "proxy_from and proxy_others need proxy=required");
}

/* Applies the options to one listener. Returns whether it reads headers. `is_from_given`: they have
 * senders, although perhaps none that is right. */
static bool listening_proxy__apply(const struct options *options, struct weir_listen *listen,
                                   const struct options_own *own, bool is_from_given,
                                   struct diagnostics *diagnostics)
{
    if (listen->proto == WEIR_UDP) return false;
    if (!own->proxy) listen->proxy = options->proxy;
    if (!own->proxy_others) listen->proxy_others = options->proxy_others;
    if (listen->proxy == WEIR_PROXY_OFF) {
        listening_proxy__refuse_keys(listen, own, diagnostics);
        return false;
    }
    if (!own->proxy_from) listen->proxy_from = options->proxy_from;
    if (!own->proxy_from && !is_from_given && !listening_proxy__is_unix(listen))
        diagnostics_add(diagnostics,
                        "tcp %.60s: a PROXY header names the client, so say which senders are "
                        "trusted: %s",
                        listen->address,
                        diagnostics->file ? "write proxy-from: 10.0.0.0/8"
                                          : "--proxy-from 10.0.0.0/8, or proxy_from= in its URL");
    return true;
}

/* Rejects options that apply to no listener. */
static void listening_proxy__refuse_unused(const struct options *options,
                                           struct option_reading *reading)
{
    char label[48];

    option_enter(reading, offsetof(struct options, proxy), label, sizeof label);
    if (options->proxy == WEIR_PROXY_REQUIRED)
        diagnostics_add(reading->diagnostics,
                        "%s: no listener reads PROXY headers: name one with %s", label,
                        label[0] == '-' ? "--tcp or --listen tcp://" : "protocol: tcp");
    else if (options->proxy_from)
        diagnostics_add(reading->diagnostics, "%s",
                        label[0] == '-' ? "--proxy-from needs --proxy required"
                                        : "proxy.from needs proxy.mode: required");
}

void listening_proxy_finish(struct options *options, struct option_reading *reading)
{
    bool any = false, is_from_given = option_name_is_given(reading, "proxy-from");

    for (size_t i = 0; i < options->listeners_count; i++) {
        options_position_enter(options, options->own[i].node, "proxy", reading->diagnostics);
        any |= listening_proxy__apply(options, &options->listeners[i], &options->own[i],
                                      is_from_given, reading->diagnostics);
    }
    diagnostics_leave(reading->diagnostics);
    if (!any && options->listeners_count > 0) listening_proxy__refuse_unused(options, reading);
}
