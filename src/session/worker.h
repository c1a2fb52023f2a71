/* SPDX-License-Identifier: MIT */
/* worker.h - one thread's world: its net, its sessions, its places to listen, and the loop that
 * turns them. */
#ifndef SESSION_WORKER_H
#define SESSION_WORKER_H

#include <weir/weir.h>

#include "address_counts.h"
#include "address_list.h"
#include "admission.h"
#include "atomic.h"
#include "clock.h"
#include "counters.h"
#include "group.h"
#include "hand.h"
#include "list.h"
#include "log.h"
#include "mailbox.h"
#include "net.h"
#include "peers.h"
#include "place.h"
#include "session_table.h"
#include "siphash.h"
#include "wheel.h"

/* What the workers of a server share: read-only, but for what is atomic or has a lock inside, which
 * is touched once per connection and never per message. */
struct worker_common {
    struct weir_config config;
    struct weir_server *server; /* for weir_session_server() alone */
    struct log log;
    struct siphash_key key; /* of every keyed hash; drawn at the start */
    struct address_list allow, deny;
    struct address_counts address_counts; /* open when sessions_per_address_max is not 0 */
    _Atomic uint64_t accepts;             /* the bucket of accept_rate_max */
    _Atomic uint32_t sessions_open;       /* in all workers */
    /* Where one listener serves all workers (net_info.listeners_share): all of them, set before the
     * first runs. Null: each listens for itself. */
    struct worker **handoff_workers;
    uint32_t handoff_count;
};

enum worker_request { WORKER_RUN, WORKER_DRAIN, WORKER_STOP }; /* a bit each, in their order */

#define WORKER_REJECT_MESSAGES_MAX 64u /* refused connections that are being told so, at once */

struct worker {
    struct worker_common *common;
    struct session_table table;
    struct mailbox mailbox;
    struct counters counters;

    /* Its own thread's alone, from here on. */
    struct net *net;
    uint64_t now_ns, now_ms;         /* of the batch in hand */
    struct list open;                /* every session over a connection that is not FREE */
    struct peers peers;              /* every session of a datagram peer */
    struct list pending_flush;       /* sessions with something to send or to end this turn */
    struct list waiting_for_buffers; /* sessions that could not send for want of buffers */
    struct list places;              /* every place that is not closed */
    struct wheel deadlines, user_timers;
    struct group_table groups;
    struct hand hand;
    struct admission_log refusals[ADMISSION_COUNT], faults;
    uint64_t high_bytes; /* the marks in memory, see worker_open */
    uint32_t pause_bytes, resume_bytes;
    uint32_t linger_ms; /* how long a peer may take to follow our end */
    uint32_t datagram_sends_max;
    uint32_t buffer_bytes; /* capacity of one stream buffer */
    uint32_t reject_messages_open;
    uint32_t catching_up_iterations; /* not 0: the thread stood still, see worker__check_lateness */
    bool has_backlog; /* true exactly when more may have come than this turn had room or time for */
    uint32_t handoff_next; /* of equals, whose turn it is */
    uint64_t waited_until_ns;
    uint64_t sampled_at_ms;
    uint8_t index;
    uint8_t request;      /* enum worker_request: what is being carried out */
    uint32_t drains_seen; /* the last that drain_until_ns takes account of */
    uint64_t drain_began_ns, drain_until_ns;
    uint64_t drain_look_at_ns; /* when to look for quiet sessions again */
    uint64_t drain_backlog_ns; /* since when that waits for what is still unread; 0: it does not */

    /* Any thread's. */
    _Atomic uint8_t requested;     /* enum worker_request: the bits of all that was asked for */
    _Atomic uint64_t drain_ms;     /* how long a drain may take; written before `asked` */
    _Atomic uint32_t drains_asked; /* moves on with every worker_drain; written after drain_ms */
    _Atomic uint32_t load;         /* sessions, and letters on their way: a guess */
};

/* ---- life: init on any thread; open, run and close on the worker's own; free on any ---- */

/* The table and the mailbox, which other threads may look at as long as the worker lives; sessions
 * carry so many extra bytes. False: no memory. */
bool worker_init(struct worker *worker, uint8_t index, struct worker_common *common,
                 size_t extra_bytes);

/* Opens the net and what stands on it. */
enum weir_code worker_open(struct worker *worker, const struct net_options *asked,
                           struct weir_error *error);

/* Turns until a drain or a stop has ended everything. */
void worker_run(struct worker *worker);

/* One turn, which waits until `until_ns` at most. False: everything has ended. For tests;
 * worker_run calls it. */
bool worker_iterate(struct worker *worker, uint64_t until_ns);

/* Nothing may be open any more: after worker_run, or after a worker_open that was followed by
 * nothing. */
void worker_close(struct worker *worker);

/* One that was initialised, or is all zero. */
void worker_free(struct worker *worker);

/* Any thread, while the worker is open. A later order only ever shortens: run < drain < stop. */
void worker_drain(struct worker *worker, uint32_t deadline_ms);
void worker_stop(struct worker *worker);

/* ---- for the rest of the layer ---- */

/* The session has something to send or to end this turn. */
static inline void worker_flush_later(struct worker *worker, struct weir_session *session)
{
    if (!list_has(&session->in_pending_flush))
        list_add_last(&worker->pending_flush, &session->in_pending_flush);
}

/* A connection came to a place of this worker: it goes to the member of the team with the fewest
 * sessions. */
void worker_place_accepted(struct worker *worker, const struct place *place,
                           struct net_socket socket, const struct weir_address *peer);

void worker_count_pause(struct worker *worker, enum weir_code code);

/* A listener or datagram socket broke: it is closed and the log says so; the others live on. */
void worker_place_broke(struct worker *worker, struct place *place, const struct net_event *event);

#endif
