/* SPDX-License-Identifier: MIT */
/* config.h - a server's settings, checked, and what they mean for its workers. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <weir/weir.h>

#include "net.h"

/* The settings as given, and the defaults for those that the caller's version did not have yet.
 * WEIR_INVALID with the first one that can never work, by name. */
enum weir_code config_read(const struct weir_config *given, struct weir_config *config,
                           struct weir_error *error);

/* The options of each worker's net. */
struct net_options config_net_options(const struct weir_config *config);

/* How many workers that makes here. */
uint32_t config_workers(const struct weir_config *config);

#endif
