/* SPDX-License-Identifier: MIT */
/* lifecycle.c - begin and end of a session: admission, opening, groups, on_open and on_close.
 *
 *      accepted socket -> admitted? -> in the table -> adopted by net -> OPEN, on_open
 *                            | no                              '-> OPENING, if it has filters
 *                            v
 *                         a session that only sends reject_message and finishes
 *
 *      NET_CLOSED -> groups left -> counted, on_close -> codec state released -> FREE
 *
 * This file opens the handle of a TCP session, so its row of the owner table is here: each event
 * goes to the file that handles it.
 */
#include "lifecycle.h"

#include <string.h>

#include "admission.h"
#include "check.h"
#include "filters.h"
#include "filters_in.h"
#include "filters_opening.h"
#include "filters_out.h"
#include "frame_watch.h"
#include "group.h"
#include "inbound.h"
#include "memory.h"
#include "names.h"
#include "pause.h"
#include "session.h"
#include "session_back.h"
#include "session_begin.h"
#include "session_sent.h"
#include "watch.h"
#include "worker.h"

/* ---- the handler's state ---- */

static const uint8_t lifecycle__canary[SERVICE_CANARY_BYTES] = {0xc5, 0x3a, 0x96, 0x5c,
                                                                0xa9, 0x63, 0x35, 0xca};

/* Returns the bytes behind the handler's state; null if it has no state. */
static uint8_t *lifecycle__canary_of(struct weir_session *session)
{
    uint8_t *state = session_handler_state(session);

    return state ? state + session->service->handler->session_bytes : NULL;
}

static void lifecycle__check_canary(struct weir_session *session)
{
    const uint8_t *canary = lifecycle__canary_of(session);

    weir_check_use(!canary || memcmp(canary, lifecycle__canary, sizeof lifecycle__canary) == 0,
                   "a handler writes only the first session_bytes of weir_session_state()");
}

/* ---- end ---- */

static void lifecycle__release(struct weir_session *session)
{
    admission_release(session->worker, session->service,
                      session->address_counts ? &session->peer : NULL);
}

/* Returns the text that goes with the reason. */
static const char *lifecycle__text(const struct weir_session *session)
{
    const char *text = session_decode_error(session);

    return text ? text : "";
}

/* A session with filters ends: perhaps before they are open. */
static void lifecycle__end_opening(struct weir_session *session)
{
    const struct service *service = session->service;

    filters_opening_count_end(session);
    if (!session->opened && service->unopened)
        service->unopened(service->ended_connector, (enum weir_reason)session->reason,
                          lifecycle__text(session));
}

static void lifecycle__count_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct counters *counters = &worker->counters;
    const struct weir_handler *handler = session->service->handler;

    weir_check(session->reason != WEIR_REASON_NONE);
    counter_add(session->is_datagram ? &counters->peers_closed : &counters->closed, 1);
    counter_add(&counters->closed_by_reason[session->reason], 1);
    if (session->opened && handler->on_close)
        handler->on_close(session, (enum weir_reason)session->reason, lifecycle__text(session));
    if (!session->filters || !filters_opening_was_check(session)) watch_end(session);
    lifecycle__check_canary(session);
    if (session->filters) lifecycle__end_opening(session);
    if (session->service->connector)
        admission_release_outbound(worker);
    else if (!session->is_datagram)
        lifecycle__release(session);
}

void lifecycle_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    const struct service *service = session->service;
    const struct weir_codec *codec = service->codec;
    /* A service of the session's own (session_settings.c) is freed by its codec's release(). */
    struct connector *connector = service->ended_connector;
    void (*ended)(struct connector *) = service->ended;

    weir_check(session->state == SESSION_CLOSING);
    group_leave_all(session);
    names_unbind(session);
    frame_watch_end(session);
    if (session->admitted) {
        lifecycle__count_end(session);
    } else {
        weir_check(worker->reject_messages_open > 0);
        worker->reject_messages_open--;
    }
    if (codec->release) codec->release(codec, session_codec_state(session));
    session_rare_free(session);
    account_left(&worker->account, session);
    if (session->filters) filters_free(session);
    list_remove(&session->in_sessions);
    session_enter(session, SESSION_FREE);
    session_table_close(worker->table, session);
    if (ended) ended(connector);
}

