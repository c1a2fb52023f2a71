/* SPDX-License-Identifier: MIT */
/* load.h - what the modes of peer_load share: the settings, the measured window, the percentiles.
 *
 *      connect -> [gate] -> warm-up -> window -> one line of JSON -> [gate]
 *                                      |
 *                                      the processor time of the servers, and of this program
 *
 * Every mode calls load_count() for each answer, and ends when load_is_over() says so. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOAD_PIDS_MAX = 16,
    LOAD_DEPTH_MAX = 64,
    LOAD_EVENTS_MAX = 256,
    LOAD_PATIENCE_MS = 10000, /* without any answer for this long, the run fails */
};

/* A block of bytes. */
struct load_bytes {
    uint8_t *at;
    size_t length;
};

/* The command line. A member of 0 means: not given. */
struct load_settings {
    const char *mode;
    uint16_t port;
    int pids[LOAD_PIDS_MAX]; /* the processes whose time is measured */
    uint32_t pids_count;
    uint32_t connections;
    uint32_t depth;    /* messages in flight on a connection */
    uint32_t window;   /* udp: datagrams in flight on all sockets together */
    uint64_t rate;     /* open: messages per second on all connections together */
    uint64_t messages; /* ends after this number, without a warm-up; 0: after the window */
    uint64_t warm_ns, window_ns;
    bool is_gated; /* prints "ready", and waits for a line; closes after the end of the input */
    struct load_bytes request, response; /* one message, and its answer */
    struct load_bytes hello;             /* what each connection sends first */
    uint32_t hello_answer_bytes;
};

extern struct load_settings load_settings;

/* Prints the name and errno, and exits with 1. */
_Noreturn void load_fail(const char *what);

/* Prints the text, and exits with 1. */
_Noreturn void load_give_up(const char *text);

/* Returns the monotonic time in nanoseconds. */
uint64_t load_now_ns(void);

/* Begins the warm-up, or the count of messages. */
void load_begin(void);

/* Counts messages that were answered now, each after the same latency. */
void load_count(uint64_t count, uint64_t latency_ns);

/* Counts how late a message was sent (open loop). */
void load_count_lag(uint64_t lag_ns);

/* Counts messages that were sent again. */
void load_count_lost(uint64_t count);

/* Moves from the warm-up into the window, and out of it. Returns whether the run is over. */
bool load_is_over(uint64_t now_ns);

/* Returns how many answers were counted since load_begin(), the warm-up included. */
uint64_t load_answers(void);

/* Prints the result as JSON. */
void load_print(void);

/* Waits at the gate if the settings say so: prints "ready" and reads a line. */
void load_wait_gate(void);

/* Returns a TCP connection to the server, after the hello. source: the client's address in host
 * byte order; 0: the system selects it. */
int load_connect(uint32_t source);

/* Returns the server's address. */
struct sockaddr_in load_server(void);

/* Sends all of it on a blocking socket. */
void load_send(int handle, const uint8_t *bytes, size_t length);

/* Returns a block that repeats another one. */
struct load_bytes load_repeat(struct load_bytes unit, size_t count);

/* The modes. Each returns when the run is over, and has printed the result. */
void load_run_echo(void);
void load_run_open(void);
void load_run_connect(void);
void load_run_broadcast(void);
void load_run_udp(void);

#endif
