/* SPDX-License-Identifier: MIT */
/* listening.h - reads the listeners of `weir serve` from --tcp, --udp and --listen. */
#ifndef CLI_LISTENING_H
#define CLI_LISTENING_H

#include "options.h"

/* The default listeners, TCP and UDP. Only this machine reaches them. */
#define LISTENING_DEFAULT_PORT "5050"
#define LISTENING_DEFAULT_V4 "127.0.0.1:" LISTENING_DEFAULT_PORT
#define LISTENING_DEFAULT_V6 "[::1]:" LISTENING_DEFAULT_PORT

/* Adds the listener "[ADDR:]PORT" of --tcp or --udp. */
void listening_add(struct options *options, enum weir_proto proto, const char *address,
                   struct diagnostics *diagnostics);

/* Adds the listener "tcp://[::]:7000?codec=u32be&handler=chat" of --listen. %XX stands for a
 * byte. */
void listening_add_url(struct options *options, const char *url, struct diagnostics *diagnostics);

/* Completes the listeners after the whole command line was read. Adds the default listeners if
 * there are none, and applies --codec, --handler and --max-message to those without their own. */
void listening_finish(struct options *options, struct diagnostics *diagnostics);

#endif
