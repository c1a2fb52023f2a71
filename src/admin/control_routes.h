/* SPDX-License-Identifier: MIT */
/* control_routes.h - the answers to requests that change the server. */
#ifndef ADMIN_CONTROL_ROUTES_H
#define ADMIN_CONTROL_ROUTES_H

#include "visit.h"

void control_routes_drain(struct visit *visit);  /* POST /drain */
void control_routes_reload(struct visit *visit); /* POST /reload */
void control_routes_log(struct visit *visit);    /* POST /log */

/* A reload has ended: answers the visits that wait for it. */
void control_routes_reloaded(struct admin *admin);

#endif
