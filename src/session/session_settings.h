/* SPDX-License-Identifier: MIT */
/* session_settings.h - what a handler sets for one session: see session_settings.c and weir.h. */
#ifndef SESSION_SESSION_SETTINGS_H
#define SESSION_SESSION_SETTINGS_H

#include <weir/weir.h>

/* Other settings apply to the worker: copies those that the session, or its connector, keeps by
 * itself. The caller then updates the deadline. */
void session_renew_service(struct weir_session *session);

/* As the functions of weir.h say. The session is not transient. */
enum weir_code session_set_idle_timeout(struct weir_session *session, uint32_t ms);
enum weir_code session_set_message_max(struct weir_session *session, size_t bytes);
enum weir_code session_set_codec(struct weir_session *session, const struct weir_codec *codec);

#endif
