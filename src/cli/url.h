/* SPDX-License-Identifier: MIT */
/* url.h - parses the URLs of listeners and of servers: tcp://ADDRESS?codec=SPEC&handler=NAME. */
#ifndef CLI_URL_H
#define CLI_URL_H

#include <stdbool.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"

struct url {
    enum weir_proto proto;
    const char *address;         /* as written, with each %XX replaced; not checked */
    const char *codec, *handler; /* null: not in the URL */
};

/* The keys that a URL can have. */
enum url_keys { URL_CODEC, URL_CODEC_AND_HANDLER };

/* Returns whether the text is meant as a URL: it contains "://". */
bool url_is_one(const char *text);

/* Parses a URL. Returns false after adding diagnostics, which begin with `where`, such as
 * "--listen ", and the URL. The strings belong to the arena. */
bool url_read(struct url *url, const char *text, const char *where, enum url_keys keys,
              struct arena *arena, struct diagnostics *diagnostics);

#endif
