/* SPDX-License-Identifier: MIT */
/* connector.c - the life of an outbound connection.
 *
 *      connector_add -> inbox -> dialing --connected--> session, like any other
 *                                 ^   | failed             | it ended
 *                                 |   v                    v
 *                                 '- waiting <-- reconnects? -- no --> over, freed
 *
 * A wait is random between 0 and a bound ("full jitter"), which begins at reconnect_min_ms and
 * doubles up to reconnect_max_ms. A session that lasts longer than the last bound lets it begin
 * anew, so that a peer that accepts and closes is not connected to more and more often.
 *
 * on_failed can call weir_connect() and weir_disconnect(). So a connector that is over is only put
 * on a list, and freed at the end of connector_update().
 */
#include "connector.h"

#include <stdio.h>

#include "account.h"
#include "admission.h"
#include "connector_table.h"
#include "connects.h"
#include "dial.h"
#include "error_fill.h"
#include "lifecycle.h"
#include "mailbox.h"
#include "session.h"
#include "siphash.h"
#include "worker.h"

/* ---- the end ---- */

static void connector__retire(struct connector *connector)
{
    list_remove(&connector->in_connectors);
    list_add_last(&connector->worker->connects->ended_connectors, &connector->in_connectors);
    worker_request_connects(connector->worker);
}

/* Makes the id invalid. The connector is freed as soon as it has no session. */
static void connector__end(struct connector *connector)
{
    struct worker *worker = connector->worker;

    weir_check(!connector->is_over);
    weir_check(!connector->dial);
    connector->is_over = true;
    wheel_stop(&worker->connects->timers, &connector->timer);
    connector_table_remove(connector->table, connector->id);
    inbox_withdraw(&worker->connects->inbox, &connector->note);
    if (!connector->session) connector__retire(connector);
}

static void connector__sweep(struct worker *worker)
{
    struct list *node;

    while ((node = list_take_first(&worker->connects->ended_connectors)) != NULL) {
        struct connector *connector = weir_container_of(node, struct connector, in_connectors);
        account_move(&worker->account, 0, connector->memory_bytes);
        connector->free(connector);
    }
}

/* ---- failures ---- */

static void connector__count_failure(struct worker *worker, const struct dial_failure *failure)
{
    struct counters *counters = &worker->counters;

    if (failure->code == WEIR_CANCELLED)
        counter_add(&counters->connects_cancelled, 1);
    else if (failure->is_lookup)
        counter_add(&counters->connects_failed_name, 1);
    else if (failure->code == WEIR_REFUSED)
        counter_add(&counters->connects_failed_refused, 1);
    else if (failure->code == WEIR_TIMED_OUT)
        counter_add(&counters->connects_failed_timeout, 1);
    else if (failure->code == WEIR_UNREACHABLE)
        counter_add(&counters->connects_failed_unreachable, 1);
    else
        counter_add(&counters->connects_failed_other, 1);
}

/* Returns what the reader of the error can do. */
static const char *connector__hint(const struct dial_failure *failure)
{
    if (failure->is_lookup) return "check the name, and the system's resolver";
    if (failure->code == WEIR_REFUSED) return "see whether the server runs, and on which port";
    return error_os_hint(failure->os_error);
}

static void connector__report(struct connector *connector, const struct dial_failure *failure)
{
    struct weir_error error;

    if (!connector->options.on_failed) return;
    error_fill(&error, failure->code, failure->os_error, "connect to", connector->options.text,
               failure->why, connector__hint(failure));
    connector->options.on_failed(connector->worker->common->server, connector->id, &error,
                                 connector->options.user);
}

/* Waits for a random time before the next dial. */
static void connector__wait(struct connector *connector)
{
    struct worker *worker = connector->worker;
    const struct connector_options *options = &connector->options;
    const uint64_t seed[] = {connector->id, worker->now_ns};

    uint64_t bound_ms = connector->wait_max_ms * 2;
    if (bound_ms < options->reconnect_min_ms) bound_ms = options->reconnect_min_ms;
    if (bound_ms > options->reconnect_max_ms) bound_ms = options->reconnect_max_ms;
    connector->wait_max_ms = bound_ms;
    uint64_t wait_ms = siphash(&worker->common->key, seed, sizeof seed) % (bound_ms + 1);
    wheel_start(&worker->connects->timers, &connector->timer, worker->now_ms + wait_ms);
    worker_request_connects(worker);
}

