/* SPDX-License-Identifier: MIT */
/* sim_wire.h - the network in memory, below the simulated transport and the scripted peers.
 * Private to src/net/simulated.
 *
 *      client side                                            server side
 *      wire_write --> [ in flight ... | arrived ] --> wire_read     at most window_bytes, each way
 *         acked_total <------------------'
 *      wire_finish -> after the last byte         --> fin_arrived
 *      wire_leave(reset) --> overtakes and discards -> reset_arrived
 *
 * Each side stores the bytes that are sent to it. Every delay is a wire_timer. A change of a side,
 * a port or a socket calls its `changed`; if that is null, the script must run.
 */
#ifndef NET_SIMULATED_SIM_WIRE_H
#define NET_SIMULATED_SIM_WIRE_H

#include "error_fill.h"
#include "list.h"
#include "net.h"
#include "sim_options.h"

struct wire_timer {
    uint64_t due_ns,
        sequence;        /* those due at the same time run in the order in which they were set */
    uint32_t heap_index; /* from 1; 0 if and only if the timer is not set */
    void (*run)(struct wire_timer *timer);
};

struct wire_stream;

/* One side of a stream; valid until wire_leave(). */
struct wire_end {
    struct wire_stream *stream;
    struct wire_end *other;
    struct net_address address;
    void (*changed)(struct wire_end *end);
    void *owner;

    uint8_t *bytes; /* a ring of the bytes that were sent to this side and not read */
    uint32_t bytes_capacity, bytes_first;
    uint32_t arrived, in_flight; /* the first bytes of the ring, and the rest */
    uint64_t arrived_total;
    struct wire_timer arrival; /* of the next piece, or of the FIN */
    struct wire_timer reset;   /* arrival of an RST */
    struct wire_timer room;    /* arrival of the window update after the other side has read */

    /* With sim_options.acknowledges. */
    uint64_t written_total;        /* by this side */
    uint64_t acked_total;          /* of them, as far as this side knows */
    uint64_t acks_sent_total;      /* of arrived_total: acknowledged by this side */
    struct wire_timer delayed_ack; /* of this side */
    struct list acks;              /* on their way to this side */

    bool established;
    bool refused; /* the attempt to connect failed, for this cause: */
    enum weir_code refused_code;
    int refused_os_error;
    bool finished;    /* this side sent its FIN */
    bool fin_arrived; /* the other side's FIN arrived, after its last byte */
    bool reset_arrived;
    bool wants_room; /* a write was cut short, and nothing was read since then */
    bool left;
    bool lost; /* see sim_peer_lose() */
};

/* A listening port. Embedded in its listener; zeroed before wire_listen(). */
struct wire_port {
    struct net_simulation *simulation; /* null if and only if not listening */
    struct net_address address;
    bool shared;
    uint32_t backlog;
    struct wire_stream *first, *last; /* established, not accepted */
    uint32_t count;
    void (*changed)(struct wire_port *port);
    struct wire_port *next;
};

/* How attempts to connect to an address end, see sim_set_route(). */
struct wire_route {
    struct net_address to; /* port 0: every port */
    struct sim_route route;
    struct wire_route *next;
};

struct wire_datagram {
    struct wire_timer arrival;
    struct net_simulation *simulation;
    struct net_address from, to;
    struct wire_datagram *next;
    uint32_t length;
    uint8_t bytes[];
};

/* A bound datagram socket. Embedded; zeroed before wire_bind(). */
struct wire_socket {
    struct net_simulation *simulation; /* null if and only if not bound */
    struct net_address address;
    bool shared;
    struct wire_datagram *first, *last; /* arrived, not received */
    uint32_t count, queued_bytes;
    void (*changed)(struct wire_socket *socket);
    struct wire_socket *next;
};

#define WIRE_SOCKET_BUCKETS 1024u

struct net_simulation {
    struct sim_options options;
    uint64_t now_ns, stop_ns;
    uint64_t stopped_ns; /* sum of all sim_pass_ns() */
    uint64_t random;
    uint64_t trace_hash, trace_count;
    uint32_t nets_count;
    uintptr_t thread; /* of its nets */
    uint32_t files_count, files_max;
    uint64_t accepts_count; /* connections that listeners took from their backlogs */
    uint32_t idle_waits;    /* consecutive net_wait calls in which nothing could happen */
    const void *waiting;    /* the net inside net_wait; null: none */
    bool script_due;        /* a peer or another net can continue since that net_wait began */
    uint16_t port_next;
    uint64_t datagram_due_ns; /* arrival of the datagram sent last: they arrive in order */

