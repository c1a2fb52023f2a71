/* SPDX-License-Identifier: MIT */
/* datagram.h - UDP on Linux behind readiness: batches in both directions, trains (UDP_GRO,
 * UDP_SEGMENT) whole.
 *
 * The same under every Linux transport, which brings only the readiness
 * (docs/decisions/0004-udp-path.md says why). A transport embeds a struct datagram in its slot,
 * sets `readable` and `writable` when the system says so, and calls datagram_serve_all() in each of
 * its waits.
 */
#ifndef NET_LINUX_DATAGRAM_H
#define NET_LINUX_DATAGRAM_H

#include "handle_table.h"
#include "transport.h"

struct datagram_send; /* one gathered send */

struct datagram {
    struct handle *entry;
    int fd;
    bool v4_socket;
    /* The system may have something to receive, or may take something: set by the transport,
     * cleared here on EAGAIN. */
    bool readable, writable;
    bool joins;                /* neighbours may be joined: true until an interface cannot do it */
    struct weir_address bound; /* with the port that was really taken */
    uint32_t batch;            /* datagrams that the last receive brought: the guess for the next */
    struct datagram_send *sends; /* a ring of datagram_sends_max */
    uint32_t sends_first, sends_count;
    struct datagram *next; /* on the transport's list */
};

/* A transport's datagram sockets; each turn begins with another one. */
struct datagram_list {
    struct datagram *first;
};

/* Opens the socket, readable and writable until the system says otherwise, and lists it. On failure
 * nothing is left behind. */
enum weir_code datagram_open(struct net *net, struct handle *entry, struct datagram *datagram,
                             struct datagram_list *list, const struct net_listen_options *options,
                             struct weir_error *error);

/* Undoes datagram_open() for a caller that cannot go on. */
void datagram_abandon(struct datagram *datagram, struct datagram_list *list);

/* Answers what is gathered as failed, closes the socket, and notes NET_CLOSED. */
void datagram_close(struct net *net, struct datagram *datagram, struct datagram_list *list);

/* Gathers a send; the buffer is SYSTEM's. */
void datagram_send(const struct net *net, struct datagram *datagram,
                   const struct weir_address *peer, const struct weir_address *local,
                   struct net_buffer *buffer, uint32_t segment_bytes);

/* Each socket hands its gathered sends to the system while it takes them, then, while flow is on
 * and there is room for events, receives. Inside transport->wait. */
void datagram_serve_all(struct net *net, struct datagram_list *list);

/* Whether datagram_serve_all has something to do at once, so that the transport must not block. */
bool datagram_is_any_busy(const struct net *net, const struct datagram_list *list);

/* Whether sends wait for the socket to become writable. */
static inline bool datagram_waits_for_room(const struct datagram *datagram)
{
    return datagram->sends_count > 0 && !datagram->writable;
}

bool datagram_is_own(const struct net *net, const struct datagram *datagram,
                     const struct weir_address *address);

#endif
