/* SPDX-License-Identifier: MIT */
/* bench_result.c - counts errors by cause, and adds up threads: histograms by their buckets, since
 * percentiles cannot be averaged. */
#include "bench_result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

static const struct {
    const char *name, *text;
} bench_result__errors[BENCH_ERRORS_COUNT] = {
    [BENCH_ERROR_CONNECT] = {"connects_failed", "connections that could not be opened"},
    [BENCH_ERROR_LOST] = {"connections_lost", "connections that ended too early"},
    [BENCH_ERROR_WRONG] = {"wrong_bytes", "answers with wrong bytes"},
    [BENCH_ERROR_LENGTH] = {"wrong_length", "answers with a wrong length"},
    [BENCH_ERROR_UNASKED] = {"unasked", "answers to no message"},
    [BENCH_ERROR_UNANSWERED] = {"unanswered", "messages without an answer"},
    [BENCH_ERROR_UNSENT] = {"unsent", "messages that could not be sent"},
};

const char *bench_error_name(enum bench_error error)
{
    return bench_result__errors[error].name;
}

const char *bench_error_text(enum bench_error error)
{
    return bench_result__errors[error].text;
}

void bench_result_fail(struct bench_result *result, enum bench_error error, const char *format, ...)
{
    char *example = result->examples[error];
    va_list values;

    if (result->errors[error]++ > 0) return;
    va_start(values, format);
    vsnprintf(example, BENCH_EXAMPLE_BYTES, format, values);
    va_end(values);
    utf8_trim(example);
}

uint64_t bench_result_errors(const struct bench_result *result)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < BENCH_ERRORS_COUNT; i++) sum += result->errors[i];
    return sum;
}

static void bench_result__merge_errors(struct bench_result *sum, const struct bench_result *result)
{
    for (size_t i = 0; i < BENCH_ERRORS_COUNT; i++) {
        if (sum->errors[i] == 0) memcpy(sum->examples[i], result->examples[i], BENCH_EXAMPLE_BYTES);
        sum->errors[i] += result->errors[i];
    }
}

void bench_result_merge(struct bench_result *sum, const struct bench_result *result)
{
    double wall_ns = (double)result->wall_ns;
    double busy = wall_ns > 0 ? (double)(result->cpu_ns + result->waited_ns) / wall_ns : 0;

    sum->messages += result->messages;
    sum->verified_bytes += result->verified_bytes;
    if (result->last_ns > sum->last_ns) sum->last_ns = result->last_ns;
    sum->connected += result->connected;
    sum->lost += result->lost;
    sum->others += result->others;
    sum->cpu_ns += result->cpu_ns;
    sum->waited_ns += result->waited_ns;
    sum->wall_ns += result->wall_ns;
    if (busy > sum->busiest) sum->busiest = busy;
    bench_result__merge_errors(sum, result);
    bench_histogram_merge(&sum->service, &result->service);
    bench_histogram_merge(&sum->response, &result->response);
    bench_histogram_merge(&sum->lag, &result->lag);
    bench_histogram_merge(&sum->connect, &result->connect);
}