    struct wire_timer **heap; /* from 1 */
    uint32_t heap_count, heap_capacity;
    uint64_t sequence;

    struct wire_stream *streams;
    struct wire_port *ports;
    struct wire_socket *sockets[WIRE_SOCKET_BUCKETS]; /* by port */
    struct wire_route *routes;
    struct sim_listener *listeners;
    struct sim_peer *peers;
    struct sim_datagrams *datagram_peers;
};

/* ---- time and random numbers ---- */

void wire_timer_set(struct net_simulation *simulation, struct wire_timer *timer, uint64_t delay_ns,
                    void (*run)(struct wire_timer *timer));
void wire_timer_stop(struct net_simulation *simulation, struct wire_timer *timer);

/* Begins a net_wait: moves the clock by iteration_ns and runs the timers that are due. */
void wire_serve(struct net_simulation *simulation);

/* Moves the clock to the next timer and runs it. If none is due up to `until_ns`, moves the clock
 * there and returns false. */
bool wire_step(struct net_simulation *simulation, uint64_t until_ns);

/* Returns a random number below `bound`. */
uint64_t wire_random(struct net_simulation *simulation, uint64_t bound);
uint64_t wire_latency_ns(struct net_simulation *simulation);
void wire_trace(struct net_simulation *simulation, uint64_t what, uint64_t a, uint64_t b);

/* Returns zeroed memory that memory_fail_nth() does not affect: the network is not part of weir. */
void *wire_memory(size_t count, size_t bytes);
void wire_memory_free(void *memory);

/* ---- files ---- */

bool wire_file_take(struct net_simulation *simulation);
void wire_file_give_back(struct net_simulation *simulation);

/* ---- streams ---- */

/* Returns how attempts to connect to this address end; null: as its listener decides. sim_route.c
 */
const struct sim_route *wire_route_to(const struct net_simulation *simulation,
                                      const struct net_address *to);

/* Returns the client side. */
struct wire_end *wire_connect(struct net_simulation *simulation, const struct net_address *from,
                              const struct net_address *to);
uint32_t wire_write(struct wire_end *end, const uint8_t *bytes, uint32_t count);
uint32_t wire_read(struct wire_end *end, uint8_t *bytes, uint32_t bytes_max);
void wire_finish(struct wire_end *end);

/* Nothing arrives at this side any longer. */
void wire_lose(struct wire_end *end);

/* Ends the use of one side: as close(2), or with an RST. */
void wire_leave(struct wire_end *end, bool reset);

/* Chooses a free port if it is 0. `first` fails if the address is in use at all. Returns false if
 * the address is in use. */
bool wire_listen(struct net_simulation *simulation, struct wire_port *port, bool first);
void wire_unlisten(struct wire_port *port);

/* Returns the server side of the first connection in the backlog; null if there is none. */
struct wire_end *wire_accept(struct wire_port *port);

/* ---- datagrams ---- */

bool wire_bind(struct net_simulation *simulation, struct wire_socket *socket, bool first);
void wire_unbind(struct wire_socket *socket);
/* Carries one datagram. `in_order`: it arrives after those that were sent before. */
void wire_carry_datagram(struct net_simulation *simulation, const struct net_address *from,
                         const struct net_address *to, const uint8_t *bytes, uint32_t length,
                         bool in_order);

/* Sends a datagram. The options decide whether it is lost, copied or not kept in order. */
void wire_send_datagram(struct net_simulation *simulation, const struct net_address *from,
                        const struct net_address *to, const uint8_t *bytes, uint32_t length);
void wire_drop_datagram(struct wire_socket *socket);

/* Returns the loopback address of the same family, with port 0. */
struct net_address wire_loopback(const struct net_address *like);
uint16_t wire_port_free(struct net_simulation *simulation);

/* Frees the streams that have no user on either side, and the datagrams in flight. */
void wire_free_all(struct net_simulation *simulation);

#endif
