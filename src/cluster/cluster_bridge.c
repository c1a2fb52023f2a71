/* SPDX-License-Identifier: MIT */
/* cluster_bridge.c - the steps of a bridge: its connection, its number, and what it publishes about
 * itself.
 *
 *      broker     claim              gate
 *      away       any but refused    AWAY      messages are dropped or kept
 *      connected  unclaimed, asking  AWAY
 *      connected  owned              OPEN      messages are published
 *      any        refused            REFUSED   messages are dropped; nothing is subscribed
 */
#include "cluster_bridge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bridge_state.h"
#include "check.h"
#include "incoming.h"
#include "outgoing.h"
#include "publishing.h"

#define CLUSTER_BRIDGE__MESSAGES_MAX 512u /* of one step */
#define CLUSTER_BRIDGE__CHANGES_MAX 128u  /* subscriptions and binds of one step, each */
/* After the gate has opened, the nodes that answer the hello of this one are known. */
#define CLUSTER_BRIDGE__KNOWN_MS 250u
#define CLUSTER_BRIDGE__HELLO_GAP_MS 50u /* between two hellos, at least */
#define CLUSTER_BRIDGE__RETRY_MS 20u

static void cluster_bridge__wake(struct cluster_bridge *bridge)
{
    if (bridge->wake) bridge->wake(bridge->wake_argument);
}

static void cluster_bridge__log(struct cluster_bridge *bridge, enum weir_log_level level,
                                const char *line)
{
    bridge->local->log(bridge->server, level, line);
}

/* ---- events of the broker ---- */

static void cluster_bridge__on_message(void *user, const char *subject, const uint8_t *bytes,
                                       size_t length)
{
    incoming_on_message(user, subject, bytes, length);
}

static void cluster_bridge__on_connected(void *user)
{
    struct cluster_bridge *bridge = user;

    if (atomic_exchange(&bridge->is_connected, true)) return;
    tallies_add(&bridge->tallies, TALLY_CONNECTS, 1);
    atomic_fetch_add(&bridge->reconnects_count, 1);
    cluster_bridge__log(bridge, WEIR_LOG_INFO, "cluster: connected to the broker");
    cluster_bridge__wake(bridge);
}

static void cluster_bridge__on_disconnected(void *user, const char *why)
{
    struct cluster_bridge *bridge = user;
    int open = BRIDGE_OPEN;
    char line[256];

    bool was_connected = atomic_exchange(&bridge->is_connected, false);
    atomic_compare_exchange_strong(&bridge->gate, &open, BRIDGE_AWAY);
    if (was_connected) tallies_add(&bridge->tallies, TALLY_DISCONNECTS, 1);
    snprintf(line, sizeof line, "cluster: the broker is away (%s); connecting goes on", why);
    cluster_bridge__log(bridge, WEIR_LOG_WARNING, line);
    cluster_bridge__wake(bridge);
}

static void cluster_bridge__on_dropped(void *user, uint64_t count)
{
    struct cluster_bridge *bridge = user;

    tallies_add(&bridge->tallies, TALLY_SLOW_CONSUMER, count);
}

struct broker_events cluster_bridge_events(struct cluster_bridge *bridge)
{
    return (struct broker_events){.user = bridge,
                                  .on_message = cluster_bridge__on_message,
                                  .on_connected = cluster_bridge__on_connected,
                                  .on_disconnected = cluster_bridge__on_disconnected,
                                  .on_dropped = cluster_bridge__on_dropped};
}

void cluster_bridge_attach(struct cluster_bridge *bridge, struct broker *broker)
{
    bridge->broker = broker;
}

struct weir_bridge cluster_bridge_callbacks(struct cluster_bridge *bridge)
{
    struct weir_bridge callbacks;

    outgoing_callbacks(bridge, &callbacks);
    atomic_store(&bridge->is_attached, true);
    return callbacks;
}

