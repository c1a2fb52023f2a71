/* SPDX-License-Identifier: MIT */
/* publishing.c - the end of the way of a message on this node.
 *
 *      outbox -> position in its stream -> broker ->  WEIR_OK          sent; the position is taken
 *                                                     WEIR_GONE        kept, or dropped_away
 *                                                     WEIR_TIMED_OUT   dropped_write
 *                                                     WEIR_TOO_LARGE   dropped_too_large
 *                                                     WEIR_NO_MEMORY   dropped_memory
 *
 * A dropped message takes no position, so what this node counts as dropped is not a gap elsewhere.
 */
#include "publishing.h"

#include "bridge_state.h"
#include "check.h"
#include "memory.h"

/* After a write that the broker did not read in time, workers drop messages for this long. The next
 * one then tries again. */
#define PUBLISHING__STUCK_MS 50

enum weir_code publishing_send(struct cluster_bridge *bridge, struct node_wire_message *message,
                               const struct subject *subject)
{
    uint8_t bytes[NODE_WIRE_OVERHEAD_BYTES_MAX + sizeof bridge->address];
    size_t size = node_wire_size(message);

    weir_check(size <= sizeof bytes);
    message->origin = bridge->node;
    message->incarnation = bridge->incarnation;
    node_wire_write(message, bytes);
    return bridge->broker->ops->publish(bridge->broker, subject->text, bytes, size);
}

static enum tally publishing__cause(enum weir_code code)
{
    switch (code) {
    case WEIR_GONE: return TALLY_DROPPED_AWAY;
    case WEIR_TOO_LARGE: return TALLY_DROPPED_TOO_LARGE;
    case WEIR_NO_MEMORY: return TALLY_DROPPED_MEMORY;
    default: return TALLY_DROPPED_WRITE;
    }
}

/* Notes whether the broker reads. */
static void publishing__note(struct cluster_bridge *bridge, enum weir_code code)
{
    if (code == WEIR_TIMED_OUT)
        atomic_store(&bridge->stuck_until_ms, weir_now() + PUBLISHING__STUCK_MS);
    else if (atomic_load_explicit(&bridge->stuck_until_ms, memory_order_relaxed) > 0)
        atomic_store(&bridge->stuck_until_ms, 0);
}

/* Publishes a message of a handler. */
static enum weir_code publishing__publish(struct cluster_bridge *bridge,
                                          const struct outbox_item *item)
{
    uint32_t stream;
    uint64_t sequence;

    if (!streams_next(bridge->sent, item->subject, &stream, &sequence)) return WEIR_NO_MEMORY;
    node_wire_set_position(item->bytes, stream, sequence);
    enum weir_code code =
        bridge->broker->ops->publish(bridge->broker, item->subject, item->bytes, item->size);
    if (code == WEIR_OK) streams_published(bridge->sent);
    publishing__note(bridge, code);
    return code;
}

/* Returns false if the broker takes no further message now. */
static bool publishing__finish(struct cluster_bridge *bridge, struct outbox_item *item,
                               enum weir_code code)
{
    if (code == WEIR_GONE && bridge->options.stale == WEIR_CLUSTER_STALE_KEEP) {
        outbox_put_back(bridge->messages, item);
        return false;
    }
    if (code == WEIR_OK) {
        tallies_add(&bridge->tallies, TALLY_SENT, 1);
        tallies_add(&bridge->tallies, TALLY_SENT_BYTES, item->message_length);
    } else {
        tallies_add(&bridge->tallies, publishing__cause(code), 1);
    }
    outbox_release(bridge->messages, item);
    return code != WEIR_TIMED_OUT;
}

/* Messages of the bridges themselves: lost ones are asked or announced again. */
static bool publishing__send_controls(struct cluster_bridge *bridge, uint32_t messages_max,
                                      bool is_open)
{
    struct outbox_item *item;

    for (uint32_t i = 0; i < messages_max; i++) {
        item = outbox_take(bridge->controls);
        if (!item) return false;
        enum weir_code code = WEIR_GONE;
        if (is_open)
            code = bridge->broker->ops->publish(bridge->broker, item->subject, item->bytes,
                                                item->size);
        outbox_release(bridge->controls, item);
        if (code == WEIR_TIMED_OUT) return true;
    }
    return true;
}

bool publishing_step(struct cluster_bridge *bridge, uint32_t messages_max)
{
    int gate = atomic_load(&bridge->gate);
    bool more = publishing__send_controls(bridge, messages_max, gate == BRIDGE_OPEN);
    struct outbox_item *item;

    if (gate == BRIDGE_AWAY && bridge->options.stale == WEIR_CLUSTER_STALE_KEEP) return more;
    for (uint32_t i = 0; i < messages_max; i++) {
        item = outbox_take(bridge->messages);
        if (!item) return more;
        enum weir_code code = gate == BRIDGE_OPEN ? publishing__publish(bridge, item) : WEIR_GONE;
        if (gate == BRIDGE_REFUSED) {
            tallies_add(&bridge->tallies, TALLY_DROPPED_REFUSED, 1);
            outbox_release(bridge->messages, item);
        } else if (!publishing__finish(bridge, item, code)) {
            return code == WEIR_TIMED_OUT; /* kept ones wait for the connection */
        }
    }
    return true;
}

void publishing_drop_all(struct cluster_bridge *bridge, int tally)
{
    struct outbox_item *item;

    while ((item = outbox_take(bridge->messages))) {
        tallies_add(&bridge->tallies, (enum tally)tally, 1);
        outbox_release(bridge->messages, item);
    }
    while ((item = outbox_take(bridge->controls))) outbox_release(bridge->controls, item);
}
