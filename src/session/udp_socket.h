/* SPDX-License-Identifier: MIT */
/* udp_socket.h - a UDP socket of a worker. See udp_socket.c. */
#ifndef SESSION_UDP_SOCKET_H
#define SESSION_UDP_SOCKET_H

#include "endpoint.h"
#include "session_state.h"

struct udp_socket {
    struct endpoint endpoint;
    bool refuses_new;       /* a drain made its last check: new peers get no session */
    bool keeps_peers;       /* peers have sessions of their own; else `transient` stands for all */
    bool receive_paused;    /* reading is off because too many sends are outstanding */
    uint32_t out_count;     /* sends (a GSO batch is one) that await their NET_SENT */
    bool watches;           /* the messages of some peers are logged */
    bool is_sampled;        /* the sender of the next datagram is measured: watch.h */
    uint32_t segment_bytes; /* of the GRO batch being dispatched; 0: a single datagram */
    uint64_t reply_buckets; /* of the sender of the datagram being dispatched, see reply_rate.h */
    /* Represents the sender of the datagram being dispatched, where nothing is kept about peers. It
     * is refilled for each datagram; its id is 0. */
    struct weir_session transient;
};

/* Binds and starts to receive. On WEIR_OK, the socket and the service must stay at their addresses
 * until NET_CLOSED. */
enum weir_code udp_socket_open(struct udp_socket *socket, struct worker *worker,
                               const struct service *service,
                               const struct net_listen_options *where, struct weir_error *error);

/* A drain's check: closes the socket if no peer has a session, and either this is the last check,
 * or nothing came since the last check and every send is complete. */
void udp_socket_drain(struct udp_socket *socket, bool is_last_check);

/* Ends the sessions of the socket's peers, which cannot continue without it, and closes it. */
void udp_socket_remove(struct udp_socket *socket);

/* Handles an event of this socket. */
void udp_socket_on_event(struct udp_socket *socket, const struct net_event *event);

/* Returns the session for a datagram from this peer. The socket keeps peers. Null: there is no room
 * for another peer. */
struct weir_session *udp_socket_session(struct udp_socket *socket, const struct net_address *peer);

#endif
