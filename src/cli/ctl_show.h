/* SPDX-License-Identifier: MIT */
/* ctl_show.h - prints what the admin server answers about sessions, for people. */
#ifndef CLI_CTL_SHOW_H
#define CLI_CTL_SHOW_H

#include "admin_client.h"

/* Print the last answer: of /sessions as a table, of /sessions/ID one figure per line. Return the
 * exit code. */
int ctl_show_sessions(const struct admin_client *client);
int ctl_show_session(const struct admin_client *client);

/* Returns whether the last answer, of /sessions/ID, has a frame of the session. */
bool ctl_show_has_frames(const struct admin_client *client);

#endif
