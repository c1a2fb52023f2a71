/* SPDX-License-Identifier: MIT */
/* rio_net.h - the state that the parts of the transports rio and iocp share: one worker's port and
 * completion queue, and what the transport keeps for each handle.
 *
 * The parts, each with a header of its own; calls go down only:
 *
 *      rio.c         the transport: open, wait, and which part a handle or a completion belongs to
 *      rio_stream.c  connections      rio_udp.c  datagram sockets      acceptex.c  listeners
 *      rio_queue.c   the completion queue, request queues, requests and their commits
 *      rio_socket.c  opens sockets, and closes those that have no request queue
 *      rio_net.c     the lists below
 *
 * A handle is on at most one of three lists:
 *
 *      dirty    it has requests to post or to commit; the next wait does so before it blocks
 *      ready    a listener that has accepts to post; the next wait serves it
 *      resting  the system refused a request; the handle is dirty (or ready) again after a pause
 *
 * A handle that needs a buffer when the pool is empty also waits in buffer_waiters.c.
 *
 * A request is named to the system by its buffer, and the buffer's note names the handle by index
 * and generation. A handle is closed only after its last completion was taken. So a completion
 * whose note names no open handle is a defect of weir, and a check reports it.
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
    uint32_t queue_size, queue_reserved; /* entries; those promised to request queues */
    struct win_overlapped notified;      /* of the notification's packets */
    bool armed;                          /* a notification is on its way or will come */
    bool woken;                          /* a wake-up came that no event has told of yet */
    atomic_bool wake_posted;
    uint32_t datagram_receives;   /* that the datagram sockets may have posted, together */
    uint32_t iterations_unpolled; /* in a row in which the port was not asked */
    uint64_t retry_at_ns;         /* NET_FOREVER: nobody rests */
    struct list dirty, ready, delayed;
};

/* A connection. One receive is posted while receiving is on. */
struct rio_stream {
    struct net_buffer *unposted; /* the rest of the outstanding send */
    struct net_buffer *unposted_last;
    int send_os_error; /* of the first part of the send that failed */
    enum weir_code send_code;
};

/* A datagram socket. */
struct rio_udp {
    struct weir_address bound;
    bool v4;
    uint32_t receives_max; /* posted while receiving is on */
    uint32_t failures;     /* consecutive failed receives */
};

struct rio_entry {
    struct handle base;
    win_socket socket; /* WIN_NO_SOCKET once closed */
    rio_rq queue;      /* RIO_NO_RQ once closed, in the very statement that closes the socket */
    uint32_t queue_entries;           /* reserved for it in the completion queue */
    uint32_t receives_out, sends_out; /* posted, and their completions not taken yet */
    bool receives_deferred, sends_deferred;
    bool reported_reading; /* what the verifier was told last */
    struct list listed;    /* on dirty, ready or delayed */
    union {
        struct rio_stream stream;
        struct rio_udp udp;
        struct acceptor *acceptor;
    };
};

static inline struct rio_entry *rio_entry_of(struct handle *entry)
{
    return (struct rio_entry *)(void *)entry; /* it comes first in it */
}

static inline struct rio_net *rio_net_of(const struct net *net)
{
    return net->system;
}

/* Prepares a new handle: no socket, no request queue, on no list. */
void rio_entry_init(struct rio_entry *entry);

/* Moves the handle to the end of the list, from the list that it was on. */
static inline void rio_move_to(struct list *list, struct rio_entry *entry)
{
    if (list_has(&entry->listed)) list_remove(&entry->listed);
    list_add_last(list, &entry->listed);
}

/* Moves the handle to the delayed list: it tries again after a pause. */
void rio_retry_later(struct rio_net *system, struct rio_entry *entry);

/* Tells the verifier, if there is one, whether the handle's owner wants to receive. */
void rio_report_reading(struct rio_net *system, struct rio_entry *entry, bool wanted);

#endif
