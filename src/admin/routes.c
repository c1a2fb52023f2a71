/* SPDX-License-Identifier: MIT */
/* routes.c - see routes.h. */
#include "routes.h"

#include <stdio.h>
#include <string.h>

#include "admin_state.h"
#include "cluster_json.h"
#include "findings_write.h"
#include "metrics.h"
#include "page_bytes.h"
#include "stats_json.h"

/* ---- the page ---- */

void routes_page(struct visit *visit)
{
    char more[1024];

    snprintf(more, sizeof more,
             "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; %s\r\n",
             page_csp);
    visit_answer_bytes(visit, "text/html; charset=utf-8", more, page_bytes, page_bytes_length);
}

/* ---- for load balancers ---- */

static void routes__answer_health(struct visit *visit, bool is_late)
{
    struct admin *admin = visit->admin;
    char why[512];

    (void)is_late; /* the verdict says which worker is late */
    bool is_healthy = health_check(&admin->health, atomic_load(&admin->observed), why, sizeof why);
    visit_answer_text(visit, is_healthy ? 200 : 503, why);
}

void routes_healthz(struct visit *visit)
{
    struct admin *admin = visit->admin;
    struct weir_server *observed = atomic_load(&admin->observed);

    if (!observed)
        visit_answer_text(visit, 200, "ok, starting");
    else if (health_ask(&admin->health, admin->own, observed))
        visit_wait(visit, &admin->health.waiting, HEALTH_WAIT_MS, routes__answer_health);
    else
        routes__answer_health(visit, false);
}

void routes_readyz(struct visit *visit)
{
    struct admin *admin = visit->admin;
    struct weir_server *observed = atomic_load(&admin->observed);

    if (!observed)
        visit_answer_text(visit, 503, "starting");
    else if (atomic_load(&admin->is_draining))
        visit_answer_text(visit, 503, "draining");
    else if (weir_server_failure(observed, NULL) != WEIR_OK)
        visit_answer_text(visit, 503, "a worker has failed");
    else
        visit_answer_text(visit, 200, "ready");
}

/* ---- figures ---- */

static bool routes__is_ready(const struct admin *admin)
{
    return !atomic_load(&admin->is_draining) &&
           weir_server_failure(atomic_load(&admin->observed), NULL) == WEIR_OK;
}

/* Takes a snapshot. Null after answering that there is none. */
static const struct snapshot *routes__snapshot(struct visit *visit)
{
    struct admin *admin = visit->admin;
    const struct snapshot *snapshot = snapshots_take(
        &admin->snapshots, atomic_load(&admin->observed), admin_state_tls_names(admin));

    if (!snapshot) visit_answer_text(visit, 503, "out of memory");
    return snapshot;
}

/* Writes names that are separated by ", ". */
static void routes__names(struct json *json, const char *name, const char *names)
{
    json_begin_array(json, name);
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        json_bytes(json, NULL, names, length);
        names += length;
        names += strspn(names, ", ");
    }
    json_end_array(json);
}

static void routes__reload(struct json *json, const struct admin *admin)
{
    if (!admin->was_reloaded) {
        json_null(json, "reload");
        return;
    }
    json_begin_object(json, "reload");
    json_bool(json, "successful", admin->reload_result == ADMIN_RELOAD_DONE);
    json_i64(json, "at_unix_ms", admin->reloaded_unix_ms);
    json_text(json, "text", admin->reload_text);
    routes__names(json, "needs_restart", admin->needs_restart);
    json_end_object(json);
}

void routes_stats(struct visit *visit)
{
    struct admin *admin = visit->admin;
    const struct snapshot *snapshot = routes__snapshot(visit);
    struct body body = {0};
    struct json json = {.body = &body};

    if (!snapshot) return;
    (void)health_ask(&admin->health, admin->own, atomic_load(&admin->observed)); /* for findings */
    json_begin_object(&json, NULL);
    json_text(&json, "version", weir_version());
    json_u64(&json, "node", admin->settings.node);
    json_u64(&json, "sessions_max", admin->settings.sessions_max);
    json_u64(&json, "uptime_ms", snapshot->at_ms - admin->started_ms);
    json_i64(&json, "now_ms", snapshot->at_unix_ms);
    json_bool(&json, "ready", routes__is_ready(admin));
    json_bool(&json, "lists_groups", true);
    json_bool(&json, "draining", atomic_load(&admin->is_draining));
    stats_json_write(&json, snapshot);
    cluster_json_write(&json, snapshot, admin->settings.read_nodes);
    routes__reload(&json, admin);
    findings_write(&json, admin, snapshot);
    json_end_object(&json);
    visit_answer_body(visit, "application/json", &body);
}

static void routes__answer_findings(struct visit *visit, bool is_late)
{
    struct admin *admin = visit->admin;
    const struct snapshot *snapshot = routes__snapshot(visit);
    struct body body = {0};
    struct json json = {.body = &body};

    (void)is_late; /* then without the sessions, or with those of the scan before */
    if (!snapshot) return;
    json_begin_object(&json, NULL);
    findings_write(&json, admin, snapshot);
    json_end_object(&json);
    visit_answer_body(visit, "application/json", &body);
}

void routes_findings(struct visit *visit)
{
    struct admin *admin = visit->admin;

    if (!scans_ask(&admin->scans, admin->own, atomic_load(&admin->observed)) &&
        admin->scans.running)
        visit_wait(visit, &admin->scans.waiting, SCAN_WAIT_MS, routes__answer_findings);
    else
        routes__answer_findings(visit, false);
}

/* ---- metrics ---- */

bool routes_takes_openmetrics(const char *accept)
{
    return accept && strstr(accept, "application/openmetrics-text");
}

static uint32_t routes__count_names(const char *names)
{
    uint32_t count = names[0] != '\0' ? 1 : 0;

    for (; *names != '\0'; names++) count += *names == ',' ? 1u : 0u;
    return count;
}

void routes_metrics(struct visit *visit)
{
    struct admin *admin = visit->admin;
    const struct snapshot *snapshot = routes__snapshot(visit);
    struct admin_process process;
    struct metrics_state state = {
        .server = atomic_load(&admin->observed),
        .is_ready = routes__is_ready(admin),
        .is_draining = atomic_load(&admin->is_draining),
        .was_reloaded = admin->was_reloaded,
        .reload_succeeded = admin->reload_result == ADMIN_RELOAD_DONE,
        .reloaded_unix_ms = admin->reloaded_unix_ms,
        .needs_restart_count = routes__count_names(admin->needs_restart),
    };
    struct body body = {0};
    struct exposition exposition = {.body = &body, .is_openmetrics = visit->takes_openmetrics};

    if (!snapshot) return;
    if (admin->settings.read_process && admin->settings.read_process(&process))
        state.process = &process;
    metrics_write(&exposition, snapshot, &state);
    visit_answer_body(visit,
                      visit->takes_openmetrics
                          ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8",
                      &body);
}
