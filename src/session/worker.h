/* SPDX-License-Identifier: MIT */
/* worker.h - the state of one worker that all files of the session layer use: its net, clock,
 * configuration, counters, timers, and its lists of sessions.
 *
 * A worker is one thread with its event loop. Parts that belong to one file each (session table,
 * mailbox, groups, UDP peers, admission) are named here by pointer only; loop.h holds them.
 */
#ifndef SESSION_WORKER_H
#define SESSION_WORKER_H

#include <weir/weir.h>

#include "account.h"
#include "address_list.h"
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "congestion.h"
#include "counters.h"
#include "group_state.h"
#include "histogram.h"
#include "list.h"
#include "log.h"
#include "log_limited.h"
#include "net.h"
#include "send_queue.h"
#include "session_state.h"
#include "siphash.h"
#include "thread.h"
#include "wheel.h"

/* Whose frames the log shows; see watch.h. */
struct trace {
    bool frames;               /* it shows any */
    struct address_list peers; /* none: those of all peers */
};

/* What the log shows of sessions and messages; see watch.h. */
struct watch {
    _Atomic int level; /* enum weir_log_level; any thread can change it */
    struct trace trace;
};

struct admission;
struct admission_limits;
struct connector_table;
struct connects;
struct filters_worker;
struct group_table;
struct mailbox;
struct names;
struct reply_rate;
struct resolver;
struct session_table;
struct settings;
struct udp_peers;
struct weir_bridge;
struct worker;

/* Shared by the workers of a server; read-only while they run, except `limits` and atomics. */
struct worker_common {
    /* As the server was opened. Workers read settings that can change through worker.config. */
    struct weir_config config;
    struct weir_server *server; /* for weir_session_server() alone */
    uint32_t slots_max;         /* of each session table; 0: as many as the settings need */
    struct log log;
    struct watch watch;
    struct siphash_key key;          /* of every keyed hash; random, drawn at the start */
    struct admission_limits *limits; /* see admission.h */
    /* Where one worker listens for all: all workers, set before the first one runs. Null: each
     * worker listens for itself (net_info.listeners_share). */
    struct worker **handoff_workers;
    uint32_t handoff_count;
    /* All workers, set before the first one runs. */
    struct worker *const *workers;
    struct congestion congestion;     /* of groups, on all workers; changes */
    struct names *names;              /* that sessions hold; protects itself */
    const struct weir_bridge *bridge; /* to other nodes: other_nodes.h; null: there are none */
    uint32_t workers_count;
    struct connector_table *connectors;       /* outbound connections of all workers */
    struct resolver *resolver;                /* looks up the names of their hosts */
    const struct weir_codec *broadcast_codec; /* of the first TCP listener; null: there is none */
    uint64_t memory_bytes;                    /* of one worker, for its account; 0: no limit */
    /* Returns a reference to the settings that a worker asked for by WORKER_SETTINGS uses from now
     * on, after updating the services of this worker. Null: they never change. */
    struct settings *(*take_settings)(struct worker *worker);
    void (*settings_taken)(struct worker *worker); /* called when it uses them */
    _Atomic uint64_t payload_bytes;                /* memory of all payloads of the server */
    struct histogram outbound_times; /* of on_message, in outbound sessions: watch.h */
    _Atomic bool oversize_noted;    /* a message above the queue's capacity was noted: oversize.c */
    _Atomic bool reply_limit_noted; /* a datagram above datagram_reply_percent_max was logged */
};

/* What a worker is asked to do, weakest first; DRAIN and STOP are one bit each. */
enum worker_request { WORKER_RUN, WORKER_DRAIN, WORKER_STOP };

/* A further bit of worker.requested: outbound connections have something to do (connects.h). The
 * loop looks at it together with the others. */
#define WORKER_CONNECTS 4u
/* Further ones: new settings are to be taken, and open sessions are to be updated (renewal.h). */
#define WORKER_SETTINGS 8u
#define WORKER_RENEWS 16u

#define WORKER_REJECT_MESSAGES_MAX \
    64u /* connections that are open for their reject message alone */

