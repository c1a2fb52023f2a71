/* SPDX-License-Identifier: MIT */
/* listening.h - reads the listeners of `weir serve` from --tcp, --udp and --listen, and completes
 * them and those of a configuration file. */
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

/* Adds the listener "tcp://[::]:7000?codec=u32be&handler=chat" of --listen, or of the node of a
 * configuration file (null: none). %XX stands for a byte. */
void listening_add_url(struct options *options, const char *url, const struct settings_node *node,
                       struct diagnostics *diagnostics);

/* Adds a listener, unless its address is wrong or the list is full. Diagnostics begin with `where`
 * and `text`: the listener as it was written. */
void listening_add_read(struct options *options, const struct weir_listen *listen,
                        const struct options_own *own, const char *where, const char *text,
                        struct diagnostics *diagnostics);

/* Completes the listeners after the whole command line and the configuration file were read. Adds
 * the default listeners if there are none, and applies --codec, --handler and --max-message to
 * those without their own. */
void listening_finish(struct options *options, struct option_reading *reading);

#endif
