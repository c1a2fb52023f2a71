/* SPDX-License-Identifier: MIT */
/* renewal.h - lets a worker use other settings, also for its open sessions. See renewal.c. */
#ifndef SESSION_RENEWAL_H
#define SESSION_RENEWAL_H

#include <stdint.h>

struct worker;

/* Of one worker. */
struct renewal {
    uint32_t slot; /* of the session table, that is looked at next */
};

/* Takes the settings of common->take_settings(). The sessions follow. Thread: the worker's, as for
 * the next one. */
void renewal_begin(struct renewal *renewal, struct worker *worker);

/* Does what was requested: takes new settings, and updates a slice of the sessions. */
void renewal_update(struct renewal *renewal, struct worker *worker);

#endif
