/* SPDX-License-Identifier: MIT */
/* routes.c - see routes.h. */
#include "routes.h"

#include <stdio.h>

#include "admin_state.h"
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

void routes_stats(struct visit *visit)
{
    static const char *const no_names[] = {NULL};
    struct admin *admin = visit->admin;
    struct weir_server *observed = atomic_load(&admin->observed);
    const struct snapshot *snapshot =
        snapshots_take(&admin->snapshots, observed,
                       admin->settings.tls_names ? admin->settings.tls_names : no_names);
    struct body body = {0};
    struct json json = {.body = &body};

    if (!snapshot) {
        visit_answer_text(visit, 503, "out of memory");
        return;
    }
    json_begin_object(&json, NULL);
    json_text(&json, "version", weir_version());
    json_u64(&json, "node", admin->settings.node);
    json_u64(&json, "uptime_ms", snapshot->at_ms - admin->started_ms);
    json_i64(&json, "now_ms", snapshot->at_unix_ms);
    json_bool(&json, "ready",
              !atomic_load(&admin->is_draining) && weir_server_failure(observed, NULL) == WEIR_OK);
    json_bool(&json, "draining", atomic_load(&admin->is_draining));
    stats_json_write(&json, snapshot);
    json_begin_array(&json, "findings");
    json_end_array(&json);
    json_end_object(&json);
    visit_answer_body(visit, "application/json", &body);
}
