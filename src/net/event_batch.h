/* SPDX-License-Identifier: MIT */
/* event_batch.h - the events of one net_wait call, each checked against the transport rules.
 * Private to src/net.
 *
 *      transport, answers.c -> event_batch_add: check the handle -> record -> caller's array
 *
 * Every event of every transport passes through event_batch_add(). A second answer, a close that is
 * answered before its send, or data that was not requested therefore ends the process at the call
 * that broke the rule.
 */
#ifndef NET_EVENT_BATCH_H
#define NET_EVENT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "handle_table.h"
#include "net.h"

struct event_batch {
    struct net_event *events; /* the caller's array while net_wait runs; null otherwise */
    uint32_t count, max;
};

static inline bool event_batch_has_room(const struct event_batch *batch)
{
    return batch->count < batch->max;
}

static inline uint32_t event_batch_room(const struct event_batch *batch)
{
    return batch->max - batch->count;
}

/* Adds an event; the caller fills the members that its kind carries. Only inside transport->wait,
 * and only with room. `handle` is null for NET_WOKEN. NET_CLOSED frees the handle, which must not
 * be used afterwards. */
struct net_event *event_batch_add(struct net *net, struct handle *handle, enum net_event_kind kind);

/* Adds NET_SENT; for answers.c. */
struct net_event *event_batch_sent(struct net *net, struct handle *handle);

/* Adds NET_RECEIVED with the buffer, which passes from SYSTEM to CALLER. */
void event_batch_received(struct net *net, struct handle *handle, struct net_buffer *buffer);

/* Adds an event of a kind that carries an error: NET_BROKEN, NET_PAUSED. */
void event_batch_failed(struct net *net, struct handle *handle, enum net_event_kind kind,
                        enum weir_code code, int os_error);

#endif
