/* SPDX-License-Identifier: MIT */
/* routes.h - the answers to the requests that only read. Each function answers one visit. */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include "visit.h"

void routes_page(struct visit *visit);    /* GET / */
void routes_healthz(struct visit *visit); /* GET /healthz */
void routes_readyz(struct visit *visit);  /* GET /readyz */
void routes_stats(struct visit *visit);   /* GET /stats.json */

#endif
