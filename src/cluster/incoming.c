/* SPDX-License-Identifier: MIT */
/* incoming.c - reads messages of other nodes, and carries them out.
 *
 *      bytes -> node_wire_read -> own number? --------------------> claim: a conflict
 *                  |             |
 *                  v             |-> hello, bye, questions, binds -> nodes, counts, binds
 *          refused_malformed     |
 *                                `-> of a handler: right subject?   -> refused_malformed
 *                                                  old incarnation? -> refused_repeated
 *                                                  position         -> gaps, refused_repeated
 *                                                  members, holder? -> refused_gone
 *                                                  this node's server: received, refused_mailbox,
 *                                                      refused_gone, refused_other
 *
 * Everything that the bridge's thread must do next is a state of nodes, claim, counts or binds.
 */
#include "incoming.h"

#include <string.h>

#include "bridge_state.h"
#include "memory.h"
#include "outgoing.h"

static void incoming__wake(struct cluster_bridge *bridge)
{
    if (bridge->wake) bridge->wake(bridge->wake_argument);
}

/* ---- messages of the bridges themselves ---- */

static void incoming__on_hello(struct cluster_bridge *bridge,
                               const struct node_wire_message *message)
{
    struct nodes_hello hello = {.node = message->origin,
                                .incarnation = message->incarnation,
                                .sessions = message->numbers[0],
                                .draining = message->numbers[2] != 0,
                                .address = message->bytes,
                                .address_length = message->length};

    if (message->numbers[1] <= UINT32_MAX) hello.interval_ms = (uint32_t)message->numbers[1];
    if (!nodes_hello(bridge->nodes, &hello, weir_now())) return;
    atomic_store(&bridge->hello_is_due, true);  /* it may not know this node yet, */
    atomic_store(&bridge->names_are_due, true); /* or has its names from the time of a partition */
    incoming__wake(bridge);
}

static void incoming__on_bound(struct cluster_bridge *bridge,
                               const struct node_wire_message *message)
{
    struct binds_bind bind = {.id = message->numbers[0],
                              .timestamp = message->numbers[1],
                              .replaces = message->numbers[2] != 0};
    bool is_changed;

    memcpy(bind.name, message->name, sizeof bind.name);
    if (!binds_heard(bridge->binds, message->origin, &bind, weir_now(),
                     (uint64_t)weir_unix_time_ms(), &is_changed))
        tallies_add(&bridge->tallies, TALLY_REFUSED_MALFORMED, 1);
    else if (is_changed)
        incoming__wake(bridge);
}

/* A question that workers of this node answer. */
struct incoming__question {
    struct cluster_bridge *bridge;
    uint64_t number;
    uint8_t origin;
};

static void incoming__answer(const struct incoming__question *question, uint64_t members,
                             uint64_t offered, uint64_t dropped, bool incomplete)
{
    struct node_wire_message message = {.kind = NODE_WIRE_COUNT};
    const uint64_t numbers[] = {question->number, members, offered, dropped, incomplete};
    struct subject subject;

    memcpy(message.numbers, numbers, sizeof numbers);
    subjects_node(&question->bridge->subjects, question->origin, &subject);
    outgoing_post_control(question->bridge, &message, &subject);
}

static void incoming__on_counted(const struct weir_group_members *count, void *argument)
{
    struct incoming__question *question = argument;

    incoming__answer(question, count->members, count->offered, count->dropped, count->incomplete);
    memory_free(question);
}

static void incoming__on_ask_count(struct cluster_bridge *bridge,
                                   const struct node_wire_message *message)
{
    struct incoming__question question = {bridge, message->numbers[0], message->origin};
    uint64_t deadline_ms = message->numbers[1], subscription;
    uint32_t deadline_max_ms = bridge->options.count_deadline_max_ms;

    if (!interest_look(bridge->interest, SUBJECT_GROUP, message->name, &subscription)) {
        incoming__answer(&question, 0, 0, 0, false);
        return;
    }
    if (deadline_ms == 0 || deadline_ms > deadline_max_ms) deadline_ms = deadline_max_ms;
    struct incoming__question *copy = memory_alloc(sizeof *copy);
    if (copy) *copy = question;
    if (!copy || bridge->local->group_count(bridge->server, message->name, (uint32_t)deadline_ms,
                                            incoming__on_counted, copy) != WEIR_OK) {
        memory_free(copy);
        incoming__answer(&question, 0, 0, 0, true);
    }
}

static void incoming__on_count(struct cluster_bridge *bridge,
                               const struct node_wire_message *message)
{
    const struct counts_result answer = {.members = message->numbers[1],
                                         .offered = message->numbers[2],
                                         .dropped = message->numbers[3],
                                         .incomplete = message->numbers[4] != 0};

    if (counts_answered(bridge->counts, message->numbers[0], message->origin, &answer))
        incoming__wake(bridge);
}

/* A message of a node that has the number of this one. */
static void incoming__on_own_number(struct cluster_bridge *bridge,
                                    const struct node_wire_message *message)
{
    bool is_conflict = false;

    if (message->incarnation == bridge->incarnation) return; /* this node's own */
    if (node_wire_is_counted(message->kind)) tallies_add(&bridge->tallies, TALLY_REFUSED_OTHER, 1);
    if (message->kind == NODE_WIRE_ASK_NODE)
        claim_asked(bridge->claim, message->incarnation);
    else if (message->kind == NODE_WIRE_NODE_TAKEN || message->kind == NODE_WIRE_HELLO)
        is_conflict = claim_taken(bridge->claim, message->incarnation, weir_now());
    else if (message->kind == NODE_WIRE_BYE)
        is_conflict = claim_bye(bridge->claim);
    if (is_conflict) tallies_add(&bridge->tallies, TALLY_CONFLICTS, 1);
    incoming__wake(bridge);
}

