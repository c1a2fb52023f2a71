/* SPDX-License-Identifier: MIT */
/* rio_net.h - the state that all parts of the transports rio and iocp share: one worker's port and
 * completion queue, and the transport's fields of each handle.
 *
 * The parts, each with its own header. A file calls only files below it:
 *
 *      rio.c         the transport: open, wait, dispatch of operations and completions
 *      rio_connect.c connections that are being opened
 *      rio_stream.c  connections      rio_udp.c  datagram sockets      acceptex.c  listeners
 *      rio_queue.c   the completion queue, request queues, requests and their commits
 *      rio_socket.c  opens sockets, and closes those that have no request queue
 *      rio_net.c     the lists below
 *
 * A handle is on at most one of two lists:
 *
 *      dirty    the handle has requests to post or commit; net_wait does so before it blocks
 *      ready    the listener has accepts to post; net_wait posts them. Or an attempt to connect has
 *               ended; net_wait answers it
 *
 * A handle that needs a buffer while the pool is empty waits in buffer_waiters.c. If the system
 * rejects a request, the handle waits in retries.c, and after the delay it is dirty or ready again.
 *
 * Ownership: each rio_entry owns its socket and request queue; closing the socket ends the queue.
 * The system owns a buffer from its post until its completion is dequeued. A request's context is
 * its buffer, and the buffer's note names the handle by index and generation. A handle closes only
 * after its last completion, so a completion for a closed handle is a bug that a check reports.
 */
#ifndef NET_WINDOWS_RIO_NET_H
#define NET_WINDOWS_RIO_NET_H

#include "list.h"
#include "rio_provider.h"
#include "transport.h"
#include "win_error.h"

struct acceptor; /* a listener's accepts, acceptex.c */

struct rio_net {
    struct net *net;
    const struct rio_provider *provider;
    win_port port;
    rio_cq queue;
    uint32_t queue_size, queue_reserved; /* entries; entries reserved by request queues */
    struct win_overlapped notified;      /* identifies the notification's packets */
    bool armed;                          /* a notification is requested and was not taken yet */
    bool woken;                          /* a wake-up that no event has reported yet */
    atomic_bool wake_posted;
    atomic_bool wake_missed;      /* a wake-up could not be posted: the next wait reports it */
    uint32_t datagram_receives;   /* the sum of all UDP sockets' receives_max */
    uint32_t iterations_unpolled; /* consecutive iterations that did not poll the port */
    struct list dirty, ready;
};

/* A connection. One receive is posted while receiving is on. */
struct rio_stream {
    struct net_buffer *unposted; /* buffers of the current net_send that are not posted yet */
    struct net_buffer *unposted_last;
    uint64_t released_bytes; /* by completed requests, of all sends */
    uint64_t ask_ns;         /* when to ask for bound_bytes again; UINT64_MAX: never */
    uint32_t posted_bytes;   /* of the requests that are outstanding */
    uint32_t bound_bytes;    /* at which no further request is posted */
    uint32_t sends_max;      /* requests that the queue has room for */
    int send_os_error;       /* of the stream's first failure */
    enum weir_code send_code;
    bool may_grow;   /* more requests are useful, and the system has not refused them */
    bool finish_due; /* FIN waits for the last release */
};

/* An attempt to connect. */
struct rio_connecting {
    struct rio_call call;
    struct rio_entry *entry;
    struct net_address to;
    int os_error; /* its outcome, once is_out is false */
    bool is_out;  /* its packet was not taken yet */
};

/* A datagram socket. */
struct rio_udp {
    struct net_address bound;
    bool v4;
    uint32_t receives_max; /* posted while receiving is on */
    uint32_t failures;     /* consecutive receives that failed */
};

struct rio_entry {
    union {
        struct handle base;
        struct handle_releasing releasing;
    };
    win_socket socket;                /* WIN_NO_SOCKET once closed */
    rio_rq queue;                     /* RIO_NO_RQ once the socket is closed */
    uint32_t queue_entries;           /* reserved in the completion queue */
    uint32_t receives_out, sends_out; /* posted requests whose completions are not dequeued yet */
    bool receives_deferred, sends_deferred;
    bool reported_reading; /* the last value passed to the verifier */
    struct list listed;    /* on dirty or ready */
    union {
        struct rio_stream stream;
        struct rio_udp udp;
        struct acceptor *acceptor;
        struct rio_connecting connecting;
    };
};

static inline struct rio_entry *rio_entry_of(struct handle *entry)
{
    return (struct rio_entry *)(void *)entry; /* base is the first member */
}

static inline struct rio_net *rio_net_of(const struct net *net)
{
    return net->system;
}

/* Prepares a new handle: no socket, no request queue, on no list. */
void rio_entry_init(struct rio_entry *entry);

/* Removes the handle from its list, if any, and appends it to this one. */
static inline void rio_move_to(struct list *list, struct rio_entry *entry)
{
    if (list_has(&entry->listed)) list_remove(&entry->listed);
    list_add_last(list, &entry->listed);
}

/* Returns whether the system rejected a request for a cause that passes: no buffers, no memory. */
bool rio_passes(int os_error);

/* The system rejected a request of the handle: requests in this direction are repeated after a
 * delay. */
void rio_retry_later(struct rio_net *system, struct rio_entry *entry,
                     enum handle_direction direction, int os_error);

/* Reports to the verifier, if there is one, whether the handle should have a receive posted. */
void rio_report_reading(struct rio_net *system, struct rio_entry *entry, bool wanted);

#endif