/* Reports the failure, and waits for the next dial or ends. */
static void connector__give_up(struct connector *connector, const struct dial_failure *failure)
{
    bool dials_again = connector->options.reconnects && connector->worker->request == WORKER_RUN;

    if (!dials_again) connector__end(connector);
    connector__report(connector, failure);
    if (!connector->is_over) connector__wait(connector);
}

/* A dial has failed, or could not begin. */
static void connector__fail(struct connector *connector, const struct dial_failure *failure)
{
    connector->dial = NULL;
    connector__count_failure(connector->worker, failure);
    connector__give_up(connector, failure);
}

/* ---- dialing ---- */

static void connector__restart_timer(struct connector *connector)
{
    struct worker *worker = connector->worker;
    uint64_t due_ms = dial_due_ms(connector->dial);

    wheel_stop(&worker->connects->timers, &connector->timer);
    if (due_ms == UINT64_MAX) return;
    wheel_start(&worker->connects->timers, &connector->timer, due_ms);
    worker_request_connects(worker);
}

static void connector__on_rescheduled(void *user)
{
    connector__restart_timer(user);
}

static void connector__on_dial_failed(void *user, const struct dial_failure *failure)
{
    struct connector *connector = user;

    wheel_stop(&connector->worker->connects->timers, &connector->timer);
    admission_release_outbound(connector->worker);
    connector__fail(connector, failure);
}

static struct owner *connector__on_connected(void *user, struct net_handle handle,
                                             const struct net_address *peer)
{
    struct connector *connector = user;
    struct worker *worker = connector->worker;

    if (worker->settings) connector->service.config = *worker->config; /* they have changed */
    struct weir_session *session =
        lifecycle_open_connected(worker, &connector->service, handle, peer);
    if (!session) return NULL;
    connector->dial = NULL;
    wheel_stop(&worker->connects->timers, &connector->timer);
    connector->opened_ms = worker->now_ms;
    connector->session = session;
    counter_add(&worker->counters.connected, 1);
    return &session->owner;
}

static void connector__on_begin(void *user)
{
    struct connector *connector = user;

    lifecycle_begin_connected(connector->session);
}

static const struct dial_ops connector__dial_ops = {
    .connected = connector__on_connected,
    .begin = connector__on_begin,
    .failed = connector__on_dial_failed,
    .rescheduled = connector__on_rescheduled,
};

/* Begins a dial. Returns WEIR_OK, or why it cannot begin. */
static enum weir_code connector__start_dial(struct connector *connector)
{
    struct worker *worker = connector->worker;
    uint32_t timeout_ms = connector->options.timeout_ms;
    uint64_t until_ms = timeout_ms == 0 ? UINT64_MAX : worker->now_ms + timeout_ms;

    if (worker->request == WORKER_STOP) return WEIR_CANCELLED;
    if (!admission_admit_outbound(worker)) return WEIR_NO_ROOM;
    connector->dial =
        dial_start(worker, &connector->options.target, until_ms, &connector__dial_ops, connector);
    if (connector->dial) return WEIR_OK;
    admission_release_outbound(worker);
    return WEIR_NO_MEMORY;
}

static void connector__advance(struct connector *connector)
{
    dial_advance(connector->dial);
    if (connector->dial) connector__restart_timer(connector);
}

static void connector__dial(struct connector *connector)
{
    struct worker *worker = connector->worker;

    weir_check(!connector->dial);
    weir_check(!connector->session);
    counter_add(&worker->counters.connects_started, 1);
    enum weir_code code = connector__start_dial(connector);
    if (code == WEIR_OK) {
        connector__advance(connector);
        return;
    }
    const char *why = code == WEIR_NO_ROOM ? "sessions_max are open" : "";
    struct dial_failure failure = {.code = code};
    snprintf(failure.why, sizeof failure.why, "%s", why);
    connector__fail(connector, &failure);
}

