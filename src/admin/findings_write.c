/* SPDX-License-Identifier: MIT */
/* findings_write.c - hands the snapshots, the last scan, the pings and the last reload to the
 * rules, and writes what they find. */
#include "findings_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_state.h"
#include "findings.h"

#define FINDINGS_WRITE__WORKERS_MAX 255
#define FINDINGS_WRITE__GROUPS_MAX 256
#define FINDINGS_WRITE__LISTENER_BYTES (WEIR_ADDRESS_TEXT_BYTES + 8)

/* What the rules get, and the memory that it points to. */
struct findings_write__figures {
    struct findings_input input;
    struct findings_worker workers[FINDINGS_WRITE__WORKERS_MAX];
    struct findings_handler handlers[WEIR_LISTENERS_MAX];
    char listeners[WEIR_LISTENERS_MAX][FINDINGS_WRITE__LISTENER_BYTES];
    struct findings_certificate certificates[SNAPSHOT_TLS_MAX];
    struct findings_group groups[FINDINGS_WRITE__GROUPS_MAX];
    struct findings_scan scan;
};

/* ---- durations ---- */

/* Returns what was measured in the window; `before` null: since the start. */
static struct findings_durations findings_write__durations(const struct weir_histogram *now,
                                                           const struct weir_histogram *before)
{
    struct weir_histogram grown = *now;

    if (before) weir_histogram_subtract(&grown, before);
    return (struct findings_durations){
        .count = grown.count,
        .p50_ns = weir_histogram_percentile_ns(&grown, 500),
        .p99_ns = weir_histogram_percentile_ns(&grown, 990),
    };
}

/* Returns the earlier handler durations of the listener; null: it is new. */
static const struct weir_histogram *findings_write__earlier(const struct snapshot *before,
                                                            uint32_t listener)
{
    for (size_t i = 0; i < before->listeners_count; i++)
        if (before->listeners[i].id == listener) return &before->handlers[i];
    return NULL;
}

static void findings_write__handlers(struct findings_write__figures *figures,
                                     const struct snapshot *before, const struct snapshot *now)
{
    for (size_t i = 0; i < now->listeners_count; i++) {
        const struct weir_listener_info *info = &now->listeners[i];
        char address[WEIR_ADDRESS_TEXT_BYTES];
        snprintf(figures->listeners[i], sizeof figures->listeners[i], "%s %s",
                 info->proto == WEIR_TCP ? "tcp" : "udp",
                 weir_address_text(&info->address, address, sizeof address));
        figures->handlers[i] = (struct findings_handler){
            .name = info->handler,
            .listener = figures->listeners[i],
            .durations = findings_write__durations(&now->handlers[i],
                                                   findings_write__earlier(before, info->id)),
        };
    }
    figures->input.handlers = figures->handlers;
    figures->input.handlers_count = now->listeners_count;
    figures->input.loop = findings_write__durations(&now->iterations, &before->iterations);
}

/* ---- workers, certificates, sessions ---- */

static void findings_write__workers(struct findings_write__figures *figures,
                                    const struct health *health, const struct snapshot *before,
                                    const struct snapshot *now)
{
    uint32_t count = now->workers_count;

    if (count > FINDINGS_WRITE__WORKERS_MAX) count = FINDINGS_WRITE__WORKERS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct weir_worker_stats *worker = &now->workers[i];
        uint64_t busy_before_ns = i < before->workers_count ? before->workers[i].busy_ns : 0;
        figures->workers[i] = (struct findings_worker){
            .memory_bytes = worker->memory_bytes,
            .memory_max_bytes = worker->memory_max_bytes,
            .busy_ms = (worker->busy_ns - busy_before_ns) / 1000000,
            .silent_ms = health_silent_ms(health, i),
        };
    }
    figures->input.workers = figures->workers;
    figures->input.workers_count = count;
}

static void findings_write__certificates(struct findings_write__figures *figures,
                                         const struct snapshot *now)
{
    for (size_t i = 0; i < now->tls_count; i++)
        figures->certificates[i] =
            (struct findings_certificate){now->tls[i].name, now->tls[i].stats.expires_s};
    figures->input.certificates = figures->certificates;
    figures->input.certificates_count = now->tls_count;
    figures->input.now_unix_s = now->at_unix_ms / 1000;
}

