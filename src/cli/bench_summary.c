/* SPDX-License-Identifier: MIT */
/* bench_summary.c - the verdict on a run. Two things show that the generator was the limit: in a
 * closed loop, that one of its threads computed nearly all the time, or
 * waited for a processor; in an open loop, that it sent
 * late although the connection had room. */
#include "bench_summary.h"

#include <stdio.h>

#include "bench_text.h"

#define BENCH_SUMMARY__BUSY 0.95    /* of a thread's time */
#define BENCH_SUMMARY__LAG_SHARE 10 /* its lag is at most a tenth of the median */
#define BENCH_SUMMARY__LAG_PERCENT 99.0

double bench_summary_rate(const struct bench_summary *summary)
{
    double elapsed_s = (double)summary->elapsed_ns / 1e9;

    return elapsed_s > 0 ? (double)summary->result.messages / elapsed_s : 0;
}

char *bench_summary_limit(const struct bench_summary *summary, char *text, size_t size)
{
    const struct bench_result *result = &summary->result;
    uint64_t lag_ns = bench_histogram_percentile_ns(&result->lag, BENCH_SUMMARY__LAG_PERCENT);
    uint64_t median_ns = bench_histogram_percentile_ns(&result->response, 50);

    text[0] = '\0';
    if (summary->options->mode == BENCH_IDLE || result->messages == 0) return text;
    if (summary->options->rate > 0) {
        if (lag_ns > median_ns / BENCH_SUMMARY__LAG_SHARE)
            snprintf(text, size,
                     "the generator sent 1 %% of the messages %s late or more, which is above a "
                     "tenth of the median response time (%s); use processors that the server "
                     "does not use, more --threads, or a lower --rate",
                     bench_text_duration(lag_ns).text, bench_text_duration(median_ns).text);
        return text;
    }
    if (result->busiest >= BENCH_SUMMARY__BUSY)
        snprintf(
            text, size,
            "a thread of the generator computed, or waited for a processor, for %.0f %% of the "
            "time, so the server may be able to do more; use more --threads, on processors that "
            "the server does not use",
            100 * result->busiest);
    return text;
}

bool bench_summary_is_right(const struct bench_summary *summary)
{
    return bench_result_errors(&summary->result) == 0 && summary->result.messages > 0;
}

const char *bench_summary_protocol(const struct bench_options *options)
{
    if (options->udp) return "UDP";
    if (options->websocket) return options->tls ? "WebSocket over TLS" : "WebSocket";
    return options->tls ? "TLS" : "TCP";
}
