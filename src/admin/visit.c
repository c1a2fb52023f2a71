/* SPDX-License-Identifier: MIT */
/* visit.c - see visit.h. */
#include "visit.h"

#include <stdio.h>
#include <string.h>

#include "answer.h"

/* ---- answers ---- */

void visit_refuse(struct visit *visit, uint32_t status, const char *more, const char *text)
{
    char line[2400];
    int length = snprintf(line, sizeof line, "%.2390s\n", text);
    struct answer answer = {.status = status,
                            .type = "text/plain; charset=utf-8",
                            .more = more,
                            .bytes = line,
                            .length = length > 0 ? (size_t)length : 0,
                            .is_bodiless = visit->is_bodiless,
                            .closes = visit->closes};

    answer_send(visit->session, &answer);
}

void visit_answer_text(struct visit *visit, uint32_t status, const char *text)
{
    visit_refuse(visit, status, NULL, text);
}

void visit_answer_bytes(struct visit *visit, const char *type, const char *more, const void *bytes,
                        size_t length)
{
    struct answer answer = {.status = 200,
                            .type = type,
                            .more = more,
                            .bytes = bytes,
                            .length = length,
                            .is_bodiless = visit->is_bodiless,
                            .closes = visit->closes};

    answer_send(visit->session, &answer);
}

void visit_answer_body(struct visit *visit, const char *type, struct body *body)
{
    if (body->has_failed)
        visit_answer_text(visit, 500, "the answer is too large, or memory is exhausted");
    else
        visit_answer_bytes(visit, type, NULL, body->bytes, body->length);
    body_free(body);
}

/* ---- waiting ---- */

static void visit__leave(struct visit *visit)
{
    struct visit **link = &visit->list->first;

    while (*link != visit) link = &(*link)->next;
    *link = visit->next;
    visit->list = NULL;
}

void visit_wait(struct visit *visit, struct visit_list *list, uint32_t timeout_ms,
                void (*go_on)(struct visit *visit, bool is_late))
{
    visit->list = list;
    visit->go_on = go_on;
    visit->next = list->first;
    list->first = visit;
    weir_session_pause(visit->session);
    weir_session_start_timer(visit->session, timeout_ms);
}

static void visit__go_on(struct visit *visit, bool is_late)
{
    visit__leave(visit);
    weir_session_stop_timer(visit->session);
    weir_session_resume(visit->session);
    visit->go_on(visit, is_late);
}

void visit_list_wake(struct visit_list *list)
{
    struct visit_list woken = *list; /* a visit that waits again must not be woken again */

    list->first = NULL;
    for (struct visit *visit = woken.first; visit; visit = visit->next) visit->list = &woken;
    while (woken.first) visit__go_on(woken.first, false);
}

void visit_on_timer(struct visit *visit)
{
    if (visit->list) visit__go_on(visit, true);
}

void visit_on_close(struct visit *visit)
{
    if (visit->list) visit__leave(visit);
}
