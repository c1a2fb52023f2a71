/* SPDX-License-Identifier: MIT */
/* listening_proxy.h - the PROXY protocol of the listeners of `weir serve`: --proxy, --proxy-from
 * and --proxy-others, and the keys of the same names in a URL. */
#ifndef CLI_LISTENING_PROXY_H
#define CLI_LISTENING_PROXY_H

#include "options.h"
#include "url.h"

/* Reads the keys of a URL into *listen. Notes in *own which of them the URL has. Diagnostics begin
 * with `where` and `text`: the option as it was written. */
void listening_proxy_read(const struct url *url, const char *where, const char *text,
                          struct weir_listen *listen, struct options_own *own, struct arena *arena,
                          struct diagnostics *diagnostics);

/* Applies the options to the TCP listeners without their own, and rejects settings without
 * effect. */
void listening_proxy_finish(struct options *options, struct option_reading *reading);

#endif