static void lifecycle__on_closed(struct weir_session *session)
{
    session_check(session);
    weir_check(session->state == SESSION_CLOSING);
    weir_check(!session->send_out);
    weir_check(session->queue.pinned_bytes == 0);
    lifecycle_end(session);
}

/* ---- events ---- */

static void lifecycle__on_event(struct owner *owner, const struct net_event *event)
{
    struct weir_session *session = weir_container_of(owner, struct weir_session, owner);

    weir_check(memcmp(&event->handle, &session->handle, sizeof event->handle) == 0);
    if (event->kind == NET_RECEIVED) {
        inbound_on_received(session, event->buffer);
        return;
    }
    switch (event->kind) {
    case NET_PEER_DONE: inbound_on_peer_done(session); break;
    case NET_SENT: session_on_sent(session, event); break;
    case NET_RELEASED: session_on_released(session, event); break;
    case NET_BROKEN: session_on_broken(session, event->code); break;
    case NET_CLOSED: lifecycle__on_closed(session); break;
    case NET_PAUSED:
    default: /* connections have no other events */
        pause_report_client(session->worker, event, &session->peer);
    }
}

static void lifecycle__identify(const struct owner *owner, const struct net_event *event,
                                struct owner_identity *identity)
{
    const struct weir_session *session = weir_container_of(owner, struct weir_session, owner);

    (void)event;
    identity->handler = session->service->handler->name;
    identity->peer = session->peer;
    identity->session = session->id;
}

static void lifecycle__sample(struct owner *owner)
{
    watch_sample(weir_container_of(owner, struct weir_session, owner));
}

static const struct owner_ops lifecycle__owner_ops = {
    .on_event = lifecycle__on_event, .identify = lifecycle__identify, .sample = lifecycle__sample};

/* The same for a session with filters: its own row, so that others pay nothing for it. */
static void lifecycle__on_filtered_event(struct owner *owner, const struct net_event *event)
{
    struct weir_session *session = weir_container_of(owner, struct weir_session, owner);

    switch (event->kind) {
    case NET_RECEIVED: filters_in_on_received(session, event->buffer); break;
    case NET_PEER_DONE: filters_in_on_peer_done(session); break;
    default: lifecycle__on_event(owner, event);
    }
}

static const struct owner_ops lifecycle__filtered_ops = {.on_event = lifecycle__on_filtered_event,
                                                         .identify = lifecycle__identify,
                                                         .sample = lifecycle__sample};

/* ---- begin ---- */

void lifecycle_start(struct weir_session *session, struct worker *worker,
                     const struct session_ops *ops, const struct service *service,
                     const struct net_address *peer)
{
    const struct weir_config *config = &service->config;
    uint32_t now_ms = (uint32_t)worker->now_ms;

    weir_check(!session_is_transient(session));
    session->worker = worker;
    session->ops = ops;
    session->service = service;
    session->peer = *peer;
    session->timestamps.opened_ms = now_ms;
    session->timestamps.received_ms = now_ms;
    session->timestamps.sent_ms = now_ms;
    session->is_datagram = service->proto == WEIR_UDP;
    session->idle_timeout_ms =
        session->is_datagram ? config->datagram_idle_timeout_ms : config->idle_timeout_ms;
    uint8_t *canary = lifecycle__canary_of(session);
    if (canary) memcpy(canary, lifecycle__canary, sizeof lifecycle__canary);
    watch_update(session);
    session_enter(session, session->filters ? SESSION_OPENING : SESSION_OPEN);
}

static const struct session_ops *lifecycle__ops(const struct service *service,
                                                const struct filters *filters)
{
    if (filters) return &filters_out_ops;
    return service->codec->encode_back ? &session_back_ops : &session_tcp_ops;
}