/* ---- messages of handlers ---- */

/* Fills in the subject that a message of this kind must have. */
static void incoming__subject_of(const struct cluster_bridge *bridge,
                                 const struct node_wire_message *message, struct subject *subject)
{
    if (message->kind == NODE_WIRE_BROADCAST)
        subjects_named(&bridge->subjects, SUBJECT_GROUP, message->name, subject);
    else if (message->kind == NODE_WIRE_SEND_NAME)
        subjects_named(&bridge->subjects, SUBJECT_NAME, message->name, subject);
    else
        *subject = bridge->own_subject;
}

/* Whether this node can have a recipient. *subscription: number of the subscription by which the
 * message arrived; 0: it has ended. */
static bool incoming__has_recipient(struct cluster_bridge *bridge,
                                    const struct node_wire_message *message, uint64_t *subscription)
{
    *subscription = 1;
    if (message->kind == NODE_WIRE_BROADCAST)
        return interest_look(bridge->interest, SUBJECT_GROUP, message->name, subscription);
    if (message->kind == NODE_WIRE_SEND_NAME)
        return interest_look(bridge->interest, SUBJECT_NAME, message->name, subscription);
    return message->numbers[0] >> 56 == bridge->node;
}

/* Whether the message is neither repeated nor outdated. Counts the messages missing before it. */
static bool incoming__is_next(struct cluster_bridge *bridge,
                              const struct node_wire_message *message, const char *subject,
                              uint64_t subscription)
{
    const struct streams_position position = {.origin = message->origin,
                                              .incarnation = message->incarnation,
                                              .subscription = subscription,
                                              .stream = message->stream,
                                              .sequence = message->sequence};
    uint64_t gaps = 0;
    bool is_next = nodes_heard(bridge->nodes, message->origin, message->incarnation, weir_now()) &&
                   streams_receive(bridge->received, subject, &position, &gaps);

    if (gaps > 0) tallies_add(&bridge->tallies, TALLY_GAPS, gaps);
    return is_next;
}

static enum weir_code incoming__deliver(struct cluster_bridge *bridge,
                                        const struct node_wire_message *message)
{
    const struct local_server_ops *local = bridge->local;
    struct weir_server *server = bridge->server;
    uint64_t id = message->numbers[0];

    switch (message->kind) {
    case NODE_WIRE_BROADCAST:
        return local->broadcast(server, message->name, message->bytes, message->length, id);
    case NODE_WIRE_SEND: return local->send(server, id, message->bytes, message->length);
    case NODE_WIRE_FINISH: return local->finish(server, id);
    case NODE_WIRE_ABORT: return local->abort(server, id);
    default: return local->send_name(server, message->name, message->bytes, message->length);
    }
}

static enum tally incoming__tally_of(enum weir_code code)
{
    switch (code) {
    case WEIR_OK: return TALLY_RECEIVED;
    case WEIR_MAILBOX_FULL: return TALLY_REFUSED_MAILBOX;
    case WEIR_GONE: return TALLY_REFUSED_GONE;
    default: return TALLY_REFUSED_OTHER;
    }
}

/* Returns what to count the message as. */
static enum tally incoming__take(struct cluster_bridge *bridge, const char *arrived_by,
                                 const struct node_wire_message *message)
{
    struct subject subject;
    uint64_t subscription;

    incoming__subject_of(bridge, message, &subject);
    if (strcmp(subject.text, arrived_by) != 0) return TALLY_REFUSED_MALFORMED;
    if (!atomic_load(&bridge->is_attached)) return TALLY_REFUSED_GONE;
    if (claim_state(bridge->claim) != CLAIM_OWNED) return TALLY_REFUSED_OTHER;
    bool has_recipient = incoming__has_recipient(bridge, message, &subscription);
    if (subscription == 0) return TALLY_REFUSED_GONE;
    if (!incoming__is_next(bridge, message, arrived_by, subscription))
        return TALLY_REFUSED_REPEATED;
    if (!has_recipient) return TALLY_REFUSED_GONE;
    return incoming__tally_of(incoming__deliver(bridge, message));
}

static void incoming__on_counted_kind(struct cluster_bridge *bridge, const char *subject,
                                      const struct node_wire_message *message)
{
    enum tally tally = incoming__take(bridge, subject, message);

    tallies_add(&bridge->tallies, tally, 1);
    if (tally == TALLY_RECEIVED)
        tallies_add(&bridge->tallies, TALLY_RECEIVED_BYTES, message->length);
}

void incoming_on_message(struct cluster_bridge *bridge, const char *subject, const uint8_t *bytes,
                         size_t length)
{
    struct node_wire_message message;

    if (!node_wire_read(bytes, length, &message)) {
        tallies_add(&bridge->tallies, TALLY_REFUSED_MALFORMED, 1);
        return;
    }
    if (message.origin == bridge->node) {
        incoming__on_own_number(bridge, &message);
        return;
    }
    switch (message.kind) {
    case NODE_WIRE_HELLO: incoming__on_hello(bridge, &message); break;
    case NODE_WIRE_BYE: nodes_bye(bridge->nodes, message.origin, message.incarnation); break;
    case NODE_WIRE_BOUND: incoming__on_bound(bridge, &message); break;
    case NODE_WIRE_ASK_COUNT: incoming__on_ask_count(bridge, &message); break;
    case NODE_WIRE_COUNT: incoming__on_count(bridge, &message); break;
    case NODE_WIRE_ASK_NODE:
    case NODE_WIRE_NODE_TAKEN: break; /* of other numbers: not subscribed */
    default: incoming__on_counted_kind(bridge, subject, &message); break;
    }
}
