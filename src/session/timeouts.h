/* SPDX-License-Identifier: MIT */
/* timeouts.h - acts on expired deadlines and user timers. */
#ifndef SESSION_TIMEOUTS_H
#define SESSION_TIMEOUTS_H

struct worker;

/* Handles every deadline and user timer that has expired. Once per iteration. */
void timeouts_run(struct worker *worker);

#endif
