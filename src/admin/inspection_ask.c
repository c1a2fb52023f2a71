/* SPDX-License-Identifier: MIT */
/* inspection_ask.c - see inspection_ask.h. */
#include "inspection_ask.h"

#include "heap.h"

/* Runs on the admin server's worker. */
static void inspection_ask__end(struct weir_worker *worker, void *argument)
{
    struct inspection_ask *ask = argument;
    struct inspection_ask **link = &ask->asks->first;

    (void)worker;
    while (*link != ask) link = &(*link)->next;
    *link = ask->next;
    visit_list_wake(&ask->waiting);
    heap_free(ask);
}

static void inspection_ask__on_session(void *user, const struct weir_session_info *info)
{
    struct inspection_ask *ask = user;

    ask->info = *info;
    if (info->received_frame) ask->received = *info->received_frame;
    if (info->sent_frame) ask->sent = *info->sent_frame;
    ask->info.received_frame = info->received_frame ? &ask->received : NULL;
    ask->info.sent_frame = info->sent_frame ? &ask->sent : NULL;
    ask->is_found = true;
}

/* If the post fails, the visits wait until their time is over, and the ask is freed at the end. */
static void inspection_ask__on_end(void *user, uint64_t cursor)
{
    struct inspection_ask *ask = user;

    (void)cursor;
    (void)weir_post(ask->asks->own, 0, inspection_ask__end, ask);
}

struct inspection_ask *inspection_ask(struct inspection_asks *asks, struct weir_server *own,
                                      struct weir_server *observed, uint64_t id,
                                      enum weir_code *code)
{
    struct inspection_ask *ask = heap_alloc(sizeof *ask);
    struct weir_sessions_query query = {.size = sizeof query,
                                        .id = id,
                                        .user = ask,
                                        .on_session = inspection_ask__on_session,
                                        .on_end = inspection_ask__on_end};

    *code = WEIR_NO_MEMORY;
    if (!ask) return NULL;
    asks->own = own;
    ask->asks = asks;
    *code = weir_sessions_list(observed, &query);
    if (*code != WEIR_OK) {
        heap_free(ask);
        return NULL;
    }
    ask->next = asks->first;
    asks->first = ask;
    return ask;
}

void inspection_asks_free(struct inspection_asks *asks)
{
    while (asks->first) {
        struct inspection_ask *ask = asks->first;
        asks->first = ask->next;
        heap_free(ask);
    }
}
