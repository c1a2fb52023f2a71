/* SPDX-License-Identifier: MIT */
/* filters_opening.c - how the filters of a session open, or fail to.
 *
 *      filter 0 opens -> filter 1 opens -> ... -> OPEN, on_open
 *          | names the client: is it admitted?
 *          '-- fails, in any state: its last bytes, goodbye of the filters below it, FIN
 */
#include "filters_opening.h"

#include <string.h>

#include "admission.h"
#include "check.h"
#include "filters.h"
#include "filters_out.h"
#include "session.h"
#include "session_begin.h"
#include "watch.h"
#include "worker.h"

/* ---- failures ---- */

void filters_opening_fail(struct weir_session *session, uint32_t index,
                          const struct filter_error *error)
{
    struct filters *filters = session->filters;

    if (filters->goodbyes_left > index) filters->goodbyes_left = (uint8_t)index;
    filters->has_served = error->text[0] == '\0';
    if (filters->has_served)
        session_finish(session, error->reason);
    else
        session_fail_for(session, error->reason, error->text);
    if (index == filters->transform) filters_out_drop_plain(session); /* it cannot seal */
}

void filters_opening_fail_text(struct weir_session *session, const char *text)
{
    const struct filters *filters = session->filters;
    struct filter_error error = {.reason = filters->chain[filters->at].filter->kind->reason};

    filter_fail(&error, "%s", text);
    filters_opening_fail(session, filters->at, &error);
}

bool filters_opening_look(struct weir_session *session)
{
    session->filters->must_look = false;
    if (!session->unread && !session->end_unread && !session->frame_partial) return true;
    filters_opening_fail_text(session, "plain text came after the last message before TLS");
    return false;
}

bool filters_opening_is_idle(const struct weir_session *session)
{
    const struct filters *filters = session->filters;
    const struct filters_one *one = &filters->chain[filters->at];

    if (!one->state) return filters->at + filters->is_upgrade == 0;
    return one->filter->kind->is_idle && one->filter->kind->is_idle(one->state);
}

bool filters_opening_was_check(const struct weir_session *session)
{
    return !session->opened &&
           (session->reason == WEIR_REASON_PEER_DONE || session->reason == WEIR_REASON_RESET) &&
           filters_opening_is_idle(session);
}

void filters_opening_count_end(struct weir_session *session)
{
    const struct filters *filters = session->filters;
    struct counters *counters = &session->worker->counters;

    if (filters_are_open(filters)) return;
    counter_move(&counters->opening, 0, 1);
    if (filters->has_served) return;
    if (filters_opening_was_check(session)) {
        counter_add(&counters->health_checks, 1);
        return;
    }
    switch (filters->chain[filters->at].filter->kind->reason) {
    case WEIR_REASON_PROXY: counter_add(&counters->opening_failed_proxy, 1); break;
    case WEIR_REASON_TLS: counter_add(&counters->opening_failed_tls, 1); break;
    default: counter_add(&counters->opening_failed_websocket, 1);
    }
}

/* ---- opening ---- */

/* The PROXY protocol has named the client: its address counts from now on. Returns false if the
 * client is not admitted. */
static bool filters_opening__admit(struct weir_session *session, const struct weir_address *client)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    const char *reject_message = worker->config->reject_message;

    filters->via = session->peer;
    session->peer = address_of_public(client);
    watch_update(session);
    filters->is_counted = admission_admit_client(worker, &session->peer);
    session->address_counts = filters->is_counted && admission_counts(worker, session->service);
    if (filters->is_counted) return true;
    if (reject_message && reject_message[0] != '\0' && filters->at + 1 == filters->count)
        session_send_or_close(session, (const uint8_t *)reject_message, strlen(reject_message));
    session_finish(session, WEIR_REASON_PROXY);
    return false;
}

/* Every filter is open. */
static void filters_opening__begin(struct weir_session *session)
{
    struct filters *filters = session->filters;
    bool passes = true;

    for (uint32_t i = 0; i < filters->count; i++) {
        const struct filters_one *one = &filters->chain[i];
        const struct filter_kind *kind = one->filter->kind;
        if (kind->begin) kind->begin(one->state, session_codec_state(session));
        if (kind->respond) filters->responds = true;
        if (kind->transforms || kind->respond) passes = false;
    }
    filters->passes = passes;
    filters->must_respond = filters->responds; /* it can ask for a time */
    session->timestamps.received_ms = (uint32_t)session->worker->now_ms;
    counter_move(&session->worker->counters.opening, 0, 1);
    if (session->opened) {
        worker_flush_later(session->worker, session); /* what waited for the filter */
        session_update_deadline(session);
        return;
    }
    histogram_add_shared(&session->worker->opening_times,
                         session->worker->now_ns - filters->began_ns);
    session_enter(session, SESSION_OPEN);
    session_begin(session);
}

/* Filter `index` is open. */
void filters_opening_advance(struct weir_session *session, uint32_t index)
{
    struct filters *filters = session->filters;
    const struct filters_one *one = &filters->chain[index];
    const struct filter_kind *kind = one->filter->kind;
    struct weir_address client = {.port = 0};

    weir_check(index == filters->at);
    if (kind->client && kind->client(one->state, &client) &&
        !filters_opening__admit(session, &client))
        return;
    filters->at++;
    filters->must_feed = filters->is_outbound && !filters_are_open(filters);
    if (filters_are_open(filters)) filters_opening__begin(session);
}