/* ---- parts of a step ---- */

static void cluster_bridge__sooner(uint64_t *next_ms, uint64_t at_ms)
{
    if (at_ms < *next_ms) *next_ms = at_ms;
}

/* Subscribes to the subjects that every node has. Returns whether it has all of them. */
static bool cluster_bridge__subscribe(struct cluster_bridge *bridge)
{
    const struct subject *subjects[] = {&bridge->own_subject, &bridge->hello_subject,
                                        &bridge->questions_subject};
    uint64_t id;

    for (; bridge->subscribed_count < weir_count_of(subjects); bridge->subscribed_count++)
        if (bridge->broker->ops->subscribe(bridge->broker, subjects[bridge->subscribed_count]->text,
                                           &id) != WEIR_OK)
            return false; /* tried again by the next step */
    return true;
}

static void cluster_bridge__update_gate(struct cluster_bridge *bridge)
{
    enum claim_state claim = claim_state(bridge->claim);
    bool is_open = claim == CLAIM_OWNED && atomic_load(&bridge->is_connected);
    int gate = claim == CLAIM_REFUSED ? BRIDGE_REFUSED : is_open ? BRIDGE_OPEN : BRIDGE_AWAY;
    bool keeps = gate == BRIDGE_AWAY && bridge->options.stale == WEIR_CLUSTER_STALE_KEEP;

    outbox_limit_bytes(bridge->messages,
                       keeps ? bridge->options.keep_bytes_max : bridge->options.queue_bytes_max);
    if (atomic_exchange(&bridge->gate, gate) != BRIDGE_OPEN && gate == BRIDGE_OPEN)
        atomic_store(&bridge->nodes_known_ms, weir_now() + CLUSTER_BRIDGE__KNOWN_MS);
    /* It was disconnected in between. */
    if (is_open && !atomic_load(&bridge->is_connected)) atomic_store(&bridge->gate, BRIDGE_AWAY);
}

static void cluster_bridge__say_bye(struct cluster_bridge *bridge)
{
    struct node_wire_message message = {.kind = NODE_WIRE_BYE};

    publishing_send(bridge, &message, &bridge->hello_subject);
}

static void cluster_bridge__on_claim_changed(struct cluster_bridge *bridge, enum claim_state claim)
{
    char line[256];

    if (claim == CLAIM_OWNED) {
        interest_resume(bridge->interest);
        atomic_store(&bridge->hello_is_due, true);
        snprintf(line, sizeof line, "cluster: this is node %u of cluster %s", bridge->node,
                 bridge->subjects.prefix);
        line[strlen(line) - 1] = '\0'; /* the prefix ends with a dot */
        cluster_bridge__log(bridge, WEIR_LOG_INFO, line);
    } else if (claim == CLAIM_REFUSED) {
        snprintf(line, sizeof line,
                 "cluster: another live node has the number %u: nothing is sent to other nodes "
                 "or received from them; restart one of the two with another number",
                 bridge->node);
        cluster_bridge__log(bridge, WEIR_LOG_ERROR, line);
        if (atomic_load(&bridge->is_connected)) cluster_bridge__say_bye(bridge);
        interest_suspend(bridge->interest, bridge->broker);
    }
}

/* Asks for the node number, or answers another node that asks for it. */
static void cluster_bridge__step_claim(struct cluster_bridge *bridge, uint64_t now_ms,
                                       uint64_t *next_ms)
{
    struct node_wire_message message = {.kind = NODE_WIRE_ASK_NODE};
    bool is_connected = atomic_load(&bridge->is_connected);
    uint64_t claim_ms;
    enum claim_order order = claim_step(bridge->claim, is_connected, now_ms, &claim_ms);

    if (order == CLAIM_ANSWER) message.kind = NODE_WIRE_NODE_TAKEN;
    if (order != CLAIM_NOTHING &&
        publishing_send(bridge, &message, &bridge->own_subject) != WEIR_OK && order == CLAIM_ASK) {
        claim_retry(bridge->claim, now_ms);
        claim_ms = now_ms + CLUSTER_BRIDGE__RETRY_MS;
    }
    cluster_bridge__sooner(next_ms, claim_ms);
    enum claim_state claim = claim_state(bridge->claim);
    if (claim != bridge->claim_seen) cluster_bridge__on_claim_changed(bridge, claim);
    bridge->claim_seen = claim;
    cluster_bridge__update_gate(bridge);
}

