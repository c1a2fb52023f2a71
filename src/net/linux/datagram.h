/* SPDX-License-Identifier: MIT */
/* datagram.h - UDP on Linux by readiness: several datagrams per system call, with GRO and GSO
 * batches (UDP_GRO, UDP_SEGMENT).
 *
 * Every Linux transport uses it and only reports readiness (docs/decisions/0004-udp-path.md says
 * why). A transport embeds a struct datagram in its entry, sets `readable` and `writable` when the
 * system reports them, and calls datagram_serve_all() in each wait.
 */
#ifndef NET_LINUX_DATAGRAM_H
#define NET_LINUX_DATAGRAM_H

#include "handle_table.h"
#include "transport.h"

struct datagram_send; /* one queued send */

struct datagram {
    struct handle *entry;
    int fd;
    bool v4_socket;
    /* The system might have a datagram, or might accept one: set by the transport, cleared here on
     * EAGAIN. */
    bool readable, writable;
    bool can_join;               /* GSO works: set until an interface refuses it */
    struct net_address bound;    /* with the actual port */
    uint32_t batch;              /* datagrams of the last receive: the estimate for the next */
    uint32_t failures;           /* consecutive receives that failed */
    struct datagram_send *sends; /* a ring of datagram_sends_max */
    uint32_t sends_first, sends_count;
    struct datagram *next; /* on the transport's list */
};

/* A transport's datagram sockets; each iteration begins with another one. */
struct datagram_list {
    struct datagram *first;
};

/* Opens the socket, readable and writable until the first EAGAIN, and lists it. On failure
 * leaves nothing behind. */
enum weir_code datagram_open(struct net *net, struct handle *entry, struct datagram *datagram,
                             struct datagram_list *list, const struct net_listen_options *options,
                             struct weir_error *error);

/* Undoes datagram_open() for a caller that failed later. */
void datagram_abandon(struct datagram *datagram, struct datagram_list *list);

/* Answers queued sends as cancelled, closes the socket, and answers the close. */
void datagram_close(struct net *net, struct datagram *datagram, struct datagram_list *list);

/* Queues a send; SYSTEM owns the buffer. */
void datagram_send(const struct net *net, struct datagram *datagram, const struct net_address *peer,
                   const struct net_address *local, struct net_buffer *buffer,
                   uint32_t segment_bytes);

/* Sends the queued datagrams of each socket, then receives while the flow is on and there is room
 * for events. Inside transport->wait. */
void datagram_serve_all(struct net *net, struct datagram_list *list);

/* Returns whether datagram_serve_all has work now, so that the transport must not block. */
bool datagram_is_any_busy(const struct net *net, const struct datagram_list *list);

/* Returns whether sends wait for the socket to become writable. */
static inline bool datagram_waits_for_room(const struct datagram *datagram)
{
    return datagram->sends_count > 0 && !datagram->writable;
}

bool datagram_is_own(const struct net *net, const struct datagram *datagram,
                     const struct net_address *address);

#endif
