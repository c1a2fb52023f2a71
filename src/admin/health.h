/* SPDX-License-Identifier: MIT */
/* health.h - whether the workers of the observed server still run. A worker without events does not
 * iterate, so it is asked: a ping that a worker has not answered for HEALTH_HUNG_MS shows that its
 * loop hangs, for example in a callback. Pings are sent only when a client asks for the health. */
#ifndef ADMIN_HEALTH_H
#define ADMIN_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#include "visit.h"

#define HEALTH_HUNG_MS 10000u
#define HEALTH_WAIT_MS 1000u /* a client waits this long for the answers */

/* Starts as {0}. Used by the admin server's worker. */
struct health {
    struct weir_server *own; /* the admin server, to which the pings return */
    uint32_t workers_count;
    struct health_ping *pings; /* one per worker of the observed server */
    struct visit_list waiting; /* until all pings are answered */
};

/* Pings every worker whose last ping is answered. Returns whether a ping is out: then
 * health->waiting is woken when all are answered. */
bool health_ask(struct health *health, struct weir_server *own, struct weir_server *observed);

/* Returns for how long a worker has not answered a ping; 0: it answers, or was never asked. */
uint64_t health_silent_ms(const struct health *health, uint32_t worker);

/* Returns whether the server is healthy as far as the pings show, and says why, in one line. */
bool health_check(const struct health *health, const struct weir_server *observed, char *why,
                  size_t why_bytes);

/* Frees the pings. Every worker of the observed server must have ended. */
void health_free(struct health *health);

#endif
