/* SPDX-License-Identifier: MIT */
/* simulator.h - the data of one test: a simulated network, the server on it, its peers, and the
 * faults that are due. Private to src/simulator.
 *
 *      weir_test_run -> [ peers send and read -> one iteration of the server -> peers ... ]
 *                                                    '-> tap: each callback -> handler
 */
#ifndef SIMULATOR_SIMULATOR_H
#define SIMULATOR_SIMULATOR_H

#include <weir/test.h>

#include "clock.h"
#include "dice.h"
#include "net.h"
#include "sim.h"

#define SIMULATOR_START_NS (1000 * CLOCK_NS_PER_MS) /* what the clock shows first */

/* What TCP peers and UDP sockets have in common: who they are, and their latest session. */
struct client {
    struct weir_test *test;
    struct client *next;
    const char *kind; /* "peer" or "socket" */
    uint32_t number;  /* from 1 */
    bool is_datagram;
    struct net_address address;
    const struct weir_codec *codec;
    uint64_t session;        /* id; 0: none so far */
    enum weir_reason reason; /* NONE until its on_close */
    char reason_text[128];
    void (*move)(struct client *client); /* sends and reads what is possible now; null: nothing */
    void (*free)(struct client *client);
};

struct tap;

struct weir_test {
    struct weir_test_options options;
    struct weir_config config; /* as the caller gave it; its strings are the caller's */
    struct weir_server *server;
    struct net_simulation *simulation;
    bool is_started, is_running;
    struct client *clients; /* newest first */
    uint32_t clients_count;
    struct weir_test_upstream *upstreams; /* newest first */
    struct tap *taps;
    uint64_t *open_ids; /* of the sessions between on_open and on_close */
    size_t open_count, open_capacity;
    uint64_t opened_count, closed_count, messages_count;
    struct dice random;       /* of weir_random() */
    int64_t clock_by_ms;      /* how far the time of day was set */
    uint32_t fail_in;         /* allocations until one fails; 0: none fails */
    bool fails_later;         /* and all after it */
    struct net_buffer *taken; /* buffers of weir_test_take_buffers() */
    uint64_t hash;            /* of the story */
    char failure[256];        /* the first violated rule; "": none */
};

/* Stops the server, and runs it until it has ended. */
void simulator_stop(struct weir_test *test);

#endif
