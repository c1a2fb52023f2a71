/* SPDX-License-Identifier: MIT */
/* metrics.c - see metrics.h. */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "metrics_histograms.h"

enum metrics__type { METRICS__COUNTER, METRICS__GAUGE, METRICS__GAUGE_MS, METRICS__HIDDEN };

struct metrics__member {
    size_t offset;
    enum metrics__type type;
    const char *family, *label, *help;
};

static const struct metrics__member metrics__members[] = {
#define STAT(member, type, family, label, help) \
    {offsetof(struct weir_stats, member), METRICS__##type, family, label, help},
#include "stats.def"
#undef STAT
};

static const struct metrics__member metrics__cluster_members[] = {
#define STAT(member, type, family, label, help) \
    {offsetof(struct weir_cluster_stats, member), METRICS__##type, family, label, help},
#include "cluster.def"
#undef STAT
};

#define METRICS__COUNT(members) (sizeof(members) / sizeof((members)[0]))
#define METRICS__NS UINT64_C(1000000000)

/* ---- struct weir_stats ---- */

/* Adds "name=value" as a label. */
static void metrics__label(struct exposition *exposition, const char *pair)
{
    char name[32];
    const char *value = strchr(pair, '=');

    if (!value) return;
    snprintf(name, sizeof name, "%.*s", (int)(value - pair), pair);
    exposition_label(exposition, name, value + 1);
}

/* Writes the members of *stats, a struct of the table. */
static void metrics__write_members(struct exposition *exposition, const void *stats,
                                   const struct metrics__member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct metrics__member *member = &members[i];
        uint64_t value = *(const uint64_t *)(const void *)((const char *)stats + member->offset);
        if (member->type == METRICS__HIDDEN) continue;
        if (member->help[0] != '\0')
            exposition_family(exposition, member->family,
                              member->type == METRICS__COUNTER ? EXPOSITION_COUNTER
                                                               : EXPOSITION_GAUGE,
                              member->help);
        metrics__label(exposition, member->label);
        if (member->type == METRICS__GAUGE_MS)
            exposition_seconds(exposition, value, 1000);
        else
            exposition_u64(exposition, value);
    }
}

static void metrics__cluster(struct exposition *exposition, const struct snapshot *snapshot)
{
    enum weir_cluster_state state = snapshot->cluster.state;

    if (!snapshot->has_cluster) return;
    exposition_family(exposition, "cluster_connected", EXPOSITION_GAUGE,
                      "1 while this node works with the others, 0 while the broker is away or the "
                      "number of this node is refused.");
    exposition_u64(exposition, state == WEIR_CLUSTER_CONNECTED ? 1 : 0);
    exposition_family(exposition, "cluster_refused_number", EXPOSITION_GAUGE,
                      "1 while another node has the number of this one.");
    exposition_u64(exposition, state == WEIR_CLUSTER_REFUSED ? 1 : 0);
    metrics__write_members(exposition, &snapshot->cluster, metrics__cluster_members,
                           METRICS__COUNT(metrics__cluster_members));
}

/* TCP sessions by listener, 0: outbound ones, and those of removed listeners; UDP sessions. */
static void metrics__open(struct exposition *exposition, const struct snapshot *snapshot)
{
    const struct weir_stats *stats = &snapshot->stats;
    uint64_t others = stats->open;

    exposition_family(exposition, "sessions_open", EXPOSITION_GAUGE, "Open sessions.");
    for (size_t i = 0; i < snapshot->listeners_count; i++) {
        const struct weir_listener_info *listener = &snapshot->listeners[i];
        if (listener->proto != WEIR_TCP) continue;
        exposition_label_u64(exposition, "listener", listener->id);
        exposition_label(exposition, "proto", "tcp");
        exposition_u64(exposition, listener->sessions);
        others -= others < listener->sessions ? others : listener->sessions;
    }
    exposition_label(exposition, "listener", "0");
    exposition_label(exposition, "proto", "tcp");
    exposition_u64(exposition, others);
    exposition_label(exposition, "proto", "udp");
    exposition_u64(exposition, stats->peers_opened > stats->peers_closed
                                   ? stats->peers_opened - stats->peers_closed
                                   : 0);
}

static void metrics__closed(struct exposition *exposition, const struct weir_stats *stats)
{
    exposition_family(exposition, "sessions_closed", EXPOSITION_COUNTER,
                      "Sessions that ended, TCP and UDP, by reason.");
    for (int reason = WEIR_REASON_NONE + 1; reason < WEIR_REASONS_COUNT; reason++) {
        exposition_label(exposition, "reason", weir_reason_text((enum weir_reason)reason));
        exposition_u64(exposition, stats->closed_by_reason[reason]);
    }
}

/* ---- workers ---- */

/* A member of struct weir_worker_stats. */
struct metrics__worker_member {
    size_t offset;
    enum exposition_type type;
    uint64_t per_second; /* 0: no time */
    const char *family, *help;
};

static const struct metrics__worker_member metrics__worker_members[] = {
#define WORKER(member, type, per_second, family, help)                                          \
    {                                                                                           \
        offsetof(struct weir_worker_stats, member), EXPOSITION_##type, per_second, family, help \
    }
    WORKER(sessions, GAUGE, 0, "worker_sessions_open", "Open TCP sessions of a worker."),
    WORKER(datagram_sessions, GAUGE, 0, "worker_datagram_sessions_open",
           "Open UDP sessions of a worker."),
    WORKER(loop_iterations, COUNTER, 0, "worker_loop_iterations",
           "Iterations of a worker's event loop."),
    WORKER(iteration_max_ns, GAUGE, METRICS__NS, "worker_iteration_max_seconds",
           "Longest iteration of a worker's event loop since the start."),
    WORKER(handler_max_ns, GAUGE, METRICS__NS, "worker_handler_max_seconds",
           "Longest time of the callbacks of one event since the start, of a sample."),
    WORKER(timer_lag_max_ms, GAUGE, 1000, "worker_timer_lag_max_seconds",
           "Longest delay of a worker's timers since the start."),
    WORKER(mailbox_commands, GAUGE, 0, "worker_mailbox_commands",
           "Commands that wait in a worker's mailbox."),
    WORKER(mailbox_bytes, GAUGE, 0, "worker_mailbox_bytes",
           "Memory of the messages that wait in a worker's mailbox."),
    WORKER(queued_bytes, GAUGE, 0, "worker_queue_bytes", "Memory of a worker's send queues."),
    WORKER(buffer_bytes, GAUGE, 0, "worker_buffer_bytes", "Memory of a worker's buffer pool."),
    WORKER(memory_bytes, GAUGE, 0, "worker_memory_bytes",
           "Memory of a worker that counts towards the memory setting."),
    WORKER(memory_max_bytes, GAUGE, 0, "worker_memory_max_bytes",
           "Part of the memory setting that a worker can use; 0: no limit."),
    WORKER(busy_ns, COUNTER, METRICS__NS, "worker_busy_seconds",
           "Time that a worker's loop iterations took."),
#undef WORKER
};

static void metrics__workers(struct exposition *exposition, const struct snapshot *snapshot)
{
    size_t count = sizeof metrics__worker_members / sizeof metrics__worker_members[0];

    for (size_t i = 0; i < count; i++) {
        const struct metrics__worker_member *member = &metrics__worker_members[i];
        exposition_family(exposition, member->family, member->type, member->help);
        for (uint32_t worker = 0; worker < snapshot->workers_count; worker++) {
            const char *stats = (const char *)&snapshot->workers[worker];
            uint64_t value = *(const uint64_t *)(const void *)(stats + member->offset);
            exposition_label_u64(exposition, "worker", worker);
            if (member->per_second > 0)
                exposition_seconds(exposition, value, member->per_second);
            else
                exposition_u64(exposition, value);
        }
    }
}

/* ---- listeners and TLS ---- */

static void metrics__listeners(struct exposition *exposition, const struct snapshot *snapshot)
{
    char text[WEIR_ADDRESS_TEXT_BYTES];

    exposition_family(exposition, "listener_info", EXPOSITION_GAUGE,
                      "A listener of the server; always 1.");
    for (size_t i = 0; i < snapshot->listeners_count; i++) {
        const struct weir_listener_info *listener = &snapshot->listeners[i];
        exposition_label_u64(exposition, "listener", listener->id);
        exposition_label(exposition, "proto", listener->proto == WEIR_TCP ? "tcp" : "udp");
        exposition_label(exposition, "address",
                         weir_address_text(&listener->address, text, sizeof text));
        exposition_label(exposition, "handler", listener->handler);
        exposition_u64(exposition, 1);
    }
}

static void metrics__tls(struct exposition *exposition, const struct snapshot *snapshot)
{
    static const char *const results[] = {"completed", "failed", "refused_full", "refused_rate"};

    if (snapshot->tls_count == 0) return;
    exposition_family(exposition, "tls_certificate_expiry_timestamp_seconds", EXPOSITION_GAUGE,
                      "Earliest expiry of a certificate, in seconds since 1970.");
    for (size_t i = 0; i < snapshot->tls_count; i++) {
        exposition_label(exposition, "name", snapshot->tls[i].name);
        exposition_i64(exposition, snapshot->tls[i].stats.expires_s);
    }
    exposition_family(exposition, "tls_handshakes", EXPOSITION_COUNTER,
                      "TLS handshakes, by result.");
    for (size_t i = 0; i < snapshot->tls_count; i++) {
        const struct weir_tls_stats *stats = &snapshot->tls[i].stats;
        const uint64_t counts[] = {stats->handshakes, stats->failed, stats->refused_full,
                                   stats->refused_rate};
        for (size_t result = 0; result < 4; result++) {
            exposition_label(exposition, "name", snapshot->tls[i].name);
            exposition_label(exposition, "result", results[result]);
            exposition_u64(exposition, counts[result]);
        }
    }
    exposition_family(exposition, "tls_handshakes_resumed", EXPOSITION_COUNTER,
                      "Completed TLS handshakes that resumed an earlier session.");
    for (size_t i = 0; i < snapshot->tls_count; i++) {
        exposition_label(exposition, "name", snapshot->tls[i].name);
        exposition_u64(exposition, snapshot->tls[i].stats.resumed);
    }
}

/* ---- the rest ---- */

static void metrics__state(struct exposition *exposition, const struct metrics_state *state)
{
    exposition_family(exposition, "build_info", EXPOSITION_GAUGE, "Version of weir; always 1.");
    exposition_label(exposition, "version", weir_version());
    exposition_u64(exposition, 1);
    exposition_family(exposition, "ready", EXPOSITION_GAUGE,
                      "1 while the server accepts sessions, as /readyz says it.");
    exposition_u64(exposition, state->is_ready ? 1 : 0);
    exposition_family(exposition, "draining", EXPOSITION_GAUGE,
                      "1 since a graceful shutdown started.");
    exposition_u64(exposition, state->is_draining ? 1 : 0);
    if (!state->was_reloaded) return;
    exposition_family(exposition, "config_last_reload_successful", EXPOSITION_GAUGE,
                      "1 if the last reload succeeded, otherwise 0.");
    exposition_u64(exposition, state->reload_succeeded ? 1 : 0);
    exposition_family(exposition, "config_last_reload_timestamp_seconds", EXPOSITION_GAUGE,
                      "Time of the last reload, in seconds since 1970.");
    exposition_i64(exposition, state->reloaded_unix_ms / 1000);
    exposition_family(exposition, "config_needs_restart", EXPOSITION_GAUGE,
                      "Changed settings that take effect after a restart only.");
    exposition_u64(exposition, state->needs_restart_count);
}

static void metrics__process(struct exposition *exposition, const struct admin_process *process)
{
    if (!process) return;
    exposition_family(exposition, "process_cpu_seconds", EXPOSITION_COUNTER,
                      "Processor time that the process used.");
    exposition_seconds(exposition, process->cpu_us, 1000000);
    exposition_family(exposition, "process_resident_memory_bytes", EXPOSITION_GAUGE,
                      "Physical memory that the process uses.");
    exposition_u64(exposition, process->resident_bytes);
    exposition_family(exposition, "process_start_time_seconds", EXPOSITION_GAUGE,
                      "Start of the process, in seconds since 1970.");
    exposition_seconds(exposition, (uint64_t)process->started_unix_ms, 1000);
    exposition_family(exposition, "process_open_fds", EXPOSITION_GAUGE,
                      "Open file descriptors or handles.");
    exposition_u64(exposition, process->files);
    if (process->files_max == 0) return;
    exposition_family(exposition, "process_max_fds", EXPOSITION_GAUGE,
                      "Limit on open file descriptors.");
    exposition_u64(exposition, process->files_max);
}

void metrics_write(struct exposition *exposition, const struct snapshot *snapshot,
                   const struct metrics_state *state)
{
    metrics__state(exposition, state);
    metrics__open(exposition, snapshot);
    metrics__write_members(exposition, &snapshot->stats, metrics__members,
                           METRICS__COUNT(metrics__members));
    metrics__closed(exposition, &snapshot->stats);
    metrics__workers(exposition, snapshot);
    if (state->server) metrics_histograms_write(exposition, state->server, snapshot);
    metrics__listeners(exposition, snapshot);
    metrics__tls(exposition, snapshot);
    metrics__cluster(exposition, snapshot);
    metrics__process(exposition, state->process);
    exposition_end(exposition);
}