/* The call of on_message that is running, if any. A worker has at most one. */
struct dispatch {
    struct weir_session *session;       /* null: none */
    const struct weir_message *message; /* null: on_message has returned, or sent it back */
    uint32_t answers;        /* messages of a TCP session that were sent back and not counted */
    bool must_stop;          /* no further message of the buffer for now: see inbound.c */
    struct borrowed_run run; /* with the receive buffer that holds the message */
};

/* The work of one loop iteration, in units: a decoded message, a delivery of a broadcast, or a
 * command. Each iteration divides its budget among the sessions that have input. */
struct work {
    uint32_t iteration;   /* number of the iteration */
    uint32_t done;        /* units since the worker started */
    uint32_t began;       /* `done` at the begin of the iteration */
    uint32_t session_max; /* units that one session may use in this iteration */
};

/* Units that one session may use in an iteration in which few events arrived. */
#define WORK_SESSION_MAX 256u
/* Units that the sessions of one batch of events share. Sessions that used less than their share in
 * their last iteration may use it, also when the limit below is reached. */
#define WORK_BATCH_MAX 8192u
/* Units after which sessions that used their share wait for the next iteration: a unit costs 0.05
 * to 0.5 us, and this is how long a flood delays the other sessions. A session that is served uses
 * its whole share, because what it sends then costs one system call. */
#define WORK_ITERATION_MAX 1024u

/* Whether sessions that used their share before must wait. */
static inline bool work_is_used_up(const struct work *work)
{
    return work->done - work->began >= WORK_ITERATION_MAX;
}

/* A worker as weir.h shows it to the application: its user pointer, and the timers that belong to
 * it and to no session. worker_timers.c owns the timers. */
struct weir_worker {
    void *user;
    struct wheel timers;       /* of the application, and the tick */
    struct wheel_timer next;   /* in worker.user_timers: when the next of `timers` is due */
    struct list opened_timers; /* struct weir_timer */
    uint32_t opened_count;
    struct wheel_timer tick; /* runs if config.tick_ms is set */
};

struct worker {
    struct worker_common *common;
    /* The settings that can change: replaced by renewal.c between two events. At first those of
     * `common`; then parts of `settings`. */
    const struct weir_config *config;
    const struct address_list *allow, *deny;
    const struct trace *trace;
    struct settings *settings; /* a reference; null: they were not changed yet */
    struct session_table *table;
    struct mailbox *mailbox;
    struct group_table *groups;
    struct udp_peers *udp_peers;
    struct reply_rate *reply_rate;        /* null: no limit, or no UDP socket was opened */
    struct reply_rate *reply_rate_memory; /* for it; null: no UDP socket was opened */
    struct admission *admission;
    struct connects *connects;
    struct filters_worker *filters; /* null: no session had filters yet */
    struct net *net;                /* null: not open */
    struct counters counters;
    uint64_t now_ns, now_ms; /* of the current batch of events */
    struct wheel deadlines, user_timers;
    struct list tcp_sessions; /* sessions over a connection, not FREE */
    struct list udp_sessions; /* sessions of UDP peers, longest idle first */
    uint32_t udp_sessions_count;
    struct list endpoints;           /* listeners and UDP sockets, until their NET_CLOSED */
    struct list pending_flush;       /* sessions to flush at the end of this iteration */
    struct list waiting_for_buffers; /* sessions that could not send because the pool was empty */
    struct list speakers;            /* sessions that wait for a group: congestion.h */
    struct list frame_watches;       /* of sessions whose frames are kept: frame_watch.h */
    struct list group_counts;        /* that this worker reports: group_count.c */
    struct wheel_timer group_count_timer; /* in user_timers, for their earliest deadline */
    /* Sessions with unread input that may be decoded, longest waiting first: those that used less
     * than their share of the work, and those that used it. */
    struct list readable, readable_again;
    uint32_t readable_count; /* on both lists */
    struct work work;
    struct dispatch dispatch;
    struct log_limited decode_errors, pauses;
    struct log_limited reply_rate_episodes;
    struct log_limited exhausted, blocked;
    struct account account;
    uint64_t high_bytes; /* a send queue never exceeds it by more than a buffer and a frame */
    /* The marks when there is enough memory, and the present ones: the share of it that the account
     * leaves to a session. */
    uint32_t pause_full_bytes, resume_full_bytes;
    uint32_t share;                     /* of ACCOUNT_SHARE_FULL */
    uint64_t share_bytes;               /* a queue that is not empty accepts no message above it */
    uint32_t pause_bytes, resume_bytes; /* reading pauses and resumes at these queue sizes */
    uint32_t buffer_bytes;              /* capacity of one stream buffer */
    uint32_t datagram_sends_max;
    uint32_t linger_max_ms; /* in a drain: the longest linger timeout; 0: no bound */
    uint32_t reject_messages_open;
    uint64_t catch_up_until_ns; /* not 0: timers wait until unread events are handled */
    bool has_backlog;           /* more events may be pending than the last batch held */
    uint8_t index;
    uint8_t request;       /* enum worker_request: what is being carried out */
    uint32_t handoff_next; /* where the search for the least loaded worker begins */
    bool ending;           /* only commands are left: its own callbacks cannot post any longer */
    uintptr_t home;        /* thread_self() of the thread that opened the net; 0: it is not open */
    struct weir_worker outer;

