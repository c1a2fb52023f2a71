/* SPDX-License-Identifier: MIT */
/* session_json.h - writes one session as JSON: the members of struct weir_session_info by their
 * names. Ids are texts of 16 hexadecimal digits, as in the log. */
#ifndef ADMIN_SESSION_JSON_H
#define ADMIN_SESSION_JSON_H

#include <weir/weir.h>

#include "json.h"

/* Writes the members into the object that is open. */
void session_json_write(struct json *json, const struct weir_session_info *session);

/* Writes the last frames of a watched session into the object that is open. */
void session_json_frames(struct json *json, const struct weir_session_info *session);

#endif
