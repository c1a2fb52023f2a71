/* SPDX-License-Identifier: MIT */
/* bench_json.c - see bench_json.h. Durations are whole nanoseconds. */
#include "bench_json.h"

#include <inttypes.h>

#include <weir/weir.h>

#include "json_escape.h"

#define BENCH_JSON__TEXT_BYTES (JSON_ESCAPE_FACTOR * 512 + 1)

static void bench_json__text(struct text_builder *out, const char *key, const char *text)
{
    char escaped[BENCH_JSON__TEXT_BYTES];

    json_escape(text, escaped, sizeof escaped);
    text_builder_add(out, "\"%s\":\"%s\",", key, escaped);
}

static void bench_json__number(struct text_builder *out, const char *key, uint64_t number)
{
    text_builder_add(out, "\"%s\":%" PRIu64 ",", key, number);
}

static void bench_json__fraction(struct text_builder *out, const char *key, double number)
{
    text_builder_add(out, "\"%s\":%.6f,", key, number);
}

static void bench_json__bool(struct text_builder *out, const char *key, bool value)
{
    text_builder_add(out, "\"%s\":%s,", key, value ? "true" : "false");
}

static void bench_json__begin(struct text_builder *out, const char *key)
{
    text_builder_add(out, "\"%s\":{", key);
}

/* Ends an object: removes the comma after its last member. */
static void bench_json__end(struct text_builder *out, const char *after)
{
    if (out->bytes[out->used - 1] == ',') out->used--;
    text_builder_add(out, "}%s", after);
}

static void bench_json__plan(const struct bench_summary *summary, struct text_builder *out)
{
    static const char *const modes[] = {"echo", "connect", "idle", "broadcast"};
    const struct bench_options *options = summary->options;

    bench_json__text(out, "weir", weir_version());
    bench_json__text(out, "address", options->address);
    bench_json__text(out, "mode", modes[options->mode]);
    bench_json__text(out, "protocol", options->udp ? "udp" : "tcp");
    bench_json__bool(out, "tls", options->tls);
    bench_json__bool(out, "websocket", options->websocket != NULL);
    bench_json__text(out, "codec",
                     options->udp         ? "datagram"
                     : options->websocket ? "websocket"
                                          : options->codec);
    bench_json__number(out, "connections", options->connections);
    bench_json__number(out, "threads", options->threads);
    bench_json__number(out, "size_bytes", options->size);
    bench_json__number(out, "depth", options->depth);
    bench_json__text(out, "loop", options->rate > 0 ? "open" : "closed");
    bench_json__number(out, "rate", options->rate);
    bench_json__fraction(out, "warmup_s", options->warmup_ms / 1e3);
}

static void bench_json__times(struct text_builder *out, const char *key,
                              const struct bench_histogram *histogram)
{
    static const struct {
        const char *key;
        double percent;
    } rows[] = {{"p50", 50}, {"p75", 75},     {"p90", 90},      {"p95", 95},
                {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}};

    bench_json__begin(out, key);
    bench_json__number(out, "count", histogram->count);
    bench_json__number(out, "min", histogram->least_ns);
    bench_json__number(out, "mean", (uint64_t)bench_histogram_mean_ns(histogram));
    bench_json__number(out, "deviation", (uint64_t)bench_histogram_deviation_ns(histogram));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bench_json__number(out, rows[i].key,
                           bench_histogram_percentile_ns(histogram, rows[i].percent));
    bench_json__number(out, "max", histogram->most_ns);
    bench_json__end(out, ",");
}

static void bench_json__figures(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;

    bench_json__fraction(out, "elapsed_s", (double)summary->elapsed_ns / 1e9);
    bench_json__number(out, "messages", result->messages);
    bench_json__fraction(out, "messages_per_s", bench_summary_rate(summary));
    bench_json__number(out, "verified_bytes", result->verified_bytes);
    bench_json__number(out, "connected", result->connected);
    bench_json__number(out, "lost", result->lost);
    bench_json__number(out, "others", result->others);
    bench_json__times(out, "service_ns", &result->service);
    bench_json__times(out, "response_ns", &result->response);
    bench_json__times(out, "lag_ns", &result->lag);
    bench_json__times(out, "connect_ns", &result->connect);
}

static void bench_json__processors(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;
    char limit[512];

    bench_summary_limit(summary, limit, sizeof limit);
    bench_json__begin(out, "generator");
    bench_json__fraction(out, "cpu_s", (double)result->cpu_ns / 1e9);
    bench_json__fraction(out, "waited_s", (double)result->waited_ns / 1e9);
    bench_json__fraction(out, "busiest_thread", result->busiest);
    bench_json__bool(out, "was_limit", limit[0] != '\0');
    bench_json__text(out, "why", limit);
    bench_json__end(out, ",");
    if (!summary->has_server) return;
    bench_json__begin(out, "server");
    bench_json__number(out, "pid", summary->options->pid);
    bench_json__fraction(out, "cpu_s", (double)summary->server_cpu_ns / 1e9);
    bench_json__fraction(out, "wall_s", (double)summary->server_wall_ns / 1e9);
    bench_json__number(out, "messages", summary->server_messages);
    if (summary->server_messages > 0)
        bench_json__number(out, "cpu_ns_per_message",
                           summary->server_cpu_ns / summary->server_messages);
    bench_json__number(out, "memory_bytes_before", summary->server_bytes_before);
    bench_json__number(out, "memory_bytes", summary->server_bytes);
    bench_json__end(out, ",");
}

static void bench_json__errors(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_result *result = &summary->result;

    bench_json__begin(out, "errors");
    for (enum bench_error i = 0; i < BENCH_ERRORS_COUNT; i++)
        bench_json__number(out, bench_error_name(i), result->errors[i]);
    bench_json__end(out, ",");
    bench_json__begin(out, "examples");
    for (enum bench_error i = 0; i < BENCH_ERRORS_COUNT; i++)
        if (result->errors[i] > 0) bench_json__text(out, bench_error_name(i), result->examples[i]);
    bench_json__end(out, ",");
}

void bench_json_write(const struct bench_summary *summary, struct text_builder *out)
{
    text_builder_add(out, "{");
    bench_json__plan(summary, out);
    bench_json__figures(summary, out);
    bench_json__processors(summary, out);
    bench_json__errors(summary, out);
    bench_json__bool(out, "stopped", summary->was_stopped);
    bench_json__bool(out, "right", bench_summary_is_right(summary));
    bench_json__end(out, "\n");
}