/* Starts a TCP session over this handle, with the filters, or without if they are null. */
static void lifecycle__start_tcp(struct weir_session *session, struct worker *worker,
                                 const struct service *service, const struct net_address *peer,
                                 struct filters *filters)
{
    if (filters) {
        session->worker = worker;
        filters_attach(session, filters);
        counter_move(&worker->counters.opening, 1, 0);
    }
    lifecycle_start(session, worker, lifecycle__ops(service, filters), service, peer);
    list_add_last(&worker->tcp_sessions, &session->in_sessions);
}

/* Returns a session of the socket, with reading off; it takes the filters over. Returns null, after
 * closing the socket, if the table or the system has no room. */
static struct weir_session *lifecycle__adopt(struct worker *worker, const struct service *service,
                                             struct net_socket socket,
                                             const struct net_address *peer,
                                             struct filters *filters)
{
    struct weir_session *session = session_table_open(worker->table);

    weir_check(service->proto == WEIR_TCP);
    if (!session) {
        net_refuse(worker->net, socket);
        return NULL;
    }
    session->owner.ops = filters ? &lifecycle__filtered_ops : &lifecycle__owner_ops;
    if (net_adopt(worker->net, socket, &session->owner, &session->handle, NULL) != WEIR_OK) {
        session_table_close(worker->table, session);
        return NULL;
    }
    lifecycle__start_tcp(session, worker, service, peer, filters);
    return session;
}

/* Refuses a connection. If reject_message is set, a session that counts nowhere sends it. */
static void lifecycle__reject(struct worker *worker, const struct service *service,
                              struct net_socket socket, const struct net_address *peer)
{
    const char *reject_message = worker->config->reject_message;

    if (!reject_message || reject_message[0] == '\0' || !filters_are_transparent(service) ||
        worker->reject_messages_open == WORKER_REJECT_MESSAGES_MAX) {
        net_refuse(worker->net, socket);
        return;
    }
    struct weir_session *session = lifecycle__adopt(worker, service, socket, peer, NULL);
    if (!session) return;
    worker->reject_messages_open++;
    net_receive(worker->net, session->handle, true);
    session_send_or_close(session, (const uint8_t *)reject_message, strlen(reject_message));
    session_finish(session, WEIR_REASON_APPLICATION);
    session_update_deadline(session);
}

/* Opens the session of an admitted connection. Returns null, after counting a rejection, if
 * something has no room. */
static struct weir_session *lifecycle__accept(struct worker *worker, const struct service *service,
                                              struct net_socket socket,
                                              const struct net_address *peer,
                                              struct filters *filters)
{
    struct weir_session *session = lifecycle__adopt(worker, service, socket, peer, filters);

    if (!session) {
        admission_reject(worker, ADMISSION_FAILED, peer, 1);
        return NULL;
    }
    session->admitted = true;
    counter_add(&worker->counters.accepted, 1);
    net_receive(worker->net, session->handle, true);
    return session;
}

static void lifecycle__open_plain(struct worker *worker, const struct service *service,
                                  struct net_socket socket, const struct net_address *peer)
{
    if (!admission_admit(worker, service, peer)) {
        lifecycle__reject(worker, service, socket, peer);
        return;
    }
    bool counts = admission_counts(worker, service);
    struct weir_session *session = lifecycle__accept(worker, service, socket, peer, NULL);
    if (!session) {
        admission_release(worker, service, counts ? peer : NULL);
        return;
    }
    session->address_counts = counts;
    session_begin(session);
}

/* There was no memory for the filters of a connection. */
static void lifecycle__fail(struct worker *worker, struct net_socket socket,
                            const struct net_address *peer)
{
    net_refuse(worker->net, socket);
    admission_reject(worker, ADMISSION_FAILED, peer, 1);
}

