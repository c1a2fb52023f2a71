/* SPDX-License-Identifier: MIT */
/* sim.h - a network in memory for tests: what a test does to it, beside the nets that run on it.
 *
 *    test ---- sim_connect, sim_peer_send, ... ----.
 *     |                                            v
 *     '-- net_wait(net) --> simulated transport --> struct net_simulation: wires, a clock, one seed
 *
 * A simulation is one network with one clock. Several nets (workers) and any number of scripted
 * peers share it, all in one thread. The clock stands still except inside net_wait(), which jumps
 * from one due thing to the next: there is no waiting, and the same seed with the same calls gives
 * the same trace, to the byte.
 *
 * net_wait() returns 0 before its time when a peer or another net got something to do, so that the
 * script has its turn at the right moment; and when nothing at all can happen any more, so that it
 * may act. Who then only waits on has a deadlock in his test, and a check says so.
 *
 * Everything here is immediate: a call does what it can now and returns. Only net_wake() may come
 * from elsewhere.
 */
#ifndef NET_SIMULATED_SIM_H
#define NET_SIMULATED_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/address.h>

#define SIM_DATAGRAM_BYTES_MAX 65507u /* what one UDP datagram carries over IPv4 */
#define SIM_UNLIMITED UINT32_MAX

struct net_simulation;

struct sim_options {
    uint64_t seed;
    uint64_t start_ns;                       /* what the clock shows first */
    uint64_t iteration_ns;                   /* what one net_wait costs at least */
    uint64_t latency_min_ns, latency_max_ns; /* of everything on the wire */
    uint32_t window_bytes;         /* of a stream that are sent and not read yet, each way */
    uint32_t piece_bytes_max;      /* most pieces that arrive are smaller */
    uint32_t datagram_queue_bytes; /* what a datagram socket keeps; the rest is lost */
    uint32_t held_bytes_max;       /* what net_info says of it; in truth nothing is held */
};

/* Fills in every default. */
void sim_options_init(struct sim_options *options);

/* The network; null: no memory. Every net on it must be freed before it; peers left over are freed
 * with it. */
struct net_simulation *sim_open(const struct sim_options *options);
void sim_free(struct net_simulation *simulation);

/* ---- the whole of it ---- */

uint64_t sim_now_ns(const struct net_simulation *simulation);

/* The clock does not go past this time: net_wait() returns there, early. NET_FOREVER: it may go on
 * for ever. */
void sim_stop_at(struct net_simulation *simulation, uint64_t stop_ns);

/* Time passes while nobody waits, as for a process that is stopped. */
void sim_pass_ns(struct net_simulation *simulation, uint64_t ns);

/* Descriptors that the process may have: listeners, accepted sockets and datagram sockets of all
 * nets. */
void sim_set_files_max(struct net_simulation *simulation, uint32_t files_max);
uint32_t sim_files_count(const struct net_simulation *simulation);

/* All that happened so far, in one number, and how many things that were. */
uint64_t sim_trace_hash(const struct net_simulation *simulation);
uint64_t sim_trace_count(const struct net_simulation *simulation);

/* A number below `bound` from the simulation's own seed, for scripts that draw lots. */
uint64_t sim_random(struct net_simulation *simulation, uint64_t bound);

/* ---- stream peers ---- */

struct sim_peer; /* the far end of one connection */

enum sim_peer_state { SIM_CONNECTING, SIM_CONNECTED, SIM_REFUSED };

/* Connects to a listener; `from` null: 127.0.0.1 or ::1 and a fresh port, as port 0 is. Whoever
 * holds the peer closes it. */
struct sim_peer *sim_connect(struct net_simulation *simulation, const struct weir_address *to,
                             const struct weir_address *from);
enum sim_peer_state sim_peer_state(const struct sim_peer *peer);
struct weir_address sim_peer_address(const struct sim_peer *peer);

/* How many of the bytes the window took; 0 as well before the connection stands, and after its
 * end. */
uint32_t sim_peer_send(struct sim_peer *peer, const void *bytes, uint32_t count);

/* How many bytes came out, up to `bytes_max`. */
uint32_t sim_peer_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max);
uint32_t sim_peer_unread(const struct sim_peer *peer);

void sim_peer_finish(struct sim_peer *peer); /* FIN; once */
void sim_peer_reset(struct sim_peer *peer);  /* RST: what is under way both ways is lost */
void sim_peer_close(
    struct sim_peer *peer); /* as close(2): FIN, or RST when bytes are unread; frees the peer */

bool sim_peer_saw_end(
    const struct sim_peer *peer); /* the other end's FIN, and every byte before it was received */
bool sim_peer_saw_reset(const struct sim_peer *peer); /* the other end's RST */

/* ---- datagram peers ---- */

struct sim_datagrams; /* a peer's datagram socket */

/* Port 0: a fresh one. Null: the address is taken. */
struct sim_datagrams *sim_datagrams_open(struct net_simulation *simulation,
                                         const struct weir_address *address);
struct weir_address sim_datagrams_address(const struct sim_datagrams *datagrams);
void sim_datagrams_send(struct sim_datagrams *datagrams, const struct weir_address *to,
                        const void *bytes, uint32_t length);

/* False: none is there. Cuts at `bytes_max`, and says the whole length. */
bool sim_datagrams_receive(struct sim_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                           uint32_t *length, struct weir_address *from);
void sim_datagrams_close(struct sim_datagrams *datagrams);

/* A datagram out of nowhere, from any address one likes. */
void sim_inject(struct net_simulation *simulation, const struct weir_address *from,
                const struct weir_address *to, const void *bytes, uint32_t length);

#endif
