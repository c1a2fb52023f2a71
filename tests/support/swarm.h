/* SPDX-License-Identifier: MIT */
/* swarm.h - what the handler and the peers of a random scenario have in common: the dice, and what
 * a message says.
 *
 *      message n of a peer:   kind, number, text          all of it follows from (seed of peer, n)
 *
 * so that the receiver of an echo can check that it is the right one, whole and in order.
 */
#ifndef SUPPORT_SWARM_H
#define SUPPORT_SWARM_H

#include <weir/weir.h>

#define SWARM_MESSAGE_BYTES_MAX 2000u
#define SWARM_FRAME_BYTES_MAX (SWARM_MESSAGE_BYTES_MAX + 16)

/* What a message asks the handler for, as its first byte. */
enum swarm_kind {
    SWARM_BACK = 'b', /* send it back */
    SWARM_COPY = 'c', /* send a copy of it */
    SWARM_NOTHING = 'n',
    SWARM_JOIN = 'j',
    SWARM_LEAVE = 'l',
    SWARM_TIMER = 't',
    SWARM_NO_TIMER = 'u',
    SWARM_FLOOD = 'f', /* send much */
    SWARM_FINISH = 'w',
    SWARM_CLOSE = 'x',
    SWARM_FAIL = 'y',
    /* And what comes unasked. */
    SWARM_UNASKED = 'U',
};

/* Below `bound`, from the scenario's own dice. */
uint32_t swarm_roll(uint32_t bound);
bool swarm_one_in(uint32_t n);
void swarm_seed(uint64_t seed);

/* The message of that number, of one of these kinds; returns its length. */
uint32_t swarm_message(uint64_t seed, uint32_t number, const char *kinds, char *bytes);

/* The number that the message says; UINT32_MAX: it is none of swarm_message's. */
uint32_t swarm_number(const uint8_t *bytes, size_t length);

/* Byte `position` of a stream without messages. */
uint8_t swarm_byte(uint64_t seed, uint64_t position);

/* ---- the handler ---- */

/* What the handler found out of one connection; the peer looks at it. */
struct swarm_fate {
    uint16_t port;              /* the peer's */
    bool opened, closed, lossy; /* lossy: an answer found no room */
    bool is_honest;             /* nothing random is done to it */
    enum weir_reason reason;
};

struct swarm_log {
    uint64_t opened, closed;
    uint64_t asked, counted; /* members of a group */
    uint64_t ids[16];        /* of sessions that were opened lately */
    uint32_t ids_count;
    struct swarm_fate *fates; /* of the scenario's connections */
    uint32_t fates_count;
    bool lacked_memory; /* at some time in this scenario */
    bool is_raw;        /* no messages: the handler answers with what came alone */
};

extern struct swarm_log swarm_log;

/* With and without an on_drain of its own. */
extern const struct weir_handler swarm_handler, swarm_handler_drains;

#endif
