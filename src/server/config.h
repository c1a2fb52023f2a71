/* SPDX-License-Identifier: MIT */
/* config.h - checks a server's settings, and derives the options of its workers from them. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <weir/weir.h>

#include "net.h"

/* Copies the given settings (null: none), and adds the defaults of those that the caller's version
 * of the struct lacks. Returns WEIR_OK; or WEIR_INVALID: *error names the first invalid setting. */
enum weir_code config_read(const struct weir_config *given, struct weir_config *config,
                           struct weir_error *error);

/* Checks the timeouts. Returns WEIR_OK; or WEIR_INVALID: *error names the first invalid one. */
enum weir_code config_check_times(const struct weir_config *config, struct weir_error *error);

/* Returns the options of each worker's net. */
struct net_options config_net_options(const struct weir_config *config);

/* Copies the members that can change while a server runs. */
void config_set_live(struct weir_config *config, const struct weir_config *given);

/* Checks that a server that was opened with the settings `opened` can go on with `config`. Returns
 * WEIR_OK; or WEIR_INVALID: *error names the setting. */
enum weir_code config_check_live(const struct weir_config *config, const struct weir_config *opened,
                                 struct weir_error *error);

/* Returns the most that sessions_max can be raised to while the server runs. */
uint32_t config_sessions_room(const struct weir_config *config);

/* Returns how many sessions each worker has room for, also after changes. */
uint32_t config_slots_max(const struct weir_config *config);

/* Fills in *error for a setting. Returns WEIR_INVALID. */
enum weir_code config_wrong(const char *setting, const char *rule, struct weir_error *error);

/* Returns the part of memory_max_bytes that belongs to each worker. */
uint64_t config_worker_memory_bytes(const struct weir_config *config);

/* Returns how many workers to start on this machine. */
uint32_t config_workers(const struct weir_config *config);

#endif
