/* SPDX-License-Identifier: MIT */
/* bench_answer.h - compares what comes back on a stream with what was sent, byte for byte. Answers
 * come in the order of the messages. Own thread only. */
#ifndef CLI_BENCH_ANSWER_H
#define CLI_BENCH_ANSWER_H

#include "bench_state.h"

/* The answers of one connection. */
struct bench_answer {
    uint64_t number; /* of the answer that comes next */
    size_t received; /* bytes of it that were compared */
};

enum bench_answered {
    BENCH_ANSWERED_PART,  /* all bytes are right, and the answer is not complete */
    BENCH_ANSWERED_WHOLE, /* an answer is complete: *slot is its message */
    BENCH_ANSWERED_WRONG, /* the error was counted; nothing after it can be compared */
};

/* Compares the bytes in front, up to the end of one answer, and removes them: *length bytes are
 * left. */
enum bench_answered bench_answer_take(struct bench_answer *answer, struct bench_thread *thread,
                                      struct bench_flow *flow, const uint8_t **bytes,
                                      size_t *length, struct bench_slot **slot);

/* Counts an answer of a wrong length: `length` bytes, if it is known. */
void bench_answer_has_length(struct bench_thread *thread, const struct bench_flow *flow,
                             const struct bench_answer *answer, size_t length);

#endif