/* Its session ends before the filters are open. */
static void connector__on_unopened(struct connector *connector, enum weir_reason reason,
                                   const char *text)
{
    struct dial_failure *failure = &connector->opening_failure;

    *failure = (struct dial_failure){.code = WEIR_HANDSHAKE};
    if (reason == WEIR_REASON_OPENING) failure->code = WEIR_TIMED_OUT;
    if (reason == WEIR_REASON_RESET) failure->code = WEIR_RESET;
    if (reason == WEIR_REASON_DRAIN || reason == WEIR_REASON_SHUTDOWN)
        failure->code = WEIR_CANCELLED;
    snprintf(failure->why, sizeof failure->why, "%s", text);
}

/* Its session has ended. */
static void connector__on_session_ended(struct connector *connector)
{
    struct worker *worker = connector->worker;
    const struct dial_failure failure = connector->opening_failure;

    connector->session = NULL;
    connector->opening_failure = (struct dial_failure){.code = WEIR_OK};
    if (connector->is_over) {
        connector__retire(connector);
        return;
    }
    if (failure.code != WEIR_OK) {
        connector__give_up(connector, &failure);
        return;
    }
    if (!connector->options.reconnects || worker->request != WORKER_RUN) {
        connector__end(connector);
        return;
    }
    if (worker->now_ms - connector->opened_ms > connector->wait_max_ms) connector->wait_max_ms = 0;
    connector__wait(connector);
}

/* ---- requests ---- */

static void connector__abandon_dial(struct connector *connector)
{
    struct worker *worker = connector->worker;

    dial_abandon(connector->dial);
    connector->dial = NULL;
    admission_release_outbound(worker);
    counter_add(&worker->counters.connects_cancelled, 1);
}

/* weir_disconnect() on the worker's thread. */
static void connector__disconnect(struct connector *connector)
{
    if (connector->dial) connector__abandon_dial(connector);
    connector__end(connector);
    if (connector->session) session_finish(connector->session, WEIR_REASON_APPLICATION);
}

/* Ends a connector that has no session, because the server ends. */
static void connector__cancel(struct connector *connector)
{
    const struct dial_failure failure = {.code = WEIR_CANCELLED,
                                         .why = "the server is shutting down"};

    if (connector->dial) connector__abandon_dial(connector);
    connector__end(connector);
    connector__report(connector, &failure);
}

/* The worker reads that the connector begins, or that another thread ends it. */
static void connector__read_note(struct inbox_note *note)
{
    struct connector *connector = weir_container_of(note, struct connector, note);
    bool must_end = atomic_load(&connector->must_end);

    weir_check(must_end || !connector->was_started);
    if (!connector->was_started) {
        connector->was_started = true;
        account_move(&connector->worker->account, connector->memory_bytes, 0);
        list_add_last(&connector->worker->connects->connectors, &connector->in_connectors);
    }
    if (must_end)
        connector__disconnect(connector);
    else
        connector__dial(connector);
}

bool connector_init(struct worker *worker)
{
    struct connects *connects = worker->connects;

    list_init(&connects->connectors);
    list_init(&connects->ended_connectors);
    list_init(&connects->dials);
    list_init(&connects->ended_dials);
    return inbox_init(&connects->inbox);
}

uint64_t connector_add(struct connector *connector, struct connector_table *table, uint8_t worker)
{
    list_init(&connector->in_connectors);
    wheel_timer_init(&connector->timer);
    inbox_note_init(&connector->note, connector__read_note);
    connector->table = table;
    connector->service.unopened = connector__on_unopened;
    connector->service.ended = connector__on_session_ended;
    connector->service.ended_connector = connector;
    connector->service.user = connector->options.user;
    connector->id = connector_table_add(table, worker, connector);
    connector->service.connector = connector->id;
    connector->service.outbound = &connector->service;
    return connector->id;
}

