/* SPDX-License-Identifier: MIT */
/* sim_options.h - the settings of a simulated network. */
#ifndef NET_SIMULATED_SIM_OPTIONS_H
#define NET_SIMULATED_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#define SIM_DATAGRAM_BYTES_MAX 65507u /* the payload of one UDP datagram over IPv4 */
#define SIM_UNLIMITED UINT32_MAX

struct sim_options {
    uint64_t seed;
    uint64_t start_ns;                       /* the first time that the clock shows */
    uint64_t iteration_ns;                   /* the least that one net_wait takes */
    uint64_t latency_min_ns, latency_max_ns; /* of everything on the wire */
    uint32_t window_bytes;                   /* sent and not read yet, per stream and direction */
    uint32_t piece_bytes_max;                /* most pieces that arrive are smaller */
    bool exact_pieces; /* instead: every piece has piece_bytes_max, or all that was sent */
    /* Of 100 datagrams, how many are lost, arrive twice, or do not keep their order. */
    uint32_t datagram_loss_percent, datagram_copy_percent, datagram_reorder_percent;
    uint32_t datagram_queue_bytes; /* that a datagram socket stores; more is lost */
    uint32_t held_bytes_max;       /* reported by net_info; in fact nothing is held */
    /* A send is released when its peer has acknowledged the bytes, as by Windows's RIO and by
     * zero-copy sends. If false, when they were copied. */
    bool acknowledges;
    uint64_t ack_delay_ns;  /* a receiver with less than ack_bytes waits this long (RFC 1122) ... */
    uint32_t ack_bytes;     /* ... and acknowledges that many immediately: two segments */
    uint64_t ack_travel_ns; /* of an acknowledgement, beside the latency */
};

/* How attempts to connect to an address end. Zeroed: as the listener there decides. */
struct sim_route {
    uint64_t delay_ns;   /* that the attempt takes, beside the latency */
    enum weir_code code; /* not WEIR_OK: the attempt fails for this cause, */
    int os_error;        /* with this number */
    bool resets;         /* accepts the connection, and resets it immediately */
};

#endif
