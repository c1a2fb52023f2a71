/* SPDX-License-Identifier: MIT */
/* outgoing.c - the callbacks of struct weir_bridge: they run on workers, and never wait. */
#include "outgoing.h"

#include <string.h>

#include "bridge_state.h"
#include "check.h"

static void outgoing__wake(struct cluster_bridge *bridge)
{
    if (bridge->wake) bridge->wake(bridge->wake_argument);
}

static void outgoing__set_name(struct node_wire_message *message, const char *name)
{
    size_t length = strlen(name);

    weir_check(length < sizeof message->name);
    memcpy(message->name, name, length + 1);
}

static struct outbox_item *outgoing__make(const struct cluster_bridge *bridge,
                                          struct node_wire_message *message,
                                          const struct subject *subject)
{
    struct outbox_item *item = outbox_make(subject, node_wire_size(message));

    if (!item) return NULL;
    message->origin = bridge->node;
    message->incarnation = bridge->incarnation;
    item->message_length = message->length;
    node_wire_write(message, item->bytes);
    return item;
}

/* Whether the broker did not read a moment ago: a message for it would only wake the bridge's
 * thread, which would drop it. */
static bool outgoing__is_stuck(struct cluster_bridge *bridge)
{
    uint64_t until_ms = atomic_load_explicit(&bridge->stuck_until_ms, memory_order_relaxed);

    return until_ms > 0 && weir_now() < until_ms;
}

/* Whether a message is taken now. Otherwise it is counted as dropped. */
static bool outgoing__is_open(struct cluster_bridge *bridge)
{
    int gate = atomic_load_explicit(&bridge->gate, memory_order_acquire);

    if (gate == BRIDGE_OPEN && outgoing__is_stuck(bridge)) {
        tallies_add(&bridge->tallies, TALLY_DROPPED_WRITE, 1);
        return false;
    }
    if (gate == BRIDGE_OPEN) return true;
    if (gate == BRIDGE_AWAY && bridge->options.stale == WEIR_CLUSTER_STALE_KEEP) return true;
    tallies_add(&bridge->tallies,
                gate == BRIDGE_REFUSED ? TALLY_DROPPED_REFUSED : TALLY_DROPPED_AWAY, 1);
    return false;
}

/* Queues a message of a handler, or counts why not. */
static enum weir_code outgoing__post(struct cluster_bridge *bridge,
                                     struct node_wire_message *message,
                                     const struct subject *subject)
{
    struct outbox_item *item = outgoing__make(bridge, message, subject);

    if (!item) {
        tallies_add(&bridge->tallies, TALLY_DROPPED_MEMORY, 1);
        return WEIR_NO_MEMORY;
    }
    enum outbox_result result = outbox_add(bridge->messages, item);
    if (result == OUTBOX_FULL) {
        bool is_away = atomic_load(&bridge->gate) == BRIDGE_AWAY;
        tallies_add(&bridge->tallies, is_away ? TALLY_DROPPED_AWAY : TALLY_DROPPED_QUEUE, 1);
        outbox_item_free(item);
        return WEIR_MAILBOX_FULL;
    }
    if (result == OUTBOX_ADDED_FIRST) outgoing__wake(bridge);
    return WEIR_OK;
}

void outgoing_post_control(struct cluster_bridge *bridge, struct node_wire_message *message,
                           const struct subject *subject)
{
    struct outbox_item *item = outgoing__make(bridge, message, subject);

    if (!item) return;
    enum outbox_result result = outbox_add(bridge->controls, item);
    if (result == OUTBOX_FULL) outbox_item_free(item);
    if (result == OUTBOX_ADDED_FIRST) outgoing__wake(bridge);
}

/* ---- messages ---- */

static void outgoing__on_broadcast(void *user, const char *group, const void *bytes, size_t length,
                                   uint64_t except_id)
{
    struct cluster_bridge *bridge = user;
    struct node_wire_message message = {
        .kind = NODE_WIRE_BROADCAST, .bytes = bytes, .length = length};
    struct subject subject;

    if (!outgoing__is_open(bridge)) return;
    outgoing__set_name(&message, group);
    message.numbers[0] = except_id;
    subjects_named(&bridge->subjects, SUBJECT_GROUP, group, &subject);
    outgoing__post(bridge, &message, &subject);
}

static enum weir_code outgoing__post_to_session(struct cluster_bridge *bridge,
                                                enum node_wire_kind kind, uint64_t id,
                                                const void *bytes, size_t length)
{
    struct node_wire_message message = {.kind = kind, .bytes = bytes, .length = length};
    struct subject subject;

    if (!outgoing__is_open(bridge)) return WEIR_UNREACHABLE;
    message.numbers[0] = id;
    subjects_node(&bridge->subjects, (uint32_t)(id >> 56), &subject);
    return outgoing__post(bridge, &message, &subject);
}

static enum weir_code outgoing__on_send(void *user, uint64_t id, const void *bytes, size_t length)
{
    return outgoing__post_to_session(user, NODE_WIRE_SEND, id, bytes, length);
}

