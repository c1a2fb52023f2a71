/* SPDX-License-Identifier: MIT */
/* front.c - see front.h. */
#include "front.h"

#include <stdio.h>
#include <string.h>

#include "admin_state.h"
#include "control_routes.h"
#include "escape.h"
#include "group_routes.h"
#include "request.h"
#include "routes.h"
#include "session_routes.h"
#include "visit.h"

#define FRONT__REQUESTS_MAX 1000u /* per connection; then the client opens another one */

struct front__route {
    const char *path; /* "*" stands for the id of a session */
    bool is_post;     /* otherwise GET and HEAD */
    bool is_open;     /* needs no token */
    bool is_early;    /* is answered also while the observed server starts */
    const char *parameters[6];
    void (*run)(struct visit *visit);
};

static const struct front__route front__routes[] = {
    {"/", false, false, true, {NULL}, routes_page},
    {"/healthz", false, true, true, {NULL}, routes_healthz},
    {"/readyz", false, true, true, {NULL}, routes_readyz},
    {"/stats.json", false, false, false, {NULL}, routes_stats},
    {"/metrics", false, false, false, {NULL}, routes_metrics},
    {"/findings.json", false, false, false, {NULL}, routes_findings},
    {"/sessions",
     false,
     false,
     false,
     {"sort", "order", "limit", "after", "filter", NULL},
     session_routes_list},
    {"/sessions/*", false, false, false, {NULL}, session_routes_one},
    {"/groups", false, false, false, {"limit", NULL}, group_routes_list},
    {"/sessions/*/watch", true, false, false, {"for", NULL}, session_routes_watch},
    {"/sessions/*/close", true, false, false, {"how", NULL}, session_routes_close},
    {"/drain", true, false, false, {"within", NULL}, control_routes_drain},
    {"/reload", true, false, false, {NULL}, control_routes_reload},
    {"/log", true, false, false, {"level", NULL}, control_routes_log},
};

/* ---- routes ---- */

/* Reads the id of a session: up to 16 hexadecimal digits, as the log shows it. Returns the end of
 * the digits; null: there is no id. */
static const char *front__read_id(const char *text, uint64_t *id)
{
    int digits = 0;

    for (*id = 0; escape_hex_digit(*text) >= 0; text++, digits++)
        *id = *id << 4 | (uint64_t)escape_hex_digit(*text);
    return digits > 0 && digits <= 16 ? text : NULL;
}

static bool front__matches(const char *pattern, const char *path, uint64_t *id)
{
    size_t length = strcspn(pattern, "*");

    if (strncmp(pattern, path, length) != 0) return false;
    if (pattern[length] == '\0') return path[length] == '\0';
    const char *rest = front__read_id(path + length, id);
    return rest && strcmp(pattern + length + 1, rest) == 0;
}

static const struct front__route *front__find(struct visit *visit)
{
    for (size_t i = 0; i < sizeof front__routes / sizeof front__routes[0]; i++)
        if (front__matches(front__routes[i].path, visit->target.path, &visit->id))
            return &front__routes[i];
    return NULL;
}

/* Answers a request whose method or parameters are wrong. Returns whether they are right. */
static bool front__fits(struct visit *visit, const struct front__route *route,
                        enum request_method method)
{
    bool is_read = method == REQUEST_GET || method == REQUEST_HEAD;
    const char *unknown = target_unknown(&visit->target, route->parameters);
    char line[160];

    if (route->is_post ? method != REQUEST_POST : !is_read) {
        visit_refuse(visit, 405, route->is_post ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n",
                     route->is_post ? "this path takes only POST"
                                    : "this path takes only GET and HEAD");
        return false;
    }
    if (!unknown) return true;
    char name[64];
    snprintf(line, sizeof line, "there is no parameter \"%s\" here",
             escape_text((const uint8_t *)unknown, strlen(unknown), name, sizeof name));
    visit_answer_text(visit, 400, line);
    return false;
}

/* ---- requests ---- */

static void front__refuse(struct visit *visit, const struct guard_rejection *rejection)
{
    visit_refuse(visit, rejection->status,
                 rejection->asks_for_token ? "WWW-Authenticate: Basic realm=\"weir\"\r\n" : NULL,
                 rejection->why);
}

static void front__answer(struct visit *visit, const struct request *request)
{
    const struct admin *admin = visit->admin;
    struct guard_rejection rejection;
    bool is_target = target_read(request->target, &visit->target);
    const struct front__route *route = is_target ? front__find(visit) : NULL;

    if (!guard_allows(&admin->guard, request, route && route->is_open, &rejection))
        front__refuse(visit, &rejection);
    else if (!is_target)
        visit_answer_text(visit, 400, "the target of the request is not a path");
    else if (!route)
        visit_answer_text(visit, 404, "there is nothing at this path; docs/operating.md lists all");
    else if (!front__fits(visit, route, request->method))
        return; /* it has answered */
    else if (!route->is_early && !atomic_load(&admin->observed))
        visit_refuse(visit, 503, "Retry-After: 1\r\n", "the server is starting");
    else
        route->run(visit);
}

static void front__on_open(struct weir_session *session)
{
    struct visit *visit = weir_session_state(session);

    visit->admin = weir_session_user(session);
    visit->session = session;
}

static void front__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct visit *visit = weir_session_state(session);
    const struct request *request = (const struct request *)(const void *)message->bytes;

    visit->id = 0;
    visit->takes_openmetrics =
        request->status == 0 && routes_takes_openmetrics(request->values[REQUEST_ACCEPT]);
    visit->is_bodiless = request->method == REQUEST_HEAD;
    visit->closes =
        request->closes || request->status != 0 || ++visit->requests_count >= FRONT__REQUESTS_MAX;
    if (request->status != 0)
        visit_answer_text(visit, request->status, request->why);
    else
        front__answer(visit, request);
}

static void front__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    visit_on_close(weir_session_state(session));
}

static void front__on_timer(struct weir_session *session)
{
    visit_on_timer(weir_session_state(session));
}

void front_init(struct weir_handler *handler, struct admin *admin)
{
    *handler = (struct weir_handler){
        .size = sizeof *handler,
        .name = "admin",
        .session_bytes = sizeof(struct visit),
        .user = admin,
        .on_open = front__on_open,
        .on_message = front__on_message,
        .on_close = front__on_close,
        .on_timer = front__on_timer,
    };
}
