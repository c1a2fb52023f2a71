/* SPDX-License-Identifier: MIT */
/* doctor_facts.h - what `weir doctor` knows of the system. One of os_doctor_linux.c and
 * os_doctor_windows.c fills it in; doctor_rules.c checks it. */
#ifndef CLI_DOCTOR_FACTS_H
#define CLI_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define DOCTOR_UNKNOWN UINT64_MAX /* the system does not say, or has nothing of this kind */
#define DOCTOR_UNLIMITED (UINT64_MAX - 1)

enum doctor_transport_state {
    DOCTOR_TRANSPORT_ABSENT,  /* this system has no further one */
    DOCTOR_TRANSPORT_WORKS,   /* an echo came back */
    DOCTOR_TRANSPORT_MISSING, /* the system refuses it */
    DOCTOR_TRANSPORT_FAILED,  /* it is there, and the echo failed, crashed or stood still */
};

struct doctor_transport {
    enum doctor_transport_state state;
    const char *name;
    char why[400]; /* what the test printed */
};

#define DOCTOR_TRANSPORTS_MAX 2 /* the best first */

struct doctor_facts {
    uint64_t sessions; /* that the server is to hold */
    /* The backlog that it asks for, the receive buffer of one connection, and its memory. */
    uint64_t backlog, receive_buffer_bytes, memory_bytes;
    struct doctor_transport transports[DOCTOR_TRANSPORTS_MAX];
    /* Everything below is DOCTOR_UNKNOWN if the system does not say. */
    uint64_t kernel;                         /* version 6.1 is 601; Linux only */
    uint64_t io_uring_disabled;              /* sysctl kernel.io_uring_disabled: 0, 1 or 2 */
    uint64_t seccomp_mode;                   /* of this process: 2 is a filter */
    uint64_t files_soft_max, files_hard_max; /* limit on open files */
    uint64_t system_files_max, system_files; /* of all processes */
    uint64_t locked_bytes_max;
    uint64_t threads_max;                          /* of the control group */
    uint64_t somaxconn;                            /* longest backlog */
    uint64_t syn_backlog_max;                      /* half-open connections */
    uint64_t rmem_max_bytes, wmem_max_bytes;       /* largest buffer that a program may ask for */
    uint64_t conntrack_max, conntrack_count;       /* connections that the firewall tracks */
    uint64_t ports_first, ports_last;              /* for outbound connections */
    uint64_t has_gso, has_gro;                     /* UDP batches: 0 or 1 */
    uint64_t has_ipv6;                             /* 0 or 1: an IPv6 socket can listen on ::1 */
    uint64_t has_cluster;                          /* 0 or 1: built with the library of a broker */
    uint64_t clock_is_synchronised;                /* 0 or 1 */
    uint64_t processors, processors_quota_percent; /* of the control group; 100: one processor */
    uint64_t memory_max_bytes;                     /* of the control group */
    uint64_t memory_available_bytes;
    char clock_source[32]; /* "": unknown */
};

#endif