bool connector_begin(struct connector *connector, struct worker *worker)
{
    connector->worker = worker;
    if (!inbox_post(&worker->connects->inbox, &connector->note)) {
        connector_table_remove(connector->table, connector->id);
        return false;
    }
    worker_request_connects(worker);
    mailbox_wake(worker->mailbox);
    return true;
}

/* On any thread, with the lock of the table held. */
static void connector__ask_to_end(struct connector *connector)
{
    struct worker *worker = connector->worker;

    atomic_store(&connector->must_end, true);
    bool is_posted = inbox_post(&worker->connects->inbox, &connector->note);
    weir_check(is_posted); /* the worker does not end before its connectors */
    worker_request_connects(worker);
    mailbox_wake(worker->mailbox);
}

enum weir_code connector_disconnect(struct worker *worker, uint64_t id)
{
    struct connector_table *table = worker->common->connectors;

    if (!worker_is_own(worker))
        return connector_table_act(table, id, connector__ask_to_end) ? WEIR_OK : WEIR_GONE;
    struct connector *connector = connector_table_find(table, id);
    if (!connector) return WEIR_GONE;
    if (connector->was_started)
        connector__disconnect(connector);
    else /* the note that it begins is in the inbox */
        atomic_store(&connector->must_end, true);
    return WEIR_OK;
}

/* ---- the worker ---- */

static void connector__on_timer(struct connector *connector)
{
    if (connector->dial)
        connector__advance(connector);
    else
        connector__dial(connector);
}

void connector_update(struct worker *worker)
{
    struct connects *connects = worker->connects;
    struct inbox_note *note;
    struct wheel_timer *timer;

    atomic_fetch_and(&worker->requested, (uint8_t)~WORKER_CONNECTS);
    while ((note = inbox_take(&connects->inbox)) != NULL) note->read(note);
    while ((timer = wheel_take_due(&connects->timers, worker->now_ms)) != NULL)
        connector__on_timer(weir_container_of(timer, struct connector, timer));
    dial_sweep(worker);
    connector__sweep(worker);
    if (connector_next_ms(worker) != UINT64_MAX) worker_request_connects(worker);
}

uint64_t connector_next_ms(const struct worker *worker)
{
    return wheel_next_ms(&worker->connects->timers);
}

/* Calls `act` with each connector, which can end, and can end others. */
static void connector__each(struct worker *worker, void (*act)(struct connector *connector))
{
    struct connects *connects = worker->connects;
    struct list left, *node;

    list_init(&left);
    list_append_all(&left, &connects->connectors);
    while ((node = list_take_first(&left)) != NULL) {
        list_add_last(&connects->connectors, node);
        act(weir_container_of(node, struct connector, in_connectors));
    }
}

static void connector__cancel_waiting(struct connector *connector)
{
    if (!connector->dial && !connector->session) connector__cancel(connector);
}

static void connector__cancel_unconnected(struct connector *connector)
{
    if (!connector->session) connector__cancel(connector);
}

void connector_drain(struct worker *worker)
{
    connector__each(worker, connector__cancel_waiting);
}

void connector_stop(struct worker *worker)
{
    connector__each(worker, connector__cancel_unconnected);
}

bool connector_all_ended(struct worker *worker)
{
    struct connects *connects = worker->connects;

    weir_check(list_is_empty(&connects->ended_connectors)); /* the update has freed them */
    weir_check(list_is_empty(&connects->ended_dials));
    return list_is_empty(&connects->connectors) && list_is_empty(&connects->dials) &&
           inbox_shut(&connects->inbox);
}

void connector_discard(struct worker *worker)
{
    struct inbox_note *note;

    while ((note = inbox_take(&worker->connects->inbox)) != NULL) {
        struct connector *connector = weir_container_of(note, struct connector, note);
        weir_check(!connector->was_started);
        connector_table_remove(connector->table, connector->id);
        connector->free(connector);
    }
}