    /* Written by this worker, read by any thread: see enum weir_histogram_kind. */
    struct histogram iteration_times, opening_times;

    /* Any thread. */
    _Atomic uintptr_t thread;          /* thread_self() of the thread that runs the loop; 0: none */
    _Atomic uint8_t requested;         /* bits of enum worker_request, WORKER_CONNECTS and others */
    _Atomic uint64_t drain_ms;         /* how long a drain may take; written before `requested` */
    _Atomic uint32_t drains_requested; /* incremented by each drain request, after drain_ms */
    _Atomic uint64_t oversize_bytes;   /* length of a refused message to log; 0: none */
    _Atomic uint32_t load;             /* sessions, and sockets being handed over: an estimate */
};

/* Returns the worker that the application knows as `outer`. */
static inline struct worker *worker_of_outer(struct weir_worker *outer)
{
    return weir_container_of(outer, struct worker, outer);
}

/* Whether the caller runs on the worker's own thread, inside one of its callbacks. Thread: any. */
static inline bool worker_is_own(const struct worker *worker)
{
    return atomic_load_explicit(&worker->thread, memory_order_relaxed) == thread_self();
}

/* Checks that a call for a session or a worker comes from the thread of the worker. */
static inline void worker_check_thread(const struct worker *worker)
{
    weir_check_use(worker->home == thread_self(),
                   "a session, a worker and its timers are used by the thread of the worker alone: "
                   "on other threads use the session's id, or weir_post()");
}

/* Counts a message that could not be queued for a recipient, under its cause. */
static inline void worker_count_unsent(struct worker *worker, enum weir_code code)
{
    struct counters *counters = &worker->counters;

    weir_check(code != WEIR_OK);
    if (code == WEIR_TOO_LARGE || code == WEIR_INVALID)
        counter_add(&counters->sends_not_framed, 1);
    else if (code == WEIR_NO_BUFFERS || code == WEIR_NO_MEMORY)
        counter_add(&counters->sends_no_memory, 1);
    else
        counter_add(&counters->sends_dropped, 1);
}

/* Counts messages of broadcasts that a member does not get, under their cause. */
static inline void worker_count_dropped(struct worker *worker, enum weir_code code, uint32_t count)
{
    struct counters *counters = &worker->counters;

    switch (code) {
    case WEIR_QUEUE_FULL: counter_add(&counters->broadcasts_dropped_full, count); break;
    case WEIR_CANCELLED: counter_add(&counters->broadcasts_dropped_closed, count); break;
    case WEIR_REPLY_LIMIT: counter_add(&counters->broadcasts_dropped_reply, count); break;
    case WEIR_NO_BUFFERS:
    case WEIR_NO_MEMORY: counter_add(&counters->broadcasts_dropped_no_memory, count); break;
    default:
        weir_check(code == WEIR_TOO_LARGE || code == WEIR_INVALID);
        counter_add(&counters->broadcasts_dropped_not_framed, count);
    }
}

