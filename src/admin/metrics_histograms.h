/* SPDX-License-Identifier: MIT */
/* metrics_histograms.h - the histograms of /metrics: loop iterations, openings and handlers. */
#ifndef ADMIN_METRICS_HISTOGRAMS_H
#define ADMIN_METRICS_HISTOGRAMS_H

#include "exposition.h"
#include "snapshot.h"

/* Writes them, as they are now. The snapshot names the listeners. */
void metrics_histograms_write(struct exposition *exposition, const struct weir_server *server,
                              const struct snapshot *snapshot);

#endif
