/* SPDX-License-Identifier: MIT */
/* bench_report.c - see bench_report.h. */
#include "bench_report.h"

#include <inttypes.h>

#include "amount.h"
#include "bench_text.h"

static const double bench_report__percents[] = {50, 90, 99, 99.9, 99.99};

#define BENCH_REPORT__PERCENTS_COUNT \
    (sizeof bench_report__percents / sizeof bench_report__percents[0])

/* ---- what was measured ---- */

static const char *bench_report__mode(const struct bench_options *options)
{
    static const char *const modes[] = {"echo", "connect, echo, close", "idle connections",
                                        "broadcast"};

    return modes[options->mode];
}

static void bench_report__plan(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_options *options = summary->options;

    text_builder_add(out, "weir bench %s: %s over %s", options->address,
                     bench_report__mode(options), bench_summary_protocol(options));
    if (!options->udp && !options->websocket) text_builder_add(out, ", codec %s", options->codec);
    text_builder_add(out, "\n%s bytes, %s %s, depth %" PRIu32 ", %" PRIu32 " thread%s, ",
                     bench_text_count(options->size).text,
                     bench_text_count(options->connections).text,
                     options->udp ? "sockets" : "connections", options->depth, options->threads,
                     options->threads > 1 ? "s" : "");
    if (options->mode == BENCH_IDLE)
        text_builder_add(out, "idle\n\n");
    else if (options->rate > 0)
        text_builder_add(out, "open loop at %s/s\n\n", bench_text_count(options->rate).text);
    else
        text_builder_add(out, "closed loop\n\n");
}

/* ---- figures ---- */

/* What is counted, by mode. */
static const struct {
    const char *one, *many;
} bench_report__units[] = {{"message", "messages"},
                           {"connect", "connects"},
                           {"message", "messages"},
                           {"delivery", "deliveries"}};

static void bench_report__messages(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;
    const struct bench_options *options = summary->options;
    double rate = bench_summary_rate(summary);
    const char *what = bench_report__units[options->mode].many;

    text_builder_add(out, "%-14s %s in %.2f s", what, bench_text_count(result->messages).text,
                     (double)summary->elapsed_ns / 1e9);
    if (options->warmup_ms > 0)
        text_builder_add(out, " after %.2f s of warm-up", options->warmup_ms / 1e3);
    if (options->mode != BENCH_IDLE)
        text_builder_add(out, "\n%-14s %s %s/s, %s/s", "rate",
                         bench_text_count((uint64_t)(rate + 0.5)).text, what,
                         amount_bytes((uint64_t)(rate * options->size)).text);
    text_builder_add(out, "\n%-14s %s of answers, every byte compared\n", "verified",
                     amount_bytes(result->verified_bytes).text);
    if (options->udp)
        text_builder_add(out, "%-14s %s datagrams had no answer within %" PRIu32 " ms\n", "lost",
                         bench_text_count(result->lost).text, options->loss_ms);
}

static void bench_report__head(struct text_builder *out)
{
    text_builder_add(out, "\n%-14s %9s", "", "mean");
    for (size_t i = 0; i < BENCH_REPORT__PERCENTS_COUNT; i++)
        text_builder_add(out, " %9s", bench_text_percent(bench_report__percents[i]).text);
    text_builder_add(out, " %9s\n", "max");
}

static void bench_report__times(const char *name, const struct bench_histogram *histogram,
                                struct text_builder *out)
{
    if (histogram->count == 0) return;
    text_builder_add(out, "%-14s %9s", name,
                     bench_text_duration((uint64_t)bench_histogram_mean_ns(histogram)).text);
    for (size_t i = 0; i < BENCH_REPORT__PERCENTS_COUNT; i++) {
        uint64_t ns = bench_histogram_percentile_ns(histogram, bench_report__percents[i]);
        text_builder_add(out, " %9s", bench_text_duration(ns).text);
    }
    text_builder_add(out, " %9s\n", bench_text_duration(histogram->most_ns).text);
}

static void bench_report__all_times(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;

    bench_report__head(out);
    bench_report__times("connect", &result->connect, out);
    if (summary->options->rate == 0) {
        bench_report__times("round trip", &result->service, out);
        return;
    }
    bench_report__times("service time", &result->service, out);
    bench_report__times("response time", &result->response, out);
    bench_report__times("generator lag", &result->lag, out);
}

/* ---- processors and memory ---- */

static void bench_report__server(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_options *options = summary->options;
    uint64_t grown = summary->server_bytes > summary->server_bytes_before
                         ? summary->server_bytes - summary->server_bytes_before
                         : 0;

    if (!summary->has_server) return;
    text_builder_add(out, "%-14s %.2f of a processor", "server",
                     summary->server_wall_ns > 0
                         ? (double)summary->server_cpu_ns / (double)summary->server_wall_ns
                         : 0);
    if (summary->server_messages > 0)
        text_builder_add(
            out, ", %s of processor time per %s",
            bench_text_duration(summary->server_cpu_ns / summary->server_messages).text,
            bench_report__units[options->mode].one);
    text_builder_add(out, ", %s of memory", amount_bytes(summary->server_bytes).text);
    if (options->mode == BENCH_IDLE)
        text_builder_add(out, " (%s bytes more per connection)",
                         bench_text_count(grown / options->connections).text);
    text_builder_add(out, "\n");
}

static void bench_report__processors(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;

    text_builder_add(out, "\n");
    bench_report__server(summary, out);
    if (result->wall_ns > 0)
        text_builder_add(out,
                         "%-14s %.2f of a processor per thread; waited for one for %.0f %% of the "
                         "time\n",
                         "generator", (double)result->cpu_ns / (double)result->wall_ns,
                         100 * (double)result->waited_ns / (double)result->wall_ns);
}

/* ---- what to mistrust ---- */

static void bench_report__errors(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;

    for (enum bench_error i = 0; i < BENCH_ERRORS_COUNT; i++)
        if (result->errors[i] > 0)
            text_builder_add(out, "%-14s %s %s: %s\n", "ERROR",
                             bench_text_count(result->errors[i]).text, bench_error_text(i),
                             result->examples[i]);
    if (result->messages == 0 && !summary->was_stopped)
        text_builder_add(out, "%-14s nothing was measured\n", "ERROR");
}

void bench_report_write(const struct bench_summary *summary, struct text_builder *out)
{
    char limit[512];

    bench_report__plan(summary, out);
    bench_report__messages(summary, out);
    bench_report__all_times(summary, out);
    bench_report__processors(summary, out);
    bench_report__errors(summary, out);
    bench_summary_limit(summary, limit, sizeof limit);
    if (limit[0] != '\0') text_builder_add(out, "%-14s %s\n", "NOT GOOD", limit);
    if (summary->was_stopped)
        text_builder_add(out, "%-14s the run was stopped before its end\n", "NOTE");
}
