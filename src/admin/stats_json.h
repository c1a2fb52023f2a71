/* SPDX-License-Identifier: MIT */
/* stats_json.h - writes a snapshot as JSON: the members of the public structs by their names. */
#ifndef ADMIN_STATS_JSON_H
#define ADMIN_STATS_JSON_H

#include "json.h"
#include "snapshot.h"

/* Writes "stats", "workers", "listeners" and "tls" into the object that is open. */
void stats_json_write(struct json *json, const struct snapshot *snapshot);

#endif
