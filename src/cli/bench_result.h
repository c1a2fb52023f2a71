/* SPDX-License-Identifier: MIT */
/* bench_result.h - what one thread of `weir bench` has measured, and the sum of all threads. */
#ifndef CLI_BENCH_RESULT_H
#define CLI_BENCH_RESULT_H

#include <stdint.h>

#include "bench_histogram.h"

/* What went wrong. Any of them makes the run a failed one. */
enum bench_error {
    BENCH_ERROR_CONNECT,    /* a connection could not be opened */
    BENCH_ERROR_LOST,       /* a connection ended, and the generator did not end it */
    BENCH_ERROR_WRONG,      /* an answer has other bytes */
    BENCH_ERROR_LENGTH,     /* an answer has another length */
    BENCH_ERROR_UNASKED,    /* an answer came that no message asked for, or came twice */
    BENCH_ERROR_UNANSWERED, /* a message has no answer */
    BENCH_ERROR_UNSENT,     /* a message was due, and could not be sent */
    BENCH_ERRORS_COUNT
};

#define BENCH_EXAMPLE_BYTES 200

struct bench_result {
    uint64_t messages;       /* answered rightly, and part of the measurement */
    uint64_t verified_bytes; /* of all answers, with those of the warm-up */
    uint64_t last_ns;        /* when the last of `messages` was answered */
    uint64_t connected;      /* connections that were opened */
    uint64_t lost;           /* UDP: datagrams without an answer in time */
    /* UDP: answers that came late or twice; broadcast: messages that are none of the run, such as
     * notices. */
    uint64_t others;
    uint64_t cpu_ns, wall_ns; /* of the threads, while they measured; wall_ns is the sum, too */
    uint64_t waited_ns;       /* for a processor, in the same time; see os_thread_waited_ns() */
    double busiest;           /* the largest (cpu_ns + waited_ns) / wall_ns of a thread */
    uint64_t errors[BENCH_ERRORS_COUNT];
    char examples[BENCH_ERRORS_COUNT][BENCH_EXAMPLE_BYTES]; /* of the first error of each kind */
    struct bench_histogram service;                         /* from the send to the answer */
    struct bench_histogram response; /* from the time when it was due to the answer */
    struct bench_histogram lag;      /* from when it could be sent to the send: the generator's */
    struct bench_histogram connect;  /* from the begin of a connect until it is open */
};

/* Counts an error, and keeps its description if it is the first of its kind. */
void bench_result_fail(struct bench_result *result, enum bench_error error, const char *format, ...)
#if defined(__clang__)
    __attribute__((format(printf, 3, 4)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
    __attribute__((format(gnu_printf, 3, 4)))
#endif
    ;

/* Adds the result of one thread to the sum. */
void bench_result_merge(struct bench_result *sum, const struct bench_result *result);

uint64_t bench_result_errors(const struct bench_result *result);

/* Return the name of an error for programs, "wrong_bytes", and for a person, "answers with wrong
 * bytes". */
const char *bench_error_name(enum bench_error error);
const char *bench_error_text(enum bench_error error);

#endif
