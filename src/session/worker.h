/* SPDX-License-Identifier: MIT */
/* worker.h - one thread's world: its net, its sessions, its places to listen, and the loop that
 * turns them. */
#ifndef SESSION_WORKER_H
#define SESSION_WORKER_H

#include <stdatomic.h>

#include <weir/weir.h>

#include "counters.h"
#include "list.h"
#include "log.h"
#include "mailbox.h"
#include "net.h"
#include "place.h"
#include "session_table.h"

/* What the workers of a server share: read-only, but for the number of open sessions. */
struct worker_common {
    uint32_t sessions_max;
    uint32_t send_queue_high_bytes, send_queue_low_bytes;
    struct log log;
    /* in all workers; touched once per connection, never per message */
    _Atomic uint32_t sessions_open;
    /* Where one listener serves all workers (net_info.listeners_share): all of them, mailboxes
     * ready, set before the first runs. Null: each listens for itself. */
    struct worker **team;
    uint32_t team_count;
};

enum worker_order { WORKER_RUN, WORKER_DRAIN, WORKER_STOP };

struct worker {
    struct net *net;
    struct worker_common *common;
    struct session_table table;
    struct list open;    /* every session that is not FREE */
    struct list touched; /* sessions with something to send or to end this turn */
    struct list places;  /* every place that is not closed */
    uint64_t high_bytes; /* the marks in memory, see worker_open */
    uint32_t pause_bytes, resume_bytes;
    uint32_t datagram_sends_max;
    uint32_t buffer_bytes; /* capacity of one stream buffer */
    uint8_t index;
    uint8_t order;                 /* enum worker_order: what is being carried out */
    _Atomic uint8_t asked;         /* enum worker_order: what was asked for, from any thread */
    _Atomic uint64_t drain_ms;     /* how long a drain may take; written before `asked` */
    _Atomic uint32_t drains_asked; /* moves on with every worker_drain; written after drain_ms */
    uint32_t drains_seen;          /* the last that drain_until_ns takes account of */
    uint64_t drain_began_ns, drain_until_ns;
    uint64_t drain_look_at_ns; /* when to look for quiet sessions again */
    struct counters counters;
    struct mailbox mailbox; /* of a member of a team */
    _Atomic uint32_t load;  /* sessions, and letters on their way: a guess for who hands over */
    uint32_t team_next;     /* of equals, whose turn it is */
};

/* Opens the net and what stands on it, on the thread that will run the worker. */
enum weir_code worker_open(struct worker *worker, uint8_t index, struct worker_common *common,
                           const struct net_options *asked, struct weir_error *error);

/* Nothing may be open any more: after worker_run, or after a worker_open that was followed by
 * nothing. */
void worker_free(struct worker *worker);

/* Turns until a drain or a stop has ended everything. */
void worker_run(struct worker *worker);

/* One turn, which waits until `until_ns` at most. False: everything has ended. For tests;
 * worker_run calls it. */
bool worker_turn(struct worker *worker, uint64_t until_ns);

/* Any thread. A later order only ever shortens: run < drain < stop. */
void worker_drain(struct worker *worker, uint32_t deadline_ms);
void worker_stop(struct worker *worker);

/* ---- for session.c and place.c ---- */

/* Counts a session in against sessions_max; false, and counted as refused, when the server is
 * full. */
bool worker_admit(struct worker *worker);
void worker_dismiss(struct worker *worker);

/* A connection came to a place of this worker: it goes to the member of the team with the fewest
 * sessions. */
void worker_place_accepted(struct worker *worker, const struct place *place,
                           struct net_socket socket, const struct weir_address *peer);

void worker_count_pause(struct worker *worker, enum weir_code code);

/* A listener or datagram socket broke: it is closed and the log says so; the others live on. */
void worker_place_broke(struct worker *worker, struct place *place, const struct net_event *event);

#endif
