/* SPDX-License-Identifier: MIT */
/* transport.h - what a transport provides to net.c, and what net.c provides to it. Private to
 * src/net.
 *
 * net.c stands in front of every transport: it checks arguments, keeps the handles, notes what is
 * outstanding and checks every event against it. A transport therefore only talks to its system: it
 * trusts its arguments, and all its events pass through event_batch_add() or one of the noted
 * answers.
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
#include "net.h"
#include "pool.h"

/* The front's state, open to the transports: they share its pools and its clock. */
struct net {
    const struct transport *transport;
    void *system; /* the transport's own, made by its open */
    struct net_options options;
    struct pool stream_pool;
    struct pool datagram_pool;
    struct handle_table handle_table;
    struct event_batch batch;
    struct answers answers;
    struct file_waiters file_waiters;
    struct buffer_waiters stream_waiters, datagram_waiters; /* one per pool */
    struct list deliverable; /* handles for which arrivals_deliver() has something */
    uint64_t now_ns;         /* moved by transport->wait alone (rule 9) */
    uintptr_t thread;        /* the opener, for rule 10 */
    bool polled;             /* the last net_wait asked the system */
    struct net_info info;
};

struct transport {
    const char *name;
    bool listeners_share;    /* see net_info */
    bool asked_by_name_only; /* "auto" passes over it */
    bool is_verifiable;      /* it knows what to do with net_options.verify_rio */
    /* A datagram's address lies with its bytes, where only the datagram pool's buffers have room
     * for it (RIO). */
    bool addresses_in_buffers;
    size_t entry_bytes; /* its struct around struct handle, which comes first in it */

    /* Makes net->system, and sets net->now_ns and net->info.held_bytes_max. On failure it leaves
     * nothing behind. */
    enum weir_code (*open)(struct net *net, struct weir_error *error);
    void (*free)(struct net *net);
    void (*wake)(struct net *net); /* any thread */

    /* The two below fill their slot; on failure they leave it as they found it, and close what they
     * opened. */
    enum weir_code (*listen)(struct net *net, struct handle *handle,
                             const struct net_listen_options *place, struct weir_error *error);
    enum weir_code (*adopt)(struct net *net, struct handle *handle, struct net_socket socket,
                            struct weir_error *error);
    /* Whatever an accepted socket needs of its listener is done before NET_ACCEPTED: adopt,
     * perhaps on another net, never sees the listener. */
    void (*accept)(struct net *net, struct handle *handle, bool on);
    void (*refuse)(struct net *net, struct net_socket socket);
    void (*receive)(struct net *net, struct handle *handle, bool on);
    void (*send)(struct net *net, struct handle *handle, struct net_buffer *const *buffers,
                 uint32_t count);
    void (*finish)(struct net *net, struct handle *handle);
    void (*close)(struct net *net, struct handle *handle);
    struct weir_address (*local_address)(struct net *net, struct handle *handle);

    enum weir_code (*bind)(struct net *net, struct handle *handle,
                           const struct net_listen_options *place, struct weir_error *error);
    void (*send_to)(struct net *net, struct handle *handle, const struct weir_address *peer,
                    const struct weir_address *local, struct net_buffer *buffer,
                    uint32_t segment_bytes);
    /* Hands out a held datagram: NET_DATAGRAM or NET_TOO_LARGE. Null: arrival_datagram() is never
     * called. */
    void (*hand_out_datagram)(struct net *net, struct handle *handle, struct net_buffer *buffer);
    bool (*is_own)(struct net *net, struct handle *handle, const struct weir_address *address);

    /* Commits what was gathered; waits until an event or until_ns (0: not at all); adds events
     * while handle_table_has_room(); moves net->now_ns to the present. The only place where
     * event_batch_add() may be called. */
    void (*wait)(struct net *net, uint64_t until_ns);
};

/* The transports of this build, best first, null after the last; made by CMake's choice of
 * folders. */
extern const struct transport *const net_transports[];

#endif
