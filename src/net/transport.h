/* SPDX-License-Identifier: MIT */
/* transport.h - the functions that a transport provides to net.c, and the state that they share.
 * Private to src/net.
 *
 * net.c stands in front of every transport: it checks arguments, finds handles, and records what is
 * outstanding. A transport therefore trusts its arguments and only works with its system. All its
 * events go through these files, which check them:
 *
 *      event_batch.h     events with no state of their own: NET_DATAGRAM, NET_BROKEN, ...
 *      arrivals.h        data, FIN, failures and sockets that can arrive after "off"
 *      answers.h         answers to sends and closes
 *      buffer_waiters.h  handles that wait for a buffer
 *      file_waiters.h    listeners that wait for files
 *      retries.h         calls that failed and are repeated later
 *      net_failure.h     a wait that fails for good
 *
 * To add a transport: fill a struct transport, add it to the list in transports_*.c, and run
 * `ctest -R contract`.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "answers.h"
#include "arrivals.h"
#include "atomic.h"
#include "buffer_waiters.h"
#include "event_batch.h"
#include "file_waiters.h"
#include "handle_table.h"
#include "inlining.h"
#include "net.h"
#include "net_failure.h"
#include "pool.h"
#include "retries.h"
#include "spin.h"
#include "thread.h"

/* One net: the front's state, which transports share. */
struct net {
    const struct transport *transport;
    void *system; /* the transport's own state, created by its open */
    struct net_options options;
    struct pool stream_pool;
    struct pool datagram_pool;
    struct handle_table handle_table;
    struct event_batch batch;
    struct answers answers;
    struct handle *sends_now; /* of the net_send_now() that is running; null: none, or answered */
    struct file_waiters file_waiters;
    struct retries retries;
    struct buffer_waiters stream_waiters, datagram_waiters; /* one per pool */
    struct list deliverable; /* handles for which arrivals_deliver() has something */
    uint64_t now_ns;         /* changed only by transport->wait (rule 9) */
    uint64_t waited_ns;      /* now_ns at the end of the last transport->wait */
    uint64_t wait_began_ns;  /* when transport->wait began; NET_FOREVER: it had no deadline */
    uint64_t late_ns;        /* see struct net_time */
    struct spin spin;
    int64_t busy_noted_ns;       /* net__note_busy() has nothing to do up to this time */
    uint64_t busy_ns;            /* see net_take_busy_ns() */
    thread_counter *busy_sum_ns; /* of net_options.busy_times; before net_start_busy() and without
                                  * busy_times: busy_ignored_ns */
    thread_counter busy_ignored_ns;
    uintptr_t thread;           /* that opened the net, for rule 10 */
    bool polled;                /* the last net_wait called transport->wait */
    bool failed;                /* the system refuses the event loop, see net_failure.h */
    struct weir_error failure;  /* set while `failed` is */
    struct net *next_abandoned; /* after net_free of a failed net */
    struct net_info info;
};

struct transport {
    const char *name;
    bool listeners_share;    /* see net_info */
    bool has_unix;           /* see net_info */
    bool inherits_sockets;   /* net_listen_options.inherited */
    bool asked_by_name_only; /* "auto" does not choose it */
    bool is_verifiable;      /* supports net_options.verify_rio */
    /* The address of a datagram is stored beside its bytes, and only buffers of the datagram pool
     * have room for it (RIO). */
    bool addresses_in_buffers;
    bool sends_own_memory; /* only buffers of the pools, because the system must know them (RIO) */
    size_t entry_bytes;    /* size of its entry, which begins with struct handle */
    /* Size of what a listener or datagram socket has besides, which begins with struct
     * handle_endpoint; 0: nothing of its own. */
    size_t endpoint_bytes;

    /* Creates net->system, and sets net->now_ns and net->info.held_bytes_max. On failure leaves
     * nothing behind. */
    enum weir_code (*open)(struct net *net, struct weir_error *error);
    void (*free)(struct net *net);
    void (*wake)(struct net *net); /* any thread */
    /* See net_descriptor(). Null: the transport has none. */
    int (*descriptor)(struct net *net);
    /* Whether `wait` has something to do immediately that the descriptor does not report. Null: it
     * has no descriptor. */
    bool (*is_busy)(struct net *net);

