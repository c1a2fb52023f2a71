/* SPDX-License-Identifier: MIT */
/* filters.c - the filters of one session: which apply, their memory, and their end.
 *
 *      accepted -> filters_open -> filters_attach -> OPENING ... -> filters_free
 *
 * The state of a filter is made when its first byte comes, so that a connection that sends nothing
 * costs a small struct. The account charges the struct and what each state says it holds. */
#include "filters.h"

#include "account.h"
#include "check.h"
#include "memory.h"
#include "worker.h"

/* ---- which apply ---- */

enum filter_use filters_use(const struct service *service, const struct net_address *peer)
{
    const struct filter *first = service->filters[0];
    struct weir_address address;

    weir_check(service->filters_count > 0);
    if (!first->kind->use) return FILTER_USED;
    return first->kind->use(first, service->is_unix ? NULL : address_publish(peer, &address));
}

bool filters_name_client(const struct service *service, uint32_t first)
{
    for (uint32_t i = first; i < service->filters_count; i++)
        if (service->filters[i]->kind->client) return true;
    return false;
}

bool filters_are_transparent(const struct service *service)
{
    for (uint32_t i = 0; i < service->filters_count; i++)
        if (!service->filters[i]->kind->is_transparent) return false;
    return true;
}

/* ---- memory ---- */

/* Makes the worker's part, if there is none. Returns false if memory is exhausted. */
static bool filters__open_worker(struct worker *worker)
{
    if (!worker->filters)
        worker->filters = memory_alloc(sizeof *worker->filters + worker->buffer_bytes);
    return worker->filters != NULL;
}

void filters_close_worker(struct worker *worker)
{
    struct filters_worker *shared = worker->filters;

    if (!shared) return;
    filter_worker_free(&shared->filter);
    if (shared->spare) net_give_back(worker->net, shared->spare);
    memory_free(shared);
    worker->filters = NULL;
}

struct filters *filters_open_empty(struct worker *worker)
{
    struct filters *filters = filters__open_worker(worker) ? memory_alloc(sizeof *filters) : NULL;

    if (!filters) return NULL;
    filters->wake_ms = UINT64_MAX;
    filters->passes = true;
    return filters;
}

struct filters *filters_open(struct worker *worker, const struct service *service, uint32_t first)
{
    weir_check(first < service->filters_count);
    struct filters *filters = filters_open_empty(worker);

    if (!filters) return NULL;
    filters->passes = false;
    filters->is_proxied = filters_name_client(service, first);
    filters->is_outbound = filters->must_feed = service->connector != 0;
    filters->count = filters->transform = filters->goodbyes_left =
        (uint8_t)(service->filters_count - first);
    for (uint8_t i = 0; i < filters->count; i++) {
        filters->chain[i].filter = filter_ref(service->filters[first + i]);
        if (!filters->chain[i].filter->kind->transforms) continue;
        weir_check(filters->transform == filters->count); /* at most one */
        filters->transform = i;
    }
    return filters;
}

void filters_add(struct filters *filters, struct filter *filter, bool is_outbound)
{
    weir_check(filters->passes && filters_are_open(filters));
    weir_check(filters->count < SERVICE_FILTERS_MAX);
    weir_check(filter->kind->transforms);
    filters->transform = filters->count;
    filters->chain[filters->count++].filter = filter_ref(filter);
    filters->goodbyes_left = filters->count;
    filters->opening_bytes = 0;
    filters->passes = false;
    filters->is_upgrade = filters->must_look = true;
    filters->is_outbound = filters->must_feed = is_outbound;
}

/* Charges `bytes` more for the session's filters. */
static void filters__charge_more(struct weir_session *session, size_t after, size_t before)
{
    struct account *account = &session->worker->account;
    struct filters *filters = session->filters;
    size_t bytes = filters->held_bytes + after - before;

    weir_check(bytes < UINT32_MAX / 2); /* a filter bounds what it holds */
    account_move(account, after, before);
    filters->held_bytes = (uint32_t)bytes;
    if (after > before) account_list(account, session);
}

void filters_attach(struct weir_session *session, struct filters *filters)
{
    weir_check(!session->filters);
    session->filters = filters;
    filters->began_ns = session->worker->now_ns;
    filters->began_ms = (uint32_t)session->worker->now_ms;
    filters__charge_more(session, sizeof *filters, 0);
}

void filters_charge(struct weir_session *session, uint32_t index)
{
    struct filters_one *one = &session->filters->chain[index];
    size_t bytes = one->filter->kind->held_bytes(one->state);

    if (bytes == one->held_bytes) return;
    filters__charge_more(session, bytes, one->held_bytes);
    one->held_bytes = bytes;
}

bool filters_reserve(struct worker *worker)
{
    struct filters_worker *shared = worker->filters;

    if (!shared->spare) shared->spare = net_take(worker->net, 1);
    return shared->spare != NULL;
}

/* ---- the end ---- */

void filters_drop_input(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct filters *filters = session->filters;
    struct net_buffer *buffer;

    while ((buffer = filters->wire) != NULL) {
        filters->wire = buffer->next;
        session->unread_bytes -= buffer->capacity;
        net_give_back(worker->net, buffer);
    }
    if (filters->plain) {
        session->unread_bytes -= filters->plain->capacity;
        net_give_back(worker->net, filters->plain);
        filters->plain = NULL;
    }
    filters->must_feed = filters->again = filters->end_waits = false;
    filters->must_respond = filters->needs_buffer = filters->must_look = false;
    session->wire_unread = false;
}

void filters_discard(struct filters *filters)
{
    for (uint32_t i = 0; i < filters->count; i++) {
        struct filters_one *one = &filters->chain[i];
        if (one->state) one->filter->kind->release(one->state);
        filter_unref(one->filter);
    }
    memory_free(filters);
}

void filters_free(struct weir_session *session)
{
    weir_check(!session->filters->wire && !session->filters->plain);
    filters_discard(session->filters);
    session->filters = NULL;
}

/* ---- for the public calls of kinds ---- */

void *filters_find(const struct weir_session *session, const struct filter_kind *kind)
{
    const struct filters *filters = session->filters;

    if (!filters) return NULL;
    for (uint32_t i = 0; i < filters->count; i++)
        if (filters->chain[i].filter->kind == kind) return filters->chain[i].state;
    return NULL;
}
