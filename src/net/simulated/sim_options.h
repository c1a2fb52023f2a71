/* SPDX-License-Identifier: MIT */
/* sim_options.h - the settings of a simulated network. */
#ifndef NET_SIMULATED_SIM_OPTIONS_H
#define NET_SIMULATED_SIM_OPTIONS_H

#include <stdint.h>

#define SIM_DATAGRAM_BYTES_MAX 65507u /* the payload of one UDP datagram over IPv4 */
#define SIM_UNLIMITED UINT32_MAX

struct sim_options {
    uint64_t seed;
    uint64_t start_ns;                       /* the first time that the clock shows */
    uint64_t iteration_ns;                   /* the least that one net_wait takes */
    uint64_t latency_min_ns, latency_max_ns; /* of everything on the wire */
    uint32_t window_bytes;                   /* sent and not read yet, per stream and direction */
    uint32_t piece_bytes_max;                /* most pieces that arrive are smaller */
    uint32_t datagram_queue_bytes;           /* that a datagram socket stores; more is lost */
    uint32_t held_bytes_max;                 /* reported by net_info; in fact nothing is held */
};

#endif
