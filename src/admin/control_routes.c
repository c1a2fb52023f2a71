/* SPDX-License-Identifier: MIT */
/* control_routes.c - see control_routes.h. */
#include "control_routes.h"

#include <stdio.h>
#include <string.h>

#include "admin_state.h"
#include "duration.h"

#define CONTROL_ROUTES__RELOAD_WAIT_MS 60000u

static void control_routes__cannot(struct visit *visit)
{
    visit_answer_text(visit, 501, "this server does not offer it");
}

/* ---- drain ---- */

void control_routes_drain(struct visit *visit)
{
    const struct admin_settings *settings = &visit->admin->settings;
    const char *within = target_value(&visit->target, "within");
    uint32_t within_ms = UINT32_MAX;

    if (!settings->drain) {
        control_routes__cannot(visit);
    } else if (within && !duration_read(within, &within_ms)) {
        visit_answer_text(visit, 400, "within must be a time such as 30s");
    } else {
        atomic_store(&visit->admin->is_draining, true);
        settings->drain(settings->user, within_ms);
        visit_answer_text(visit, 202, "the server drains");
    }
}

/* ---- reload ---- */

static void control_routes__answer_reload(struct visit *visit, bool is_late)
{
    static const uint32_t statuses[] = {
        [ADMIN_RELOAD_DONE] = 200, [ADMIN_RELOAD_FAILED] = 422, [ADMIN_RELOAD_NOTHING] = 501};
    const struct admin *admin = visit->admin;
    char text[2200];

    if (is_late) {
        visit_answer_text(visit, 504, "the reload has not ended; see the log");
        return;
    }
    snprintf(text, sizeof text, "%s%s%s", admin->reload_text,
             admin->needs_restart[0] != '\0' ? "; these changes need a restart: " : "",
             admin->needs_restart);
    visit_answer_text(visit, statuses[admin->reload_result], text);
}

void control_routes_reload(struct visit *visit)
{
    struct admin *admin = visit->admin;

    if (!admin->settings.reload) {
        control_routes__cannot(visit);
        return;
    }
    visit_wait(visit, &admin->reloading, CONTROL_ROUTES__RELOAD_WAIT_MS,
               control_routes__answer_reload);
    admin->settings.reload(admin->settings.user);
}

void control_routes_reloaded(struct admin *admin)
{
    visit_list_wake(&admin->reloading);
}

/* ---- the log ---- */

void control_routes_log(struct visit *visit)
{
    static const char *const words[] = {"error", "warning", "info", "detail"};
    const struct admin_settings *settings = &visit->admin->settings;
    const char *level = target_value(&visit->target, "level");
    size_t i = 0;

    while (i < 4 && level && strcmp(words[i], level) != 0) i++;
    if (!level || i == 4)
        visit_answer_text(visit, 400, "level must be error, warning, info or detail");
    else if (!settings->set_log_level)
        control_routes__cannot(visit);
    else if (settings->set_log_level(settings->user, (enum weir_log_level)i))
        visit_answer_text(visit, 200, "the log level is changed");
    else
        visit_answer_text(visit, 503, "the log level cannot be changed now");
}
