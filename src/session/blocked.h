/* SPDX-License-Identifier: MIT */
/* blocked.h - reports callbacks that kept a worker from its other sessions. */
#ifndef SESSION_BLOCKED_H
#define SESSION_BLOCKED_H

#include <stdint.h>

struct worker;

/* Warns if the callbacks before the last wait took longer than handler_warn_ms. `events_count`: of
 * that wait, at most `events_max`. */
void blocked_report(struct worker *worker, uint32_t events_count, uint32_t events_max);

#endif
