/* SPDX-License-Identifier: MIT */
/* session_routes.h - the answers to requests about sessions. */
#ifndef ADMIN_SESSION_ROUTES_H
#define ADMIN_SESSION_ROUTES_H

#include "visit.h"

void session_routes_list(struct visit *visit);  /* GET /sessions */
void session_routes_one(struct visit *visit);   /* GET /sessions/ID */
void session_routes_close(struct visit *visit); /* POST /sessions/ID/close */
void session_routes_watch(struct visit *visit); /* POST /sessions/ID/watch */

#endif
