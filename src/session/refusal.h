/* SPDX-License-Identifier: MIT */
/* refusal.h - who is not let in, and why: by address, by rate, by number. */
#ifndef SESSION_REFUSAL_H
#define SESSION_REFUSAL_H

#include <stdbool.h>

#include <weir/weir.h>

struct worker;

enum refusal {
    REFUSAL_DENIED,  /* `allow` or `deny` */
    REFUSAL_RATE,    /* accept_rate_max */
    REFUSAL_FULL,    /* sessions_max */
    REFUSAL_ADDRESS, /* sessions_per_address_max */
    REFUSAL_FAILED,  /* a session could not be made */
    REFUSALS_COUNT
};

/* What the log was told last of one kind of thing that peers do. */
struct refusal_log {
    uint64_t told_ms;
    uint64_t untold; /* times since */
    bool told;       /* ever */
};

/* Whether `allow` and `deny` let the address in. */
bool refusal_allows(const struct worker *worker, const struct weir_address *peer);

/* Counts a connection in against every limit. False: it was refused, and counted as that. */
bool refusal_admit(struct worker *worker, const struct weir_address *peer);

/* A connection that was admitted is no more. */
void refusal_readmit(struct worker *worker, const struct weir_address *peer);

/* Tells the log what a peer did and what became of it: of each kind once a second at most. */
void refusal_tell(struct worker *worker, struct refusal_log *log, const char *what,
                  const struct weir_address *peer, const char *why);

/* Counts so many refusals (the datagrams of a train), and tells the log. */
void refusal_count(struct worker *worker, enum refusal refusal, const struct weir_address *peer,
                   uint64_t count);

#endif
