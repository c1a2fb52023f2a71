/* SPDX-License-Identifier: MIT */
/* listening.h - where `weir serve` listens, as --tcp, --udp and --listen say it. */
#ifndef CLI_LISTENING_H
#define CLI_LISTENING_H

#include "options.h"

/* "[ADDR:]PORT" of --tcp or --udp. */
void listening_add(struct options *options, enum weir_proto proto, const char *address,
                   struct diagnostics *diagnostics);

/* "tcp://[::]:7000?codec=u32be&handler=chat" of --listen; %XX stands for a byte. */
void listening_add_url(struct options *options, const char *url, struct diagnostics *diagnostics);

/* When all are read: the default ones where none was named, and what --codec, --handler and
 * --max-message say of those that do not say themselves. */
void listening_finish(struct options *options, struct diagnostics *diagnostics);

#endif