    /* Open a handle. On failure they close everything that they opened; adopt closes the socket. */
    enum weir_code (*listen)(struct net *net, struct handle *handle,
                             const struct net_listen_options *options, struct weir_error *error);
    enum weir_code (*adopt)(struct net *net, struct handle *handle, struct net_socket socket,
                            struct weir_error *error);
    /* Opens a socket for the handle and connects it. Adds NET_CONNECTED or NET_BROKEN inside
     * `wait`, unless `close` is called before. */
    enum weir_code (*connect)(struct net *net, struct handle *handle,
                              const struct net_connect_options *options, struct weir_error *error);
    /* Accepting, as handle->flow_on says; also called when nothing changed. Everything that an
     * accepted socket needs from its listener is done before NET_ACCEPTED, because adopt, possibly
     * on another net, does not have the listener. */
    void (*accept)(struct net *net, struct handle *handle, bool on);
    /* net_options.keepalive_ms has changed: connections of this listener inherit the other one.
     * Null: each accepted socket gets it. */
    void (*keep_alive)(struct net *net, struct handle *handle);
    /* Accepts nothing further. Hands out what the system has accepted already, then calls
     * answer_stopped(). Null: nothing is ever accepted before it is handed out. */
    void (*stop_accepting)(struct net *net, struct handle *handle);
    void (*refuse)(struct net *net, struct net_socket socket);
    /* Receiving, as handle->flow_on says; also called when nothing changed. */
    void (*receive)(struct net *net, struct handle *handle, bool on);
    void (*send)(struct net *net, struct handle *handle, struct net_buffer *const *buffers,
                 uint32_t count);
    void (*finish)(struct net *net, struct handle *handle);
    /* Ends a connection by RST if handle->resets is set. */
    void (*close)(struct net *net, struct handle *handle);
    struct net_progress (*progress)(struct net *net, struct handle *handle);
    /* The delay of a call that failed (retries.h) has passed: makes it again. Null: the transport
     * never calls retries_add(). */
    void (*retry)(struct net *net, struct handle *handle);
    /* Replaces `close` after net_failure_record(), because the system answers nothing any longer:
     * closes the socket and returns; the front gives the answers. The system might still use memory
     * of the net, so that memory is never freed. Null: `close` and `wait` work without the system.
     */
    void (*abandon)(struct net *net, struct handle *handle);
    /* Must not fail: listeners and datagram sockets store their address when they are opened. */
    struct net_address (*local_address)(struct net *net, struct handle *handle);

    enum weir_code (*bind)(struct net *net, struct handle *handle,
                           const struct net_listen_options *options, struct weir_error *error);
    void (*send_to)(struct net *net, struct handle *handle, const struct net_address *peer,
                    const struct net_address *local, struct net_buffer *buffer,
                    uint32_t segment_bytes);
    /* Hands out a held datagram: NET_DATAGRAM or NET_TOO_LARGE. Null: arrival_datagram() is never
     * called. */
    void (*hand_out_datagram)(struct net *net, struct handle *handle, struct net_buffer *buffer);
    bool (*is_own)(struct net *net, struct handle *handle, const struct net_address *address);

    /* Submits the collected requests, waits for an event until until_ns (0: does not wait), adds
     * events while there is room, and sets net->wait_began_ns and net->now_ns to the current time
     * at its begin and its end. Events can be added nowhere else. */
    void (*wait)(struct net *net, uint64_t until_ns);
    /* Returns the current time between two waits; null: clock_now_ns() does. */
    uint64_t (*clock_ns)(const struct net *net);
};

/* Returns when a wait that blocks must end: at `until_ns`, or earlier if a call is to be repeated
 * or a listener tries again. A transport asks just before it blocks, because a call that fails
 * again causes no event. */
static inline uint64_t transport_blocks_until(const struct net *net, uint64_t until_ns)
{
    if (net->retries.next_ns < until_ns) until_ns = net->retries.next_ns;
    if (file_waiters_any(&net->file_waiters) && net->file_waiters.retry_ns < until_ns)
        until_ns = net->file_waiters.retry_ns;
    return until_ns;
}

/* The transports of this build, best first, null after the last. CMake chooses the file that
 * defines it. */
extern const struct transport *const net_transports[];

#endif
