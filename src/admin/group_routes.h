/* SPDX-License-Identifier: MIT */
/* group_routes.h - the answer to GET /groups. */
#ifndef ADMIN_GROUP_ROUTES_H
#define ADMIN_GROUP_ROUTES_H

#include "visit.h"

void group_routes_list(struct visit *visit); /* GET /groups */

#endif