static void findings_write__sessions(struct findings_write__figures *figures,
                                     const struct scan *scan)
{
    findings_scan_begin(&figures->scan);
    for (size_t i = 0; i < scan->sessions_count; i++) {
        const struct weir_session_info *info = &scan->sessions[i];
        const struct findings_session session = {
            .id = info->id,
            .peer = info->peer,
            .pause = info->pause,
            .paused_ms = info->paused_ms,
            .queued_bytes = info->queued_bytes,
            .partial_bytes = info->partial_bytes,
            .partial_ms = info->partial_ms,
            .deadline_ms = info->deadline_ms,
            .deadline_reason = info->deadline_reason,
        };
        findings_scan_add(&figures->scan, &session);
    }
    figures->input.scan = &figures->scan;
}

/* Only groups whose members miss messages matter. */
static void findings_write__groups(struct findings_write__figures *figures, const struct scan *scan)
{
    size_t count = 0;

    for (size_t i = 0; i < scan->groups_count && count < FINDINGS_WRITE__GROUPS_MAX; i++) {
        const struct scan_group *group = &scan->groups[i];
        uint64_t dropped = group->dropped_full + group->dropped_closed + group->dropped_not_framed +
                           group->dropped_no_memory + group->dropped_reply + group->dropped_late;
        if (dropped == 0) continue;
        figures->groups[count++] = (struct findings_group){group->name, strlen(group->name),
                                                           group->members, group->offered, dropped};
    }
    figures->input.groups = figures->groups;
    figures->input.groups_count = count;
}

/* Counts names that are separated by commas. */
static uint32_t findings_write__count_names(const char *names)
{
    uint32_t count = names[0] != '\0' ? 1 : 0;

    for (; *names != '\0'; names++) count += *names == ',' ? 1u : 0u;
    return count;
}

/* Returns the snapshot with which the window begins: the oldest one, if the ring of snapshots is
 * full. Until then the window begins with the server, whose counters were 0. */
static const struct snapshot *findings_write__begin(const struct admin *admin,
                                                    const struct snapshot *now)
{
    static const struct snapshot start = {.at_ms = 0};
    const struct snapshot *oldest = snapshots_oldest(&admin->snapshots);
    uint64_t full_ms = (uint64_t)SNAPSHOT_KEPT_COUNT * SNAPSHOT_KEPT_EVERY_MS;

    return oldest && now->at_ms - admin->started_ms > full_ms ? oldest : &start;
}

static void findings_write__fill(struct findings_write__figures *figures, struct admin *admin,
                                 const struct snapshot *now)
{
    const struct snapshot *before = findings_write__begin(admin, now);
    const struct scan *scan = scans_last(&admin->scans);

    figures->input = (struct findings_input){
        .window_ms = now->at_ms - (before->at_ms > 0 ? before->at_ms : admin->started_ms),
        .before = &before->stats,
        .now = &now->stats,
        .sessions_max = admin->settings.sessions_max,
    };
    if (now->has_cluster) {
        figures->input.cluster = &now->cluster;
        figures->input.cluster_before = &before->cluster;
    }
    if (admin->was_reloaded && admin->reload_result != ADMIN_RELOAD_DONE)
        figures->input.reload_error = admin->reload_text;
    figures->input.needs_restart_count = findings_write__count_names(admin->needs_restart);
    findings_write__handlers(figures, before, now);
    findings_write__workers(figures, &admin->health, before, now);
    findings_write__certificates(figures, now);
    if (!scan) return;
    findings_write__sessions(figures, scan);
    findings_write__groups(figures, scan);
}

/* ---- the answer ---- */

static void findings_write__one(struct json *json, const struct finding *finding)
{
    char session[17] = "";

    if (finding->session != 0) snprintf(session, sizeof session, "%016" PRIx64, finding->session);
    json_begin_object(json, NULL);
    json_text(json, "id", finding->id);
    json_text(json, "severity", findings_severity_text(finding->severity));
    json_text(json, "text", finding->text);
    json_text(json, "evidence", finding->evidence);
    json_text(json, "advice", finding->advice);
    json_text(json, "setting", finding->setting);
    json_text(json, "session", session);
    json_end_object(json);
}

void findings_write(struct json *json, struct admin *admin, const struct snapshot *now)
{
    struct findings_write__figures figures;
    struct findings findings;

    findings_write__fill(&figures, admin, now);
    findings_collect(&figures.input, &findings);
    json_begin_array(json, "findings");
    for (size_t i = 0; i < findings.count; i++) findings_write__one(json, &findings.items[i]);
    json_end_array(json);
}