/* Opens a session with the filters of the service from `first` on. */
static void lifecycle__open_filtered(struct worker *worker, const struct service *service,
                                     uint32_t first, struct net_socket socket,
                                     const struct net_address *peer)
{
    bool is_proxied = filters_name_client(service, first);
    bool is_admitted = is_proxied ? admission_admit_proxied(worker, service, peer)
                                  : admission_admit(worker, service, peer);

    if (!is_admitted) {
        lifecycle__reject(worker, service, socket, peer);
        return;
    }
    bool counts = !is_proxied && admission_counts(worker, service);
    struct filters *filters = filters_open(worker, service, first);
    struct weir_session *session = NULL;
    if (filters)
        session = lifecycle__accept(worker, service, socket, peer, filters);
    else
        lifecycle__fail(worker, socket, peer);
    if (session) {
        session->address_counts = counts;
        session_update_deadline(session);
        return;
    }
    if (filters) filters_discard(filters);
    admission_release(worker, service, counts ? peer : NULL);
}

void lifecycle_open(struct worker *worker, const struct service *service, struct net_socket socket,
                    const struct net_address *peer)
{
    uint32_t first = 0;

    if (service->filters_count > 0) {
        enum filter_use use = filters_use(service, peer);
        if (use == FILTER_REFUSED) {
            admission_reject(worker, ADMISSION_DENIED, peer, 1);
            lifecycle__reject(worker, service, socket, peer);
            return;
        }
        first = use == FILTER_SKIPPED;
    }
    if (first < service->filters_count)
        lifecycle__open_filtered(worker, service, first, socket, peer);
    else
        lifecycle__open_plain(worker, service, socket, peer);
}

/* ---- outbound connections ---- */

struct weir_session *lifecycle_open_connected(struct worker *worker, const struct service *service,
                                              struct net_handle handle,
                                              const struct net_address *peer)
{
    struct filters *filters = NULL;

    if (service->filters_count > 0) {
        filters = filters_open(worker, service, 0);
        if (!filters) return NULL;
    }
    struct weir_session *session = session_table_open(worker->table);
    if (!session) {
        if (filters) filters_discard(filters);
        return NULL;
    }
    session->owner.ops = filters ? &lifecycle__filtered_ops : &lifecycle__owner_ops;
    session->handle = handle;
    net_pass(worker->net, handle, &session->owner);
    lifecycle__start_tcp(session, worker, service, peer, filters);
    session->admitted = true;
    return session;
}

void lifecycle_begin_connected(struct weir_session *session)
{
    net_receive(session->worker->net, session->handle, true);
    if (!session->filters) {
        session_begin(session);
        return;
    }
    session_update_deadline(session);
    filters_in_continue(session);
}

/* ---- a filter in the middle of a session ---- */

/* Returns the session's filters, which are open and pass everything. Null: memory is exhausted. */
static struct filters *lifecycle__filters(struct weir_session *session)
{
    if (session->filters) return session->filters;
    struct filters *filters = filters_open_empty(session->worker);
    if (!filters) return NULL;
    filters_attach(session, filters);
    session->owner.ops = &lifecycle__filtered_ops;
    session->ops = &filters_out_ops;
    return filters;
}

/* Whether both sides can still send bytes of a filter. Behind a FIN that is handled now, the peer
 * sends none; one that waits (end_unread) ends the session when it is found. */
static bool lifecycle__may_start(const struct weir_session *session)
{
    if (session->peer_done && !session->end_unread) return false;
    return session->state == SESSION_OPEN && !session->output_ended;
}

enum weir_code lifecycle_start_filter(struct weir_session *session, struct filter *filter)
{
    struct worker *worker = session->worker;

    weir_check(!session->is_datagram);
    if (session->filters && !session->filters->passes) return WEIR_INVALID;
    session_flush_run(session); /* what was sent back leaves in plain text, too */
    if (!lifecycle__may_start(session)) return WEIR_CANCELLED;
    if (!send_queue_copy_shares(&session->queue, worker->net)) return WEIR_NO_BUFFERS;
    struct filters *filters = lifecycle__filters(session);
    if (!filters) return WEIR_NO_MEMORY;
    filters_add(filters, filter, session->service->connector != 0);
    filters->began_ms = (uint32_t)worker->now_ms;
    filters_out_begin(session);
    counter_move(&worker->counters.opening, 1, 0);
    worker_stop_dispatch(worker, session);
    session->wire_unread = true; /* filters->must_look */
    session_account(session);
    session_update_deadline(session);
    session_update_receiving(session);
    return WEIR_OK;
}
