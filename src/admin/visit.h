/* SPDX-License-Identifier: MIT */
/* visit.h - one connection of a client to the admin server, with the request that is being
 * answered.
 *
 *      on_message -> answer                                       if the figures are known
 *                 -> visit_wait -> event or deadline -> answer    if a worker must be asked
 *
 * While a visit waits, its session is paused: further requests of the client wait, too. */
#ifndef ADMIN_VISIT_H
#define ADMIN_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#include "body.h"
#include "target.h"

struct admin;
struct inspection_ask;

/* Visits that wait for the same event. Starts as {0}. */
struct visit_list {
    struct visit *first;
};

struct visit {
    struct admin *admin;
    struct weir_session *session;
    uint32_t requests_count;
    bool is_bodiless;       /* the request is HEAD */
    bool takes_openmetrics; /* the request accepts OpenMetrics */
    bool closes;            /* the connection ends after the answer */
    struct target target;
    uint64_t id;                /* of the session that the path names; 0: none */
    struct inspection_ask *ask; /* what its worker is asked; valid while the visit waits for it */
    struct visit_list *list;    /* in which it waits; null: it does not wait */
    struct visit *next;
    void (*go_on)(struct visit *visit, bool is_late);
};

/* Answer the request: with one line of text, with bytes, or with a body, which is then freed.
 * `more`: further header lines, or null. */
void visit_answer_text(struct visit *visit, uint32_t status, const char *text);
void visit_answer_bytes(struct visit *visit, const char *type, const char *more, const void *bytes,
                        size_t length);
void visit_answer_body(struct visit *visit, const char *type, struct body *body);
/* As visit_answer_text(), with further header lines. */
void visit_refuse(struct visit *visit, uint32_t status, const char *more, const char *text);

/* Waits for the event of a list, `timeout_ms` at most. Then calls go_on(), which answers;
 * `is_late`: the time is over. */
void visit_wait(struct visit *visit, struct visit_list *list, uint32_t timeout_ms,
                void (*go_on)(struct visit *visit, bool is_late));

/* The event of the list has happened: calls go_on() of every visit in it. */
void visit_list_wake(struct visit_list *list);

/* The time of a waiting visit is over. */
void visit_on_timer(struct visit *visit);

/* The session ended: the visit waits no longer. */
void visit_on_close(struct visit *visit);

#endif
