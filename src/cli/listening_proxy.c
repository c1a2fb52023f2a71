/* SPDX-License-Identifier: MIT */
/* listening_proxy.c - which listeners expect a PROXY header, and from which senders. */
#include "listening_proxy.h"

#include <string.h>

#include "block_list.h"
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
    if (url->values[URL_PROXY_FROM])
        block_list_add(&listen->proxy_from, "listen: proxy_from", url->values[URL_PROXY_FROM],
                       arena, diagnostics);
}

static bool listening_proxy__is_unix(const struct weir_listen *listen)
{
    return strncmp(listen->address, "unix:", 5) == 0;
}

/* Applies the options to one listener. Returns whether it reads headers. */
static bool listening_proxy__apply(const struct options *options, struct weir_listen *listen,
                                   const struct options_own *own, struct diagnostics *diagnostics)
{
    if (listen->proto == WEIR_UDP) return false;
    if (!own->proxy) listen->proxy = options->proxy;
    if (!own->proxy_others) listen->proxy_others = options->proxy_others;
    if (listen->proxy == WEIR_PROXY_OFF) {
        if (listen->proxy_from || own->proxy_others)
            diagnostics_add(diagnostics,
                            "tcp %.60s: proxy_from and proxy_others need proxy=required",
                            listen->address);
        return false;
    }
    if (!listen->proxy_from) listen->proxy_from = options->proxy_from;
    if (!listen->proxy_from && !listening_proxy__is_unix(listen))
        diagnostics_add(diagnostics,
                        "tcp %.60s: a PROXY header names the client, so say which senders are "
                        "trusted: --proxy-from 10.0.0.0/8, or proxy_from= in its URL",
                        listen->address);
    return true;
}

void listening_proxy_finish(struct options *options, struct diagnostics *diagnostics)
{
    bool any = false;

    if (diagnostics->count > 0) return; /* a list may lack its wrong blocks */
    for (size_t i = 0; i < options->listeners_count; i++)
        any |=
            listening_proxy__apply(options, &options->listeners[i], &options->own[i], diagnostics);
    if (any || options->listeners_count == 0) return;
    if (options->proxy == WEIR_PROXY_REQUIRED)
        diagnostics_add(diagnostics, "--proxy: no listener reads PROXY headers: name one with "
                                     "--tcp or --listen tcp://");
    else if (options->proxy_from)
        diagnostics_add(diagnostics, "--proxy-from needs --proxy required");
}
