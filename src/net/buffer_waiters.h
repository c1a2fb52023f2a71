/* SPDX-License-Identifier: MIT */
/* buffer_waiters.h - connections and datagram sockets that wait for a buffer to receive into, one
 * queue per pool. Private to src/net.
 *
 *      receive finds no buffer -> buffer_waiters_add: the handle waits; NET_PAUSED once a shortage
 *      each transport->wait    -> buffer_waiters_release: one handle per free buffer, oldest first
 *
 * The fairness policy, the same over every transport:
 *
 *   1 Handles are released in the order in which they began to wait. A released handle that finds
 *     no buffer, because those before it took them all, keeps its position.
 *   2 In each iteration at most as many are released as there are free buffers. The others keep
 *     their positions.
 *   3 A handle that has received queues behind all that wait. One batch of datagrams can take
 *     several buffers, and its handle must not take them again before the others had one. On
 *     io_uring the receive of a released connection takes one buffer only.
 *   4 A handle that is switched on while others wait queues behind them. Switching off and on again
 *     therefore gains nothing.
 *
 * A handle leaves the queue when it is released, switched off, broken or closed.
 */
#ifndef NET_BUFFER_WAITERS_H
#define NET_BUFFER_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "handle_table.h"
#include "list.h"
#include "net.h"

struct buffer_waiters {
    /* Handles to release, linked through handle.waiting. Between two releases `first` has those of
     * rule 1 that found no buffer, and `last` has all others. */
    struct list first, last;
    bool reported; /* NET_PAUSED was handed out, and nothing was received since */
};

void buffer_waiters_init(struct buffer_waiters *waiters);

static inline bool buffer_waiters_any(const struct buffer_waiters *waiters)
{
    return !list_is_empty(&waiters->first) || !list_is_empty(&waiters->last);
}

/* Returns a handle that waits; null if none does. */
static inline struct handle *buffer_waiters_first(const struct buffer_waiters *waiters)
{
    if (!list_is_empty(&waiters->first))
        return weir_container_of(waiters->first.next, struct handle, waiting);
    if (list_is_empty(&waiters->last)) return NULL;
    return weir_container_of(waiters->last.next, struct handle, waiting);
}

/* Adds a handle whose receive found its pool empty. A handle that waits already stays where it
 * is. */
void buffer_waiters_add(struct net *net, struct handle *handle);

/* Adds a handle that is switched on, if others of its kind wait (rule 4). */
void buffer_waiters_add_if_any(struct net *net, struct handle *handle);

/* Hands out NET_PAUSED with WEIR_NO_BUFFERS for a handle that cannot receive, once per shortage of
 * its pool. Only inside transport->wait. */
void buffer_waiters_report(struct net *net, struct handle *handle);

/* Releases up to `buffers_count` handles, and calls `resume` for each. Only inside
 * transport->wait. */
void buffer_waiters_release(struct net *net, struct buffer_waiters *waiters, uint32_t buffers_count,
                            void (*resume)(struct net *net, struct handle *handle));

#endif