static enum weir_code outgoing__on_close(void *user, uint64_t id, bool abort)
{
    return outgoing__post_to_session(user, abort ? NODE_WIRE_ABORT : NODE_WIRE_FINISH, id, NULL, 0);
}

static enum weir_code outgoing__on_send_name(void *user, const char *name, const void *bytes,
                                             size_t length)
{
    struct cluster_bridge *bridge = user;
    struct node_wire_message message = {
        .kind = NODE_WIRE_SEND_NAME, .bytes = bytes, .length = length};
    struct subject subject;

    if (!outgoing__is_open(bridge)) return WEIR_UNREACHABLE;
    outgoing__set_name(&message, name);
    subjects_named(&bridge->subjects, SUBJECT_NAME, name, &subject);
    return outgoing__post(bridge, &message, &subject);
}

/* ---- groups and names of this node ---- */

static enum weir_code outgoing__on_group_begin(void *user, const char *group)
{
    struct cluster_bridge *bridge = user;
    bool is_changed;
    enum weir_code code = interest_begin(bridge->interest, SUBJECT_GROUP, group, &is_changed);

    if (is_changed) outgoing__wake(bridge);
    return code;
}

static void outgoing__on_group_end(void *user, const char *group)
{
    struct cluster_bridge *bridge = user;
    bool is_changed;

    interest_end(bridge->interest, SUBJECT_GROUP, group, &is_changed);
    if (is_changed) outgoing__wake(bridge);
}

static enum weir_code outgoing__on_name_bound(void *user, const char *name, uint64_t id,
                                              enum weir_bind how)
{
    struct cluster_bridge *bridge = user;
    bool is_changed;
    enum weir_code code = interest_begin(bridge->interest, SUBJECT_NAME, name, &is_changed);

    if (code != WEIR_OK) return code;
    code = binds_add(bridge->binds, name, id, how, weir_now(), (uint64_t)weir_unix_time_ms());
    if (code != WEIR_OK) interest_end(bridge->interest, SUBJECT_NAME, name, &is_changed);
    outgoing__wake(bridge);
    return code;
}

static void outgoing__on_name_unbound(void *user, const char *name, uint64_t id)
{
    struct cluster_bridge *bridge = user;
    bool is_changed;

    binds_remove(bridge->binds, name, id);
    interest_end(bridge->interest, SUBJECT_NAME, name, &is_changed);
    if (is_changed) outgoing__wake(bridge);
}

/* ---- counts ---- */

/* Whether the nodes that answered the hello of this one are known. */
static bool outgoing__knows_nodes(struct cluster_bridge *bridge)
{
    return weir_now() >= atomic_load(&bridge->nodes_known_ms);
}

/* Returns false if the other nodes cannot be asked. */
static bool outgoing__ask(struct cluster_bridge *bridge, const char *group,
                          const struct nodes_set *live, uint32_t deadline_ms,
                          struct weir_bridge_count *count)
{
    struct node_wire_message message = {.kind = NODE_WIRE_ASK_COUNT};
    uint64_t question;

    if (atomic_load(&bridge->gate) != BRIDGE_OPEN) return false;
    bool incomplete = !outgoing__knows_nodes(bridge);
    question = counts_ask(bridge->counts, live, incomplete, weir_now() + deadline_ms, count);
    if (question == 0) return false;
    outgoing__set_name(&message, group);
    message.numbers[0] = question;
    message.numbers[1] = deadline_ms;
    outgoing_post_control(bridge, &message, &bridge->questions_subject);
    outgoing__wake(bridge); /* for the deadline */
    return true;
}

static void outgoing__on_count(void *user, const char *group, uint32_t deadline_ms,
                               struct weir_bridge_count *count)
{
    struct cluster_bridge *bridge = user;
    uint32_t deadline_max_ms = bridge->options.count_deadline_max_ms;
    struct nodes_set live;
    bool is_connected = atomic_load(&bridge->gate) == BRIDGE_OPEN;

    if (deadline_ms == 0 || deadline_ms > deadline_max_ms) deadline_ms = deadline_max_ms;
    size_t nodes_count = nodes_live(bridge->nodes, &live);
    if (is_connected && nodes_count == 0)
        bridge->local->counted(count, 0, 0, 0, !outgoing__knows_nodes(bridge));
    else if (!outgoing__ask(bridge, group, &live, deadline_ms, count))
        bridge->local->counted(count, 0, 0, 0, true);
}

void outgoing_callbacks(struct cluster_bridge *bridge, struct weir_bridge *callbacks)
{
    *callbacks = (struct weir_bridge){
        .size = sizeof *callbacks,
        .user = bridge,
        .on_broadcast = outgoing__on_broadcast,
        .on_send = outgoing__on_send,
        .on_close = outgoing__on_close,
        .on_send_name = outgoing__on_send_name,
        .on_group_begin = outgoing__on_group_begin,
        .on_group_end = outgoing__on_group_end,
        .on_name_bound = outgoing__on_name_bound,
        .on_name_unbound = outgoing__on_name_unbound,
        .on_count = outgoing__on_count,
    };
}
