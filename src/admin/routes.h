/* SPDX-License-Identifier: MIT */
/* routes.h - the answers to the requests that only read. Each function answers one visit. */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include "visit.h"

void routes_page(struct visit *visit);     /* GET / */
void routes_healthz(struct visit *visit);  /* GET /healthz */
void routes_readyz(struct visit *visit);   /* GET /readyz */
void routes_stats(struct visit *visit);    /* GET /stats.json */
void routes_findings(struct visit *visit); /* GET /findings.json */
void routes_metrics(struct visit *visit);  /* GET /metrics */

/* Returns whether the value of Accept (null: none) has OpenMetrics. */
bool routes_takes_openmetrics(const char *accept);

#endif
