/* SPDX-License-Identifier: MIT */
/* deadline.c - computes a session's next deadline from its timestamps and the configured timeouts.
 *
 *      received_ms, sent_ms -> idle            frame_ms    -> partial frame
 *      received_ms -> first byte               finished_ms -> linger
 *      opened_ms   -> lifetime                 congested_ms -> congestion
 *      send_ms     -> outstanding send         resume_ms   -> reading resumes
 *      measured_ms -> next measurement of acknowledged bytes
 *      began_ms    -> opening of the filters  wake_ms     -> a filter responds
 *
 * A timeout that has finished the session does not end it once more: a send and the linger have
 * timeouts of their own.
 *
 * The file has no state and no side effect. session.c fills in the input and keeps the session's
 * timer at the result or earlier; timeouts.c acts when the timer expires.
 */
#include "deadline.h"

#include "check.h"

static uint64_t deadline__age(const struct deadline_input *input, uint32_t timestamp_ms)
{
    return (uint32_t)((uint32_t)input->now_ms - timestamp_ms);
}

/* Replaces *next by the deadline of this timeout if that expires earlier. A timeout of 0 is
 * disabled. One millisecond is added because the timestamp was rounded down: a timeout is a
 * minimum. */
static void deadline__consider(const struct deadline_input *input, uint32_t kind,
                               uint32_t timestamp_ms, uint64_t timeout_ms, enum weir_reason reason,
                               struct deadline *next)
{
    uint64_t at_ms = input->now_ms - deadline__age(input, timestamp_ms) + timeout_ms + 1;

    weir_check(reason != WEIR_REASON_NONE);
    if (timeout_ms == 0 || at_ms >= next->at_ms) return;
    *next = (struct deadline){at_ms, reason, kind};
}

static void deadline__consider_measure(const struct deadline_input *input, struct deadline *next)
{
    uint64_t age_ms = deadline__age(input, input->timestamps->measured_ms);
    uint64_t at_ms =
        input->now_ms - age_ms + deadline_measure_ms(input->config, input->is_measured) + 1;

    if (input->config->send_timeout_ms == 0 || at_ms >= next->at_ms) return;
    *next = (struct deadline){at_ms, WEIR_REASON_NONE, DEADLINE_MEASURE};
}

static void deadline__consider_idle(const struct deadline_input *input, struct deadline *next)
{
    const struct deadline_timestamps *timestamps = input->timestamps;
    uint64_t received_age = deadline__age(input, timestamps->received_ms);
    bool sent_last =
        !input->is_datagram && deadline__age(input, timestamps->sent_ms) < received_age;

    if (input->finish_reason == WEIR_REASON_IDLE) return;
    deadline__consider(input, DEADLINE_IDLE,
                       sent_last ? timestamps->sent_ms : timestamps->received_ms,
                       input->idle_timeout_ms, WEIR_REASON_IDLE, next);
}

static void deadline__consider_lifetime(const struct deadline_input *input, struct deadline *next)
{
    if (input->finish_reason == WEIR_REASON_LIFETIME) return;
    deadline__consider(input, 0, input->timestamps->opened_ms, input->config->lifetime_ms,
                       WEIR_REASON_LIFETIME, next);
}

static void deadline__consider_resume(const struct deadline_input *input, struct deadline *next)
{
    uint32_t pause_ms = input->timestamps->resume_ms - (uint32_t)input->now_ms;
    uint64_t at_ms = input->now_ms + (pause_ms <= INT32_MAX ? pause_ms : 0);

    if (at_ms < next->at_ms) *next = (struct deadline){at_ms, WEIR_REASON_NONE, DEADLINE_RESUME};
}

/* Deadlines that close nothing. */
static void deadline__consider_silent(const struct deadline_input *input, struct deadline *next)
{
    if (input->running & DEADLINE_MEASURE) deadline__consider_measure(input, next);
    if (input->running & DEADLINE_RESUME) deadline__consider_resume(input, next);
    if (input->running & DEADLINE_WAKE && input->wake_ms < next->at_ms)
        *next = (struct deadline){input->wake_ms, WEIR_REASON_NONE, DEADLINE_WAKE};
}

struct deadline deadline_next(const struct deadline_input *input)
{
    const struct deadline_timestamps *timestamps = input->timestamps;
    const struct weir_config *config = input->config;
    uint32_t running = input->running;
    struct deadline next = {UINT64_MAX, WEIR_REASON_NONE, 0};

    if (input->is_datagram) weir_check(!(running & ~(uint32_t)(DEADLINE_IDLE | DEADLINE_RESUME)));
    if (running & DEADLINE_IDLE) deadline__consider_idle(input, &next);
    deadline__consider_lifetime(input, &next);
    if (running & DEADLINE_FIRST_BYTE)
        deadline__consider(input, DEADLINE_FIRST_BYTE, timestamps->received_ms,
                           config->first_byte_timeout_ms, WEIR_REASON_FIRST_BYTE, &next);
    if (running & DEADLINE_FRAME)
        deadline__consider(input, DEADLINE_FRAME, timestamps->frame_ms, config->frame_timeout_ms,
                           WEIR_REASON_FRAME, &next);
    if (running & DEADLINE_SEND)
        deadline__consider(input, DEADLINE_SEND, timestamps->send_ms,
                           deadline_send_ms(config, input->flight_bytes), WEIR_REASON_STALLED,
                           &next);
    if (running & DEADLINE_LINGER)
        deadline__consider(input, DEADLINE_LINGER, timestamps->finished_ms, input->linger_ms,
                           input->finish_reason, &next);
    if (running & DEADLINE_CONGESTED)
        deadline__consider(input, DEADLINE_CONGESTED, timestamps->congested_ms,
                           deadline_send_ms(config, input->queued_bytes), WEIR_REASON_SLOW_READER,
                           &next);
    if (running & DEADLINE_OPENING)
        deadline__consider(input, DEADLINE_OPENING, input->began_ms, config->opening_timeout_ms,
                           WEIR_REASON_OPENING, &next);
    if (running & (DEADLINE_MEASURE | DEADLINE_RESUME | DEADLINE_WAKE))
        deadline__consider_silent(input, &next);
    return next;
}
