/* SPDX-License-Identifier: MIT */
/* test_filters.h - filters for tests, and the client's side of a chain of them.
 *
 *      line   opens: reads lines; transparent, and can name the client, like the PROXY protocol
 *      xor    transforms: records with a header, each byte changed, like TLS
 *      up     opens: reads lines; responds, and says goodbye, like WebSocket
 *
 * Lines: GO opens (answer: "OK\n"), BAD fails, END ends the stream, LATER is read in the next
 * iteration, AGAIN answers "A\n", FLOOD answers without end, WAIT is idle for 100 ms and opens,
 * FROM N (one digit) names the client 127.0.0.N and opens, FAIL fails without an answer, PAGE
 * serves a page.
 *
 * Records: type, length of the payload (2 bytes, little endian), payload. Types: h and H open, d is
 * data, k is answered with k, e ends the stream, l lets what follows wait, w lets the output wait
 * until g, b fails. */
#ifndef SUPPORT_TEST_FILTERS_H
#define SUPPORT_TEST_FILTERS_H

#include "filter.h"
#include "sim.h"

extern struct filter test_filter_line, test_filter_xor, test_filter_up;

/* What the filters do next. */
extern struct test_filters {
    enum filter_use use;         /* of line */
    bool expects_no_peer;        /* line is asked about a Unix-domain socket */
    bool refuses_state;          /* `open` fails, for a reason */
    bool refuses_seal;           /* xor cannot seal, and gives no text */
    uint64_t wake_ms;            /* of up: when it responds; UINT64_MAX: never */
    enum filter_result response; /* of up */
    const char *response_text;   /* what it answers; null: nothing */
    const char *goodbye_text;    /* of up; null: it says nothing */
    uint32_t responses, begins, goodbyes;
    enum weir_reason goodbye_reason;
    uint32_t xor_states; /* that are not released */
} test_filters;

/* Resets the above. */
void test_filters_reset(void);

/* The simulation and all its peers are freed: a later peer can have the address of one of them. */
void test_filters_forget_peers(void);

/* The chain of the fixtures that are opened next. */
extern struct filter *test_chain[4];
extern uint32_t test_chain_count;
void test_chain_set(struct filter *first, struct filter *second, struct filter *third);
extern bool test_chain_opens; /* fixture_connect() opens the filters */
bool test_chain_has(const struct filter *filter);

/* ---- the client's side ---- */

/* Other clients, for chains of other filters. */
struct chain_client {
    /* When a fixture is opened: sets the chain. Returns the codec of the service. */
    const struct weir_codec *(*open_chain)(const struct weir_codec *inner);
    void (*close_chain)(void);
    void (*forget_peers)(void);
    /* The calls below without filtered_. */
    bool (*open)(struct sim_peer *peer);
    uint32_t (*send)(struct sim_peer *peer, const void *bytes, uint32_t count);
    uint32_t (*receive)(struct sim_peer *peer, void *bytes, uint32_t bytes_max);
    uint32_t (*unread)(struct sim_peer *peer);
    void (*finish)(struct sim_peer *peer);
    void (*close)(struct sim_peer *peer);
    bool (*saw_end)(struct sim_peer *peer);
    bool (*saw_goodbye)(struct sim_peer *peer);
};

extern const struct chain_client *test_chain_client; /* null: that of the filters above */

/* The calls of sim.h through the chain that is set: the first bytes open the filters, and what the
 * filters say is taken off what is received. Without a chain they are the calls of sim.h. */
uint32_t filtered_send(struct sim_peer *peer, const void *bytes, uint32_t count);
uint32_t filtered_receive(struct sim_peer *peer, void *bytes, uint32_t bytes_max);
uint32_t filtered_unread(struct sim_peer *peer);
void filtered_finish(struct sim_peer *peer);
void filtered_close(struct sim_peer *peer);
bool filtered_saw_end(struct sim_peer *peer);

/* Sends the bytes that open the filters, unless that was done; other clients: continues to open
 * them. Returns whether they are open, or will be without a further call. */
bool filtered_open(struct sim_peer *peer);

/* Sends the bytes as one record of this type, on the wire. */
void filtered_record(struct sim_peer *peer, char type, const void *bytes, uint32_t length);

/* Returns how many records of this type came. */
uint32_t filtered_count(struct sim_peer *peer, char type);

/* Whether the server has said goodbye: the record e; to other clients, before FIN. */
bool filtered_saw_goodbye(struct sim_peer *peer);

#endif
