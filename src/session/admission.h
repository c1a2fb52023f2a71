/* SPDX-License-Identifier: MIT */
/* admission.h - who is not let in, and why: by address, by rate, by number. */
#ifndef SESSION_ADMISSION_H
#define SESSION_ADMISSION_H

#include <stdbool.h>

#include <weir/weir.h>

struct worker;

enum admission_refusal {
    ADMISSION_DENIED,  /* `allow` or `deny` */
    ADMISSION_RATE,    /* accept_rate_max */
    ADMISSION_FULL,    /* sessions_max */
    ADMISSION_ADDRESS, /* sessions_per_address_max */
    ADMISSION_FAILED,  /* a session could not be made */
    ADMISSION_COUNT
};

/* What the log was told last of one kind of thing that peers do. */
struct admission_log {
    uint64_t told_ms;
    uint64_t untold; /* times since */
    bool told;       /* ever */
};

/* Whether `allow` and `deny` let the address in. */
bool admission_allows(const struct worker *worker, const struct weir_address *peer);

/* Counts a connection in against every limit. False: it was refused, and counted as that. */
bool admission_admit(struct worker *worker, const struct weir_address *peer);

/* A connection that was admitted is no more. */
void admission_release(struct worker *worker, const struct weir_address *peer);

/* Tells the log what a peer did and what became of it: of each kind once a second at most. */
void admission_tell(struct worker *worker, struct admission_log *log, const char *what,
                    const struct weir_address *peer, const char *why);

/* Counts so many refusals (the datagrams of a train), and tells the log. */
void admission_count(struct worker *worker, enum admission_refusal refusal,
                     const struct weir_address *peer, uint64_t count);

#endif