/* Counts broadcasts that were queued, and are dropped before they are sent. */
static inline void worker_count_late_drop(struct weir_session *session, enum weir_code code,
                                          uint32_t count)
{
    session->missed += count;
    group_count_late_drops(session, count);
    counter_move(&session->worker->counters.broadcasts_delivered, 0, count);
    worker_count_dropped(session->worker, code, count);
}

/* Counts a timer that has expired. */
static inline void worker_count_timer(struct worker *worker, const struct wheel_timer *timer)
{
    weir_check(timer->due_ms <= worker->now_ms);
    counter_add(&worker->counters.timers_fired, 1);
    counter_raise(&worker->counters.timer_lag_max_ms, worker->now_ms - timer->due_ms);
}

/* Requests a drain or a stop; takes effect in the next iteration. Thread: any. */
static inline void worker_request(struct worker *worker, enum worker_request request)
{
    atomic_fetch_or(&worker->requested, (uint8_t)request);
}

/* Lets the loop call connector_update() in this iteration or the next one. A caller on another
 * thread then wakes the worker. Thread: any. */
static inline void worker_request_connects(struct worker *worker)
{
    atomic_fetch_or(&worker->requested, (uint8_t)WORKER_CONNECTS);
}

/* Lets the loop take new settings in this iteration or the next one. A caller on another thread
 * then wakes the worker. Thread: any. */
static inline void worker_request_settings(struct worker *worker)
{
    atomic_fetch_or(&worker->requested, (uint8_t)WORKER_SETTINGS);
}

/* Returns how many sessions the table of a worker has room for. */
static inline uint32_t worker_slots_max(const struct worker_common *common)
{
    const struct weir_config *config = &common->config;
    uint32_t most = config->sessions_max + config->datagram_peers_max + WORKER_REJECT_MESSAGES_MAX;

    return common->slots_max > most ? common->slots_max : most;
}

/* Puts the session on the list of those that have something to send or to end. */
static inline void worker_flush_later(struct worker *worker, struct weir_session *session)
{
    if (!list_has(&session->in_pending_flush))
        list_add_last(&worker->pending_flush, &session->in_pending_flush);
}

/* Puts the session on the list of those whose unread input is decoded in the next iterations. */
static inline void worker_read_later(struct worker *worker, struct weir_session *session)
{
    if (list_has(&session->in_readable)) return;
    list_add_last(session->used_share ? &worker->readable_again : &worker->readable,
                  &session->in_readable);
    worker->readable_count++;
}

/* Takes the session off that list, if it is on it. */
static inline void worker_read_not(struct worker *worker, struct weir_session *session)
{
    if (!list_has(&session->in_readable)) return;
    list_remove(&session->in_readable);
    weir_check(worker->readable_count > 0);
    worker->readable_count--;
}

/* Begins the processing of a received buffer, which it takes over; null: there is none. */
static inline void worker_begin_dispatch(struct worker *worker, struct weir_session *session,
                                         struct net_buffer *buffer)
{
    weir_check(!worker->dispatch.session);
    worker->dispatch = (struct dispatch){.session = session, .run = {.buffer = buffer}};
}

/* Stops the processing of the session's buffer after the message that is being handled, if there is
 * one. */
static inline void worker_stop_dispatch(struct worker *worker, const struct weir_session *session)
{
    if (worker->dispatch.session == session) worker->dispatch.must_stop = true;
}

/* Calls on_message, a callback of the session's handler. */
static inline void worker_dispatch(struct worker *worker, struct weir_session *session,
                                   const struct weir_message *message,
                                   void (*on_message)(struct weir_session *session,
                                                      const struct weir_message *message))
{
    weir_check(worker->dispatch.session == session);
    weir_check(!worker->dispatch.message);
    worker->dispatch.message = message;
    on_message(session, message);
    worker->dispatch.message = NULL;
}

/* Takes the message being dispatched, to send it back. */
static inline void worker_take_message(struct worker *worker, const struct weir_session *session,
                                       const struct weir_message *message)
{
    weir_check_use(worker->dispatch.session == session && worker->dispatch.message == message,
                   "weir_session_send_back is for the message that on_message is handling, once");
    worker->dispatch.message = NULL;
}

#endif
