/* SPDX-License-Identifier: MIT */
/* metrics.h - the metrics of /metrics: every counter of the server, its workers, listeners and
 * certificates, and the process. Labels have values from closed sets only: never an address of a
 * peer, a session or a name that a client chose. docs/operating.md explains each metric. */
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include <stdbool.h>

#include "admin.h"
#include "exposition.h"
#include "snapshot.h"

/* What is not part of the snapshot. */
struct metrics_state {
    const struct weir_server *server; /* for its histograms; null: they are left out */
    bool is_ready, is_draining;
    bool was_reloaded; /* then the next three members are valid */
    bool reload_succeeded;
    int64_t reloaded_unix_ms;
    uint32_t needs_restart_count;
    const struct admin_process *process; /* null: not known */
};

/* Writes all metrics. */
void metrics_write(struct exposition *exposition, const struct snapshot *snapshot,
                   const struct metrics_state *state);

#endif
