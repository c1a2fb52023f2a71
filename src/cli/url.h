/* SPDX-License-Identifier: MIT */
/* url.h - parses the URLs of listeners and of servers: tcp://ADDRESS?codec=SPEC&handler=NAME. */
#ifndef CLI_URL_H
#define CLI_URL_H

#include <stdbool.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"

/* The keys. The URL of a server can have the first one alone. */
enum url_key {
    URL_CODEC,
    URL_HANDLER,
    URL_PROXY,
    URL_PROXY_FROM,
    URL_PROXY_OTHERS,
    URL_TLS,
    URL_WEBSOCKET,
    URL_ORIGINS,
    URL_SUBPROTOCOLS,
    URL_WEBSOCKET_SEND,
    URL_KEYS_COUNT
};

struct url {
    enum weir_proto proto;
    const char *address;                /* as written, with each %XX replaced; not checked */
    const char *values[URL_KEYS_COUNT]; /* null: not in the URL */
};

enum url_kind { URL_OF_SERVER, URL_OF_LISTENER };

/* Returns whether the text is meant as a URL: it contains "://". */
bool url_is_one(const char *text);

/* Parses a URL. Returns false after adding diagnostics, which begin with `where`, such as
 * "--listen ", and the URL. The strings belong to the arena. */
bool url_read(struct url *url, const char *text, const char *where, enum url_kind kind,
              struct arena *arena, struct diagnostics *diagnostics);

#endif
