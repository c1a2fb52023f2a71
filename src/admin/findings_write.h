/* SPDX-License-Identifier: MIT */
/* findings_write.h - the findings about the observed server, from what the admin server knows, as
 * JSON. */
#ifndef ADMIN_FINDINGS_WRITE_H
#define ADMIN_FINDINGS_WRITE_H

#include "json.h"
#include "snapshot.h"

struct admin;

/* Writes the array "findings". `now` is the newest snapshot; the oldest one that is kept begins the
 * window. Without a scan that is young enough, the rules about sessions find nothing. */
void findings_write(struct json *json, struct admin *admin, const struct snapshot *now);

#endif
