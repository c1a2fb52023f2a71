/* SPDX-License-Identifier: MIT */
/* sim.h - a network in memory for tests: the calls of a test script, beside the nets that run on
 * it.
 *
 *    test ---- sim_connect, sim_peer_send, ... ----.
 *     |                                            v
 *     '-- net_wait(net) --> simulated transport --> struct net_simulation: wires, a clock, one seed
 *
 * A simulation is one network with one clock. Several nets (workers) and any number of scripted
 * peers share it, all in one thread. The clock stands still except inside net_wait(), which moves
 * it to the next due timer without waiting. The same seed with the same calls gives the same trace,
 * to the byte.
 *
 * net_wait() returns 0 before its deadline in two cases: a peer or another net can continue, so the
 * script must run; or no timer is left, so only the script can make progress. A script that then
 * only waits has deadlocked, and a check reports it.
 *
 * No call blocks. Only net_wake() may come from another thread.
 */
#ifndef NET_SIMULATED_SIM_H
#define NET_SIMULATED_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

#include "sim_options.h"

struct net_simulation;

/* Fills in every default. */
void sim_options_init(struct sim_options *options);

/* Opens a network. Every net on it must be freed before it; sim_free() frees the remaining peers.
 * */
struct net_simulation *sim_open(const struct sim_options *options);
void sim_free(struct net_simulation *simulation);

/* ---- the simulation ---- */

uint64_t sim_now_ns(const struct net_simulation *simulation);

/* Limits the clock: net_wait() returns early when it reaches this time. NET_FOREVER removes the
 * limit. */
void sim_stop_at(struct net_simulation *simulation, uint64_t stop_ns);

/* Moves the clock outside of net_wait(), as for a process that is stopped. The next net_wait()
 * measures it as lateness. */
void sim_pass_ns(struct net_simulation *simulation, uint64_t ns);

/* Moves the clock outside of net_wait(), as for code that runs between two waits. */
void sim_work_ns(struct net_simulation *simulation, uint64_t ns);

/* Limits the descriptors of the process: listeners, accepted sockets and datagram sockets of all
 * nets together. */
void sim_set_files_max(struct net_simulation *simulation, uint32_t files_max);
uint32_t sim_files_count(const struct net_simulation *simulation);

/* Sets how attempts to connect to `to` end from now on; port 0: to every port there. Null: as the
 * listener decides. Attempts that were started before keep their route. */
void sim_set_route(struct net_simulation *simulation, const struct net_address *to,
                   const struct sim_route *route);

/* Returns the number of connections that the listeners of all nets have accepted, including those
 * reported as NET_REFUSED. */
uint64_t sim_accepts_count(const struct net_simulation *simulation);

/* Returns a hash of everything that happened so far, and the number of those occurrences. */
uint64_t sim_trace_hash(const struct net_simulation *simulation);
uint64_t sim_trace_count(const struct net_simulation *simulation);

/* Returns a random number below `bound`, from the seed of the simulation. */
uint64_t sim_random(struct net_simulation *simulation, uint64_t bound);

/* ---- stream peers ---- */

struct sim_peer; /* the remote side of one connection */

enum sim_peer_state { SIM_CONNECTING, SIM_CONNECTED, SIM_REFUSED };

/* Connects to a listener. If `from` is null, the peer gets 127.0.0.1 or ::1 and a free port; port 0
 * means a free port, too. The caller must close the peer. */
struct sim_peer *sim_connect(struct net_simulation *simulation, const struct net_address *to,
                             const struct net_address *from);

/* A scripted listener: nets and peers connect to it. */
struct sim_listener;

/* Listens; port 0 means a free one. Returns null if the address is in use. The caller must close
 * it. */
struct sim_listener *sim_listen(struct net_simulation *simulation,
                                const struct net_address *address, uint32_t backlog);
struct net_address sim_listener_address(const struct sim_listener *listener);
/* Returns the next connection, as a peer that the caller must close; null if there is none. */
struct sim_peer *sim_accept(struct sim_listener *listener);
/* Connections that were not accepted are reset. */
void sim_listener_close(struct sim_listener *listener);

enum sim_peer_state sim_peer_state(const struct sim_peer *peer);
struct net_address sim_peer_address(const struct sim_peer *peer);
/* Returns the address of the side that it is connected to. */
struct net_address sim_peer_remote(const struct sim_peer *peer);

/* Returns the number of bytes that the window accepted; 0 before the connection is established and
 * after it has ended. */
uint32_t sim_peer_send(struct sim_peer *peer, const void *bytes, uint32_t count);

/* Reads up to `bytes_max` bytes and returns their number. */
uint32_t sim_peer_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max);
uint32_t sim_peer_unread(const struct sim_peer *peer);

void sim_peer_finish(struct sim_peer *peer); /* FIN; once */
void sim_peer_reset(struct sim_peer *peer);  /* RST: data in flight is lost in both directions */
/* The peer disappears: nothing arrives there any longer, and nothing is acknowledged. */
void sim_peer_lose(struct sim_peer *peer);
void sim_peer_close(
    struct sim_peer *peer); /* as close(2): FIN, or RST if bytes are unread; frees the peer */

bool sim_peer_saw_end(
    const struct sim_peer *peer); /* FIN arrived, and every byte before it was read */
bool sim_peer_saw_reset(const struct sim_peer *peer); /* RST arrived */

/* ---- datagram peers ---- */

struct sim_datagrams; /* a peer's datagram socket */

/* Opens a socket; port 0 means a free one. Returns null if the address is in use. */
struct sim_datagrams *sim_datagrams_open(struct net_simulation *simulation,
                                         const struct net_address *address);
struct net_address sim_datagrams_address(const struct sim_datagrams *datagrams);
void sim_datagrams_send(struct sim_datagrams *datagrams, const struct net_address *to,
                        const void *bytes, uint32_t length);

/* Reads a datagram. Returns false if there is none. Copies up to `bytes_max` bytes; *length is the
 * full length. */
bool sim_datagrams_receive(struct sim_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                           uint32_t *length, struct net_address *from);
void sim_datagrams_close(struct sim_datagrams *datagrams);

/* Sends a datagram that claims to come from `from`. */
void sim_inject(struct net_simulation *simulation, const struct net_address *from,
                const struct net_address *to, const void *bytes, uint32_t length);

#endif