static void cluster_bridge__step_hello(struct cluster_bridge *bridge, uint64_t now_ms,
                                       uint64_t *next_ms)
{
    uint64_t gap_ms = atomic_load(&bridge->hello_is_due) ? CLUSTER_BRIDGE__HELLO_GAP_MS
                                                         : bridge->options.hello_interval_ms;

    if (bridge->hello_ms == 0 || now_ms >= bridge->hello_ms + gap_ms) {
        struct node_wire_message message = {.kind = NODE_WIRE_HELLO,
                                            .numbers = {bridge->local->sessions(bridge->server),
                                                        bridge->options.hello_interval_ms,
                                                        bridge->local->draining(bridge->server)},
                                            .bytes = (const uint8_t *)bridge->address,
                                            .length = strlen(bridge->address)};
        atomic_store(&bridge->hello_is_due, false);
        bridge->hello_ms = now_ms;
        gap_ms = bridge->options.hello_interval_ms;
        publishing_send(bridge, &message, &bridge->hello_subject);
    }
    cluster_bridge__sooner(next_ms, bridge->hello_ms + gap_ms);
}

static bool cluster_bridge__announce(struct cluster_bridge *bridge, const struct binds_bind *bind)
{
    struct node_wire_message message = {.kind = NODE_WIRE_BOUND,
                                        .numbers = {bind->id, bind->timestamp, bind->replaces}};
    struct subject subject;

    memcpy(message.name, bind->name, sizeof message.name);
    subjects_named(&bridge->subjects, SUBJECT_NAME, bind->name, &subject);
    return publishing_send(bridge, &message, &subject) == WEIR_OK;
}

/* Returns false if the order must be carried out again. */
static bool cluster_bridge__carry_out(struct cluster_bridge *bridge, enum binds_order order,
                                      const struct binds_bind *bind)
{
    if (order == BINDS_ANNOUNCE) return cluster_bridge__announce(bridge, bind);
    enum weir_code code = bridge->local->evict(bridge->server, bind->name, bind->id);
    if (code == WEIR_OK) tallies_add(&bridge->tallies, TALLY_EVICTED, 1);
    return code != WEIR_MAILBOX_FULL;
}

static void cluster_bridge__step_binds(struct cluster_bridge *bridge, uint64_t now_ms,
                                       uint64_t *next_ms)
{
    struct binds_bind bind;
    uint64_t binds_ms = now_ms;

    if (bridge->reconnects_done != atomic_load(&bridge->reconnects_count)) {
        bridge->reconnects_done = atomic_load(&bridge->reconnects_count);
        atomic_store(&bridge->hello_is_due, true);
        atomic_store(&bridge->names_are_due, true);
        binds_reconnected(bridge->binds, now_ms);
    }
    if (atomic_exchange(&bridge->names_are_due, false)) binds_announce_all(bridge->binds);
    for (uint32_t i = 0; i < CLUSTER_BRIDGE__CHANGES_MAX; i++) {
        enum binds_order order = binds_next(bridge->binds, now_ms, &bind, &binds_ms);
        if (order == BINDS_NOTHING) break;
        if (!cluster_bridge__carry_out(bridge, order, &bind)) {
            binds_retry(bridge->binds, &bind, order);
            binds_ms = now_ms + CLUSTER_BRIDGE__RETRY_MS;
            break;
        }
        binds_ms = now_ms;
    }
    cluster_bridge__sooner(next_ms, binds_ms);
}

