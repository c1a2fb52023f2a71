/* SPDX-License-Identifier: MIT */
/* stats_json.c - see stats_json.h. */
#include "stats_json.h"

static const struct stats_json__member {
    const char *name;
    size_t offset;
} stats_json__members[] = {
#define STAT(member, type, family, label, help) {#member, offsetof(struct weir_stats, member)},
#include "stats.def"
#undef STAT
};

#define STATS_JSON__COUNT (sizeof stats_json__members / sizeof stats_json__members[0])

/* A member that is missing in stats.def would be missing in /stats.json and /metrics. */
_Static_assert(sizeof(struct weir_stats) == STATS_JSON__COUNT * sizeof(uint64_t) +
                                                sizeof(((struct weir_stats *)0)->closed_by_reason),
               "add the new member of struct weir_stats to stats.def");

static void stats_json__stats(struct json *json, const struct weir_stats *stats)
{
    json_begin_object(json, "stats");
    for (size_t i = 0; i < STATS_JSON__COUNT; i++)
        json_u64(json, stats_json__members[i].name,
                 *(const uint64_t *)((const char *)stats + stats_json__members[i].offset));
    json_begin_object(json, "closed_by_reason");
    for (int reason = WEIR_REASON_NONE + 1; reason < WEIR_REASONS_COUNT; reason++)
        json_u64(json, weir_reason_text((enum weir_reason)reason), stats->closed_by_reason[reason]);
    json_end_object(json);
    json_end_object(json);
}

static void stats_json__worker(struct json *json, const struct weir_worker_stats *worker)
{
    json_begin_object(json, NULL);
    json_u64(json, "loop_iterations", worker->loop_iterations);
    json_u64(json, "iteration_max_ns", worker->iteration_max_ns);
    json_u64(json, "handler_max_ns", worker->handler_max_ns);
    json_u64(json, "timer_lag_max_ms", worker->timer_lag_max_ms);
    json_u64(json, "sessions", worker->sessions);
    json_u64(json, "datagram_sessions", worker->datagram_sessions);
    json_u64(json, "mailbox_commands", worker->mailbox_commands);
    json_u64(json, "mailbox_bytes", worker->mailbox_bytes);
    json_u64(json, "commands", worker->commands);
    json_u64(json, "commands_refused", worker->commands_refused);
    json_u64(json, "queued_bytes", worker->queued_bytes);
    json_u64(json, "buffer_bytes", worker->buffer_bytes);
    json_u64(json, "memory_bytes", worker->memory_bytes);
    json_u64(json, "memory_max_bytes", worker->memory_max_bytes);
    json_u64(json, "busy_ns", worker->busy_ns);
    json_end_object(json);
}

static void stats_json__listener(struct json *json, const struct weir_listener_info *listener)
{
    char text[WEIR_ADDRESS_TEXT_BYTES];

    json_begin_object(json, NULL);
    json_u64(json, "id", listener->id);
    json_text(json, "proto", listener->proto == WEIR_TCP ? "tcp" : "udp");
    json_text(json, "address", weir_address_text(&listener->address, text, sizeof text));
    json_text(json, "transport", listener->transport);
    json_u64(json, "workers", listener->workers);
    json_text(json, "codec", listener->codec);
    json_text(json, "handler", listener->handler);
    json_text(json, "tls", listener->tls);
    json_text(json, "websocket", listener->websocket);
    json_bool(json, "proxy", listener->proxy == WEIR_PROXY_REQUIRED);
    json_u64(json, "sessions", listener->sessions);
    json_end_object(json);
}

static void stats_json__tls(struct json *json, const struct snapshot_tls *tls)
{
    json_begin_object(json, NULL);
    json_text(json, "name", tls->name);
    json_i64(json, "expires_unix_s", tls->stats.expires_s);
    json_u64(json, "handshakes", tls->stats.handshakes);
    json_u64(json, "resumed", tls->stats.resumed);
    json_u64(json, "failed", tls->stats.failed);
    json_u64(json, "refused_full", tls->stats.refused_full);
    json_u64(json, "refused_rate", tls->stats.refused_rate);
    json_u64(json, "replaced", tls->stats.replaced);
    json_end_object(json);
}

/* Writes the members of a histogram into the open object. */
static void stats_json__histogram(struct json *json, const struct weir_histogram *histogram)
{
    json_u64(json, "count", histogram->count);
    json_u64(json, "sum_ns", histogram->sum_ns);
    json_begin_array(json, "upper_ns");
    for (uint32_t i = 0; i < histogram->buckets_count; i++)
        json_u64(json, NULL, histogram->upper_ns[i]);
    json_end_array(json);
    json_begin_array(json, "counts");
    for (uint32_t i = 0; i < histogram->buckets_count; i++)
        json_u64(json, NULL, histogram->counts[i]);
    json_end_array(json);
}

static void stats_json__histograms(struct json *json, const struct snapshot *snapshot)
{
    json_begin_object(json, "histograms");
    json_begin_object(json, "loop_iteration");
    stats_json__histogram(json, &snapshot->iterations);
    json_end_object(json);
    json_begin_object(json, "opening");
    stats_json__histogram(json, &snapshot->openings);
    json_end_object(json);
    json_begin_array(json, "handlers");
    for (size_t i = 0; i < snapshot->listeners_count; i++) {
        json_begin_object(json, NULL);
        json_u64(json, "listener", snapshot->listeners[i].id);
        json_text(json, "handler", snapshot->listeners[i].handler);
        stats_json__histogram(json, &snapshot->handlers[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

void stats_json_write(struct json *json, const struct snapshot *snapshot)
{
    stats_json__stats(json, &snapshot->stats);
    json_begin_array(json, "workers");
    for (uint32_t i = 0; i < snapshot->workers_count; i++)
        stats_json__worker(json, &snapshot->workers[i]);
    json_end_array(json);
    json_begin_array(json, "listeners");
    for (size_t i = 0; i < snapshot->listeners_count; i++)
        stats_json__listener(json, &snapshot->listeners[i]);
    json_end_array(json);
    stats_json__histograms(json, snapshot);
    json_begin_array(json, "tls");
    for (size_t i = 0; i < snapshot->tls_count; i++) stats_json__tls(json, &snapshot->tls[i]);
    json_end_array(json);
}
