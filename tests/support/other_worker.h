/* SPDX-License-Identifier: MIT */
/* other_worker.h - beside the fixture's worker, a second one that never runs, with one session:
 * what the first worker passes to it stays in its mailbox. */
#ifndef SUPPORT_OTHER_WORKER_H
#define SUPPORT_OTHER_WORKER_H

#include "mailbox.h"
#include "session_state.h"
#include "worker.h"

struct sim_peer;

struct other_worker {
    struct worker worker;
    struct mailbox mailbox;      /* has room for two commands */
    struct weir_session session; /* holds the name "ada" */
    struct worker *workers[2];   /* of the fixture's server, meanwhile */
};

extern struct other_worker other_worker;

/* Adds the worker to an open fixture. */
void other_worker_open(void);

/* Ends the session, closes the peer (of the fixture's worker) and the fixture. */
void other_worker_close(struct sim_peer *peer);

#endif