static void cluster_bridge__step_counts(struct cluster_bridge *bridge, uint64_t now_ms, bool ends,
                                        uint64_t *next_ms)
{
    struct counts_result result;
    struct nodes_set live;
    uint64_t counts_ms;

    nodes_live(bridge->nodes, &live);
    while (counts_take(bridge->counts, &live, now_ms, ends, &result, &counts_ms))
        bridge->local->counted(result.count, result.members, result.offered, result.dropped,
                               result.incomplete);
    cluster_bridge__sooner(next_ms, counts_ms);
}

uint64_t cluster_bridge_step(struct cluster_bridge *bridge, uint64_t now_ms)
{
    uint64_t next_ms = nodes_step(bridge->nodes, now_ms);

    if (cluster_bridge__subscribe(bridge)) /* first: it must hear the node that has the number */
        cluster_bridge__step_claim(bridge, now_ms, &next_ms);
    else
        cluster_bridge__sooner(&next_ms, now_ms + CLUSTER_BRIDGE__RETRY_MS);
    if (bridge->claim_seen == CLAIM_OWNED) /* also while the broker is away */
        cluster_bridge__sooner(&next_ms, interest_step(bridge->interest, bridge->broker, now_ms,
                                                       CLUSTER_BRIDGE__CHANGES_MAX));
    if (atomic_load(&bridge->gate) == BRIDGE_OPEN) {
        cluster_bridge__step_binds(bridge, now_ms, &next_ms);
        cluster_bridge__step_hello(bridge, now_ms, &next_ms);
    }
    cluster_bridge__step_counts(bridge, now_ms, false, &next_ms);
    if (publishing_step(bridge, CLUSTER_BRIDGE__MESSAGES_MAX)) return now_ms;
    bridge->broker->ops->flush(bridge->broker);
    return next_ms;
}

/* ---- the end ---- */

static void cluster_bridge__log_end(struct cluster_bridge *bridge)
{
    struct weir_cluster_stats stats;
    char line[256];

    cluster_bridge_stats(bridge, &stats);
    snprintf(line, sizeof line,
             "cluster: left; sent %" PRIu64 ", dropped %" PRIu64 ", received %" PRIu64
             ", missing %" PRIu64,
             stats.sent,
             stats.dropped_away + stats.dropped_queue + stats.dropped_write +
                 stats.dropped_too_large + stats.dropped_refused + stats.dropped_memory,
             stats.received, stats.gaps);
    cluster_bridge__log(bridge, WEIR_LOG_INFO, line);
}

void cluster_bridge_close(struct cluster_bridge *bridge)
{
    uint64_t deadline_ms = weir_now() + CLAIM_WAIT_MS, next_ms;

    while (outbox_messages(bridge->messages) > 0 && weir_now() < deadline_ms)
        if (!publishing_step(bridge, CLUSTER_BRIDGE__MESSAGES_MAX)) break;
    bool is_open = atomic_load(&bridge->gate) == BRIDGE_OPEN;
    if (is_open) cluster_bridge__say_bye(bridge);
    bridge->broker->ops->flush(bridge->broker);
    bridge->broker->ops->close(bridge->broker);
    bridge->broker = NULL;
    atomic_store(&bridge->gate, BRIDGE_AWAY);
    publishing_drop_all(bridge, is_open ? TALLY_DROPPED_WRITE : TALLY_DROPPED_AWAY);
    cluster_bridge__step_counts(bridge, UINT64_MAX, true, &next_ms);
    cluster_bridge__log_end(bridge);
}

bool cluster_bridge_is_connected(const struct cluster_bridge *bridge)
{
    return atomic_load(&bridge->is_connected);
}

enum claim_state cluster_bridge_claim(const struct cluster_bridge *bridge)
{
    return claim_state(bridge->claim);
}
