/* SPDX-License-Identifier: MIT */
/* fixture.h - one worker over the simulated network in virtual time, for tests of the session
 * layer. One at a time. */
#ifndef SUPPORT_FIXTURE_H
#define SUPPORT_FIXTURE_H

#include "clock.h"
#include "connector.h"
#include "connector_table.h"
#include "inbound.h"
#include "listener.h"
#include "loop.h"
#include "remote.h"
#include "resolver.h"
#include "session.h"
#include "sim.h"
#include "udp_socket.h"

#define FIXTURE_ITERATIONS_MAX 200000 /* a test that needs more hangs */
#define FIXTURE_MS CLOCK_NS_PER_MS
#define FIXTURE_CONNECTORS_MAX 20

struct fixture {
    struct net_simulation *simulation;
    struct worker_common common;
    struct admission_limits limits;
    struct connector_table connectors;
    struct loop loop;
    struct worker *workers[1]; /* the same, as broadcasts see it */
    struct service tcp_service, udp_service;
    struct listener tcp;   /* on 127.0.0.1:5050 */
    struct udp_socket udp; /* the same address */
    struct net_address address;
};

extern struct fixture fixture;
/* For the nets of the fixtures that are opened next: 1024 at first, and 0 for the default. */
extern uint32_t fixture_stream_buffers_max, fixture_datagram_buffers_max,
    fixture_datagram_sends_max, fixture_handles_max;

/* Of the fixtures that are opened next: looks up host names, on one thread, for which two wait. */
extern resolver_lookup *fixture_lookup;

/* Of the fixtures that are opened next: the transport, "simulated" or "rio", and the network; null:
 * the default one. */
extern const char *fixture_transport;
extern const struct sim_options *fixture_network;

/* The settings of a test: no time limits, no reply limit, marks of 128 and 32 KiB, 10 sessions. */
struct weir_config fixture_config(void);

/* Null: the codec that hands up what comes. */
void fixture_open(const struct weir_config *config, const struct weir_codec *codec,
                  const struct weir_handler *handler, uint64_t seed);

/* Stops if nothing else did, and checks that nothing is left and that the counts add up. */
void fixture_close(void);

/* One iteration, which waits at most this long; fixture_validate() checks the result. False:
 * everything has ended. */
bool fixture_iterate(uint64_t wait_ns);
void fixture_iterations(int count);

/* Iterates for this much virtual time. */
void fixture_run_ms(uint64_t ms);

struct weir_stats fixture_stats(void);
uint64_t fixture_closed(enum weir_reason reason);
struct sim_peer *fixture_connect(void);

/* From an address of its own: 127.0.0.`host`. */
struct sim_peer *fixture_connect_from(uint8_t host);

/* Sends the text; the window must take it. With a dot behind it: one message of codec_dot. */
void fixture_say(struct sim_peer *peer, const char *text);
void fixture_tell(struct sim_peer *peer, const char *text);

/* All that the peer has received and not read. */
void fixture_expect(struct sim_peer *peer, const char *text);

/* A datagram socket on 127.0.0.`host`. */
struct sim_datagrams *fixture_datagrams(uint8_t host);
void fixture_send_to(struct sim_datagrams *socket, const char *text);

/* Waits for a datagram, which must say this. */
void fixture_hear(struct sim_datagrams *socket, const char *text);

/* Takes all stream buffers, or gives them back, or one of them. */
void fixture_take_buffers(void);
void fixture_give_back_buffers(void);
void fixture_give_back_buffer(void);

/* Iterates until the worker has ended, which it must. */
void fixture_run_to_the_end(void);

/* The one session over a connection that is open. */
struct weir_session *fixture_only_session(void);

#endif
