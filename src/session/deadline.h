/* SPDX-License-Identifier: MIT */
/* deadline.h - the next deadline of a session and the reason for it, computed from values alone.
 * See deadline.c. */
#ifndef SESSION_DEADLINE_H
#define SESSION_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

/* When things last happened to a session: milliseconds of the worker's clock, cut to 32 bits. Only
 * their age is used, and every timeout is shorter than half their range. */
struct deadline_timestamps {
    uint32_t opened_ms;
    uint32_t received_ms;  /* bytes came, reading resumed, or it was opened */
    uint32_t sent_ms;      /* bytes of a send were released, or some were acknowledged */
    uint32_t frame_ms;     /* the first byte of a partial frame came */
    uint32_t send_ms;      /* the send deadline began, or began anew */
    uint32_t measured_ms;  /* acknowledgements were measured, or the send deadline began */
    uint32_t finished_ms;  /* FIN was sent, or its timeout began anew */
    uint32_t congested_ms; /* the queue rose above the high-water mark */
    uint32_t resume_ms;    /* in the future: reading resumes, after a pause by the rate limit */
};

/* Which deadlines run, besides the lifetime: a set of bits. */
enum deadline_kind {
    DEADLINE_IDLE = 1 << 0,
    DEADLINE_FIRST_BYTE = 1 << 1,
    DEADLINE_FRAME = 1 << 2,
    DEADLINE_SEND = 1 << 3,
    DEADLINE_LINGER = 1 << 4,
    DEADLINE_RESUME = 1 << 5,
    DEADLINE_CONGESTED = 1 << 6,
    DEADLINE_MEASURE = 1 << 7,
    DEADLINE_OPENING = 1 << 8,
    DEADLINE_WAKE = 1 << 9,
};

struct deadline_input {
    const struct deadline_timestamps *timestamps;
    const struct weir_config *config; /* the timeouts; 0 disables one */
    uint64_t now_ms;
    uint32_t running;         /* bits of enum deadline_kind */
    uint32_t linger_ms;       /* a drain shortens the configured one */
    uint32_t idle_timeout_ms; /* of the session */
    uint32_t queued_bytes;    /* of the send queue, for DEADLINE_CONGESTED */
    uint32_t flight_bytes;    /* for which the send deadline runs */
    uint32_t began_ms;        /* for DEADLINE_OPENING */
    uint64_t wake_ms;         /* for DEADLINE_WAKE: when a filter wants to respond */
    bool is_measured;         /* acknowledgements were measured since the send deadline began */
    enum weir_reason finish_reason; /* of the linger; IDLE or LIFETIME: that deadline is over */
    bool is_datagram;
};

struct deadline {
    uint64_t at_ms;          /* UINT64_MAX: none */
    enum weir_reason reason; /* to close the session; NONE: RESUME, MEASURE or WAKE */
    uint32_t kind;           /* one bit of enum deadline_kind; 0: the lifetime, or none */
};

/* Returns how long a send of this many bytes may take, if its peer makes no progress:
 * send_timeout_ms, plus the time for its bytes at the lowest allowed rate. 0: forever. */
static inline uint64_t deadline_send_ms(const struct weir_config *config, uint32_t flight_bytes)
{
    uint64_t rate = config->send_rate_min_bytes;
    uint64_t at_rate_ms = rate > 0 ? (uint64_t)flight_bytes * 1000 / rate : 0;

    return config->send_timeout_ms == 0 ? 0 : config->send_timeout_ms + at_rate_ms;
}

/* Returns the time between two measurements of the acknowledged bytes. The first one comes early:
 * it is the base, and bytes that were acknowledged before it do not count. */
static inline uint64_t deadline_measure_ms(const struct weir_config *config, bool is_measured)
{
    return config->send_timeout_ms / (is_measured ? 4 : 32);
}

/* Returns the deadline that expires first. */
struct deadline deadline_next(const struct deadline_input *input);

#endif
