/* SPDX-License-Identifier: MIT */
/* connects.h - the outbound connections of one worker: data that dial.c and connector.c share.
 *
 * The bit WORKER_CONNECTS of worker.requested is set while there is something to do for
 * connector_update(), so that a worker without outbound connections pays nothing for them.
 */
#ifndef SESSION_CONNECTS_H
#define SESSION_CONNECTS_H

#include "inbox.h"
#include "list.h"
#include "wheel.h"

struct connects {
    struct inbox inbox;           /* connectors that begin or end, and names that were found */
    struct wheel timers;          /* of connectors */
    struct list connectors;       /* that began and have not ended */
    struct list ended_connectors; /* to be freed after the events of the iteration */
    struct list dials;            /* of which a handle is open, or that can still connect */
    struct list ended_dials;      /* to be freed after the events of the iteration */
};

#endif
