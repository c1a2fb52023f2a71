/* SPDX-License-Identifier: MIT */
/* session_routes.c - see session_routes.h. */
#include "session_routes.h"

#include <string.h>

#include "admin_state.h"
#include "duration.h"
#include "session_json.h"
#include "session_page.h"

#define SESSION_ROUTES__WATCH_MS 60000u
#define SESSION_ROUTES__WATCH_MAX_MS 3600000u

static void session_routes__answer_code(struct visit *visit, enum weir_code code)
{
    if (code == WEIR_GONE)
        visit_answer_text(visit, 404, "there is no session with this id");
    else if (code == WEIR_MAILBOX_FULL)
        visit_refuse(visit, 503, "Retry-After: 1\r\n", "the worker of this session is too busy");
    else
        visit_answer_text(visit, 503, weir_code_text(code));
}

/* ---- all sessions ---- */

static void session_routes__write_page(struct json *json, const struct scan *scan,
                                       const struct session_page *page)
{
    char cursor[SESSION_PAGE_CURSOR_BYTES];

    json_begin_object(json, NULL);
    json_begin_array(json, "sessions");
    for (size_t i = 0; i < page->count; i++) {
        json_begin_object(json, NULL);
        session_json_write(json, page->entries[i].session);
        json_end_object(json);
    }
    json_end_array(json);
    json_u64(json, "total", page->total);
    json_u64(json, "all", scan->sessions_count);
    json_bool(json, "incomplete", scan->is_incomplete);
    json_u64(json, "scanned_ago_ms", weir_now() - scan->at_ms);
    if (page->has_next && page->count > 0) {
        session_page_cursor(page, cursor);
        json_text(json, "next", cursor);
    } else {
        json_null(json, "next");
    }
    json_end_object(json);
}

static void session_routes__answer_list(struct visit *visit, bool is_late)
{
    const struct scan *scan = visit->admin->scans.last;
    struct session_page_query query;
    struct session_page page;
    struct body body = {0};
    struct json json = {.body = &body};
    const char *problem = session_page_read(&visit->target, &query);

    if (problem) {
        visit_answer_text(visit, 400, problem);
    } else if (is_late || !scan) {
        visit_refuse(visit, 503, "Retry-After: 1\r\n",
                     "the sessions cannot be listed: a worker does not answer, or memory is short");
    } else {
        session_page_select(scan, &query, &page);
        session_routes__write_page(&json, scan, &page);
        visit_answer_body(visit, "application/json", &body);
    }
}

void session_routes_list(struct visit *visit)
{
    struct admin *admin = visit->admin;
    struct session_page_query query;

    bool is_valid = session_page_read(&visit->target, &query) == NULL;
    if (is_valid && !scans_ask(&admin->scans, admin->own, atomic_load(&admin->observed)) &&
        admin->scans.running)
        visit_wait(visit, &admin->scans.waiting, SCAN_WAIT_MS, session_routes__answer_list);
    else
        session_routes__answer_list(visit, false);
}

/* ---- one session ---- */

static void session_routes__answer_one(struct visit *visit, bool is_late)
{
    const struct inspection_ask *ask = visit->ask;
    struct body body = {0};
    struct json json = {.body = &body};

    if (is_late) {
        session_routes__answer_code(visit, WEIR_MAILBOX_FULL);
    } else if (!ask->is_found) {
        session_routes__answer_code(visit, WEIR_GONE);
    } else {
        json_begin_object(&json, NULL);
        session_json_write(&json, &ask->info);
        session_json_frames(&json, &ask->info);
        json_end_object(&json);
        visit_answer_body(visit, "application/json", &body);
    }
}

void session_routes_one(struct visit *visit)
{
    struct admin *admin = visit->admin;
    enum weir_code code;

    if (visit->id == 0) { /* which would ask for all sessions */
        session_routes__answer_code(visit, WEIR_GONE);
        return;
    }
    visit->ask =
        inspection_ask(&admin->asks, admin->own, atomic_load(&admin->observed), visit->id, &code);
    if (visit->ask)
        visit_wait(visit, &visit->ask->waiting, INSPECTION_ASK_WAIT_MS, session_routes__answer_one);
    else
        session_routes__answer_code(visit, code);
}

void session_routes_close(struct visit *visit)
{
    struct weir_server *observed = atomic_load(&visit->admin->observed);
    const char *how = target_value(&visit->target, "how");
    bool aborts = how && strcmp(how, "abort") == 0;

    if (how && !aborts && strcmp(how, "finish") != 0) {
        visit_answer_text(visit, 400, "how must be finish or abort");
        return;
    }
    enum weir_code code =
        aborts ? weir_abort(observed, visit->id) : weir_finish(observed, visit->id);
    if (code == WEIR_OK)
        visit_answer_text(visit, 202, "the session is closing");
    else
        session_routes__answer_code(visit, code);
}

void session_routes_watch(struct visit *visit)
{
    const char *text = target_value(&visit->target, "for");
    uint32_t ms = SESSION_ROUTES__WATCH_MS;

    if (text && (!duration_read(text, &ms) || ms > SESSION_ROUTES__WATCH_MAX_MS)) {
        visit_answer_text(visit, 400, "for must be a time up to 1h, such as 30s");
        return;
    }
    enum weir_code code = weir_session_watch(atomic_load(&visit->admin->observed), visit->id, ms);
    if (code == WEIR_OK)
        visit_answer_text(visit, 202, "its next frames are kept");
    else
        session_routes__answer_code(visit, code);
}
