/* SPDX-License-Identifier: MIT */
/* memory_broker.c - a message broker in memory: see memory_broker.h.
 *
 *      struct memory_hub: events, sorted by time       UP, DOWN: a message; SUBSCRIBE, UNSUBSCRIBE
 *             '-- slots: a node each                   CONNECTED: the report to a node
 *                   '-- interest: subjects at the hub; wanted: subjects that the node asked for
 *
 * An event belongs to one connection of its slot: it is void if the epoch has changed meanwhile. A
 * message on its way up has an epoch of its own, because it outlives a connection that was closed.
 */
#include "memory_broker.h"

#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "require.h"

enum memory_broker__kind {
    MEMORY_BROKER__UP,
    MEMORY_BROKER__DOWN,
    MEMORY_BROKER__SUBSCRIBE,
    MEMORY_BROKER__UNSUBSCRIBE,
    MEMORY_BROKER__CONNECTED,
};

struct memory_broker__event {
    struct list by_time;
    uint64_t due_ms;
    enum memory_broker__kind kind;
    uint32_t slot, epoch;
    uint64_t id; /* of the subscription */
    size_t length;
    char subject[BROKER_SUBJECT_BYTES_MAX + 1];
    uint8_t bytes[];
};

struct memory_broker__subject {
    struct memory_broker__subject *next;
    uint64_t id;
    char subject[BROKER_SUBJECT_BYTES_MAX + 1];
};

struct memory_broker__slot {
    struct broker broker; /* first, so that a broker is its slot */
    struct memory_hub *hub;
    struct broker_events events;
    bool is_open, is_cut, is_stuck, is_connected; /* connected: as reported to the node */
    uint32_t side, epoch, up_epoch;
    uint64_t up_ms, down_ms; /* due times of the last events, for the order */
    struct memory_broker__subject *wanted, *interest;
    struct memory_hub_counts counts;
};

struct memory_hub {
    struct memory_hub_options options;
    uint64_t now_ms, random, ids, hash;
    struct list events;
    struct memory_broker__slot slots[MEMORY_BROKER_NODES_MAX];
};

static uint32_t memory_broker__roll(struct memory_hub *hub, uint32_t bound)
{
    hub->random = hub->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((hub->random >> 33) % bound);
}

static void memory_broker__note(struct memory_hub *hub, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hub->hash = (hub->hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void *memory_broker__memory(size_t bytes)
{
    void *memory = calloc(1, bytes);

    require(memory != NULL);
    return memory;
}

/* ---- events ---- */

static struct memory_broker__event *memory_broker__event(struct memory_broker__slot *slot,
                                                         enum memory_broker__kind kind,
                                                         const char *subject, const uint8_t *bytes,
                                                         size_t length)
{
    struct memory_broker__event *event = memory_broker__memory(sizeof *event + length);

    event->kind = kind;
    event->slot = (uint32_t)(slot - slot->hub->slots);
    event->epoch = kind == MEMORY_BROKER__UP ? slot->up_epoch : slot->epoch;
    event->length = length;
    require(strlen(subject) <= BROKER_SUBJECT_BYTES_MAX);
    memcpy(event->subject, subject, strlen(subject) + 1);
    if (length > 0) memcpy(event->bytes, bytes, length);
    list_init(&event->by_time);
    return event;
}

/* Those due at the same time keep the order in which they were added. */
static void memory_broker__add(struct memory_hub *hub, struct memory_broker__event *event,
                               uint64_t due_ms)
{
    struct list *before = hub->events.previous;

    event->due_ms = due_ms;
    while (before != &hub->events && ((struct memory_broker__event *)before)->due_ms > due_ms)
        before = before->previous;
    list_add_first(before, &event->by_time);
}

static uint64_t memory_broker__arrival_ms(struct memory_hub *hub, uint64_t *last_ms)
{
    uint64_t due_ms = hub->now_ms + 1 + memory_broker__roll(hub, hub->options.latency_max_ms);

    if (due_ms < *last_ms) due_ms = *last_ms;
    return *last_ms = due_ms;
}

static void memory_broker__go_up(struct memory_broker__slot *slot,
                                 struct memory_broker__event *event)
{
    memory_broker__add(slot->hub, event, memory_broker__arrival_ms(slot->hub, &slot->up_ms));
}

static void memory_broker__go_down(struct memory_broker__slot *slot, const char *subject,
                                   const uint8_t *bytes, size_t length)
{
    struct memory_hub *hub = slot->hub;
    uint64_t due_ms = memory_broker__arrival_ms(hub, &slot->down_ms);

    if (memory_broker__roll(hub, 100) < hub->options.copy_percent)
        memory_broker__add(hub,
                           memory_broker__event(slot, MEMORY_BROKER__DOWN, subject, bytes, length),
                           due_ms + memory_broker__roll(hub, 50));
    if (memory_broker__roll(hub, 100) < hub->options.late_percent)
        due_ms += 1 + memory_broker__roll(hub, 50);
    memory_broker__add(hub, memory_broker__event(slot, MEMORY_BROKER__DOWN, subject, bytes, length),
                       due_ms);
}

/* ---- subjects ---- */

static struct memory_broker__subject **memory_broker__find(struct memory_broker__subject **at,
                                                           uint64_t id)
{
    while (*at && (*at)->id != id) at = &(*at)->next;
    return at;
}

static void memory_broker__add_subject(struct memory_broker__subject **first, const char *subject,
                                       uint64_t id)
{
    struct memory_broker__subject *entry = memory_broker__memory(sizeof *entry);

    memcpy(entry->subject, subject, strlen(subject) + 1);
    entry->id = id;
    entry->next = *first;
    *first = entry;
}

static void memory_broker__remove_subject(struct memory_broker__subject **first, uint64_t id)
{
    struct memory_broker__subject **at = memory_broker__find(first, id), *entry = *at;

    if (!entry) return; /* the connection broke between the two requests */
    *at = entry->next;
    free(entry);
}

static void memory_broker__remove_subjects(struct memory_broker__subject **first)
{
    while (*first) memory_broker__remove_subject(first, (*first)->id);
}

static bool memory_broker__is_interested(const struct memory_broker__slot *slot,
                                         const char *subject)
{
    const struct memory_broker__subject *at = slot->interest;

    while (at && strcmp(at->subject, subject) != 0) at = at->next;
    return at != NULL;
}

/* ---- the node's calls ---- */

static bool memory_broker__is_group(const char *subject)
{
    return strstr(subject, ".g.") != NULL;
}

static enum weir_code memory_broker__publish(struct broker *broker, const char *subject,
                                             const uint8_t *bytes, size_t length)
{
    struct memory_broker__slot *slot = (struct memory_broker__slot *)broker;
    size_t bytes_max = slot->hub->options.message_bytes_max;

    require(slot->is_open);
    if (!slot->is_connected) return WEIR_GONE;
    if (slot->is_stuck) return WEIR_TIMED_OUT;
    if (bytes_max > 0 && length > bytes_max) return WEIR_TOO_LARGE;
    if (memory_broker__is_group(subject)) slot->counts.published++;
    memory_broker__note(slot->hub, subject, strlen(subject));
    memory_broker__note(slot->hub, bytes, length);
    memory_broker__go_up(slot,
                         memory_broker__event(slot, MEMORY_BROKER__UP, subject, bytes, length));
    return WEIR_OK;
}

static enum weir_code memory_broker__flush(struct broker *broker)
{
    require(((struct memory_broker__slot *)broker)->is_open);
    return WEIR_OK;
}

static void memory_broker__ask(struct memory_broker__slot *slot, enum memory_broker__kind kind,
                               const char *subject, uint64_t id)
{
    struct memory_broker__event *event = memory_broker__event(slot, kind, subject, NULL, 0);

    event->id = id;
    memory_broker__go_up(slot, event);
}

static enum weir_code memory_broker__subscribe(struct broker *broker, const char *subject,
                                               uint64_t *id)
{
    struct memory_broker__slot *slot = (struct memory_broker__slot *)broker;

    require(slot->is_open);
    *id = ++slot->hub->ids;
    memory_broker__add_subject(&slot->wanted, subject, *id);
    if (slot->is_connected) memory_broker__ask(slot, MEMORY_BROKER__SUBSCRIBE, subject, *id);
    return WEIR_OK;
}

static void memory_broker__unsubscribe(struct broker *broker, uint64_t id)
{
    struct memory_broker__slot *slot = (struct memory_broker__slot *)broker;

    require(slot->is_open && *memory_broker__find(&slot->wanted, id) != NULL);
    memory_broker__remove_subject(&slot->wanted, id);
    if (slot->is_connected) memory_broker__ask(slot, MEMORY_BROKER__UNSUBSCRIBE, "", id);
}

static void memory_broker__close(struct broker *broker)
{
    struct memory_broker__slot *slot = (struct memory_broker__slot *)broker;

    require(slot->is_open);
    slot->is_open = slot->is_connected = false;
    memory_broker__remove_subjects(&slot->wanted);
    memory_broker__remove_subjects(&slot->interest);
}

static const struct broker_ops memory_broker__ops = {.name = "memory",
                                                     .publish = memory_broker__publish,
                                                     .flush = memory_broker__flush,
                                                     .subscribe = memory_broker__subscribe,
                                                     .unsubscribe = memory_broker__unsubscribe,
                                                     .close = memory_broker__close};

/* ---- the hub ---- */

struct memory_hub *memory_hub_open(const struct memory_hub_options *options)
{
    struct memory_hub *hub = memory_broker__memory(sizeof *hub);

    hub->options = *options;
    hub->random = options->seed;
    if (hub->options.latency_max_ms == 0) hub->options.latency_max_ms = 1;
    list_init(&hub->events);
    for (uint32_t i = 0; i < MEMORY_BROKER_NODES_MAX; i++) hub->slots[i].hub = hub;
    return hub;
}

void memory_hub_free(struct memory_hub *hub)
{
    for (uint32_t i = 0; i < MEMORY_BROKER_NODES_MAX; i++) require(!hub->slots[i].is_open);
    while (!list_is_empty(&hub->events)) {
        struct list *first = hub->events.next;
        list_remove(first);
        free(first);
    }
    free(hub);
}

void memory_hub_set_faults(struct memory_hub *hub, uint32_t copy_percent, uint32_t late_percent)
{
    hub->options.copy_percent = copy_percent;
    hub->options.late_percent = late_percent;
}

static void memory_broker__route(struct memory_hub *hub, const struct memory_broker__event *event)
{
    const struct memory_broker__slot *from = &hub->slots[event->slot];

    for (uint32_t i = 0; i < MEMORY_BROKER_NODES_MAX; i++) {
        struct memory_broker__slot *slot = &hub->slots[i];
        if (slot == from || !slot->is_open || slot->side != from->side) continue;
        if (memory_broker__is_interested(slot, event->subject))
            memory_broker__go_down(slot, event->subject, event->bytes, event->length);
    }
}

static void memory_broker__deliver(struct memory_broker__slot *slot,
                                   const struct memory_broker__event *event)
{
    if (memory_broker__is_group(event->subject)) slot->counts.delivered++;
    memory_broker__note(slot->hub, &event->due_ms, sizeof event->due_ms);
    slot->events.on_message(slot->events.user, event->subject, event->bytes, event->length);
}

/* As a client library does: subscribes again, then reports it. */
static void memory_broker__connect(struct memory_broker__slot *slot)
{
    slot->is_connected = true;
    for (struct memory_broker__subject *at = slot->wanted; at; at = at->next)
        memory_broker__add_subject(&slot->interest, at->subject, at->id);
    slot->events.on_connected(slot->events.user);
}

/* Voids what is on its way to the node. */
static void memory_broker__begin_epoch(struct memory_broker__slot *slot)
{
    slot->epoch++;
    slot->down_ms = 0;
    memory_broker__remove_subjects(&slot->interest);
}

/* Voids also what is on its way from the node. */
static void memory_broker__break(struct memory_broker__slot *slot)
{
    memory_broker__begin_epoch(slot);
    slot->up_epoch++;
    slot->up_ms = 0;
    slot->is_connected = false;
}

static void memory_broker__run(struct memory_hub *hub, struct memory_broker__event *event)
{
    struct memory_broker__slot *slot = &hub->slots[event->slot];

    if (event->kind == MEMORY_BROKER__UP) {
        if (event->epoch == slot->up_epoch) memory_broker__route(hub, event);
        return;
    }
    if (event->epoch != slot->epoch || !slot->is_open) return;
    switch (event->kind) {
    case MEMORY_BROKER__UP: break;
    case MEMORY_BROKER__DOWN:
        /* It can be on its way after its subscription has ended. */
        if (memory_broker__is_interested(slot, event->subject)) memory_broker__deliver(slot, event);
        break;
    case MEMORY_BROKER__SUBSCRIBE:
        memory_broker__add_subject(&slot->interest, event->subject, event->id);
        break;
    case MEMORY_BROKER__UNSUBSCRIBE:
        memory_broker__remove_subject(&slot->interest, event->id);
        break;
    case MEMORY_BROKER__CONNECTED: memory_broker__connect(slot); break;
    }
}

void memory_hub_step(struct memory_hub *hub, uint64_t now_ms)
{
    while (!list_is_empty(&hub->events)) {
        struct memory_broker__event *event = (struct memory_broker__event *)hub->events.next;
        if (event->due_ms > now_ms) break;
        if (event->due_ms > hub->now_ms) hub->now_ms = event->due_ms;
        list_remove(&event->by_time);
        memory_broker__run(hub, event);
        free(event);
    }
    hub->now_ms = now_ms;
}

static void memory_broker__plan_connect(struct memory_broker__slot *slot)
{
    memory_broker__begin_epoch(slot);
    memory_broker__add(slot->hub, memory_broker__event(slot, MEMORY_BROKER__CONNECTED, "", NULL, 0),
                       slot->hub->now_ms);
}

struct broker *memory_broker_open(struct memory_hub *hub, uint32_t slot_index,
                                  const struct broker_events *events)
{
    struct memory_broker__slot *slot = &hub->slots[slot_index];

    require(slot_index < MEMORY_BROKER_NODES_MAX && !slot->is_open);
    slot->broker.ops = &memory_broker__ops;
    slot->events = *events;
    slot->is_open = true;
    if (!slot->is_cut) memory_broker__plan_connect(slot);
    return &slot->broker;
}

void memory_hub_cut(struct memory_hub *hub, uint32_t slot_index, bool is_cut)
{
    struct memory_broker__slot *slot = &hub->slots[slot_index];

    if (slot->is_cut == is_cut) return;
    slot->is_cut = is_cut;
    if (!slot->is_open) return;
    if (!is_cut) {
        memory_broker__plan_connect(slot);
        return;
    }
    bool was_connected = slot->is_connected;
    memory_broker__break(slot);
    if (was_connected) slot->events.on_disconnected(slot->events.user, "the test cut it off");
}

void memory_hub_set_stuck(struct memory_hub *hub, uint32_t slot, bool is_stuck)
{
    hub->slots[slot].is_stuck = is_stuck;
}

void memory_hub_set_side(struct memory_hub *hub, uint32_t slot, uint32_t side)
{
    hub->slots[slot].side = side;
}

void memory_hub_kill(struct memory_hub *hub, uint32_t slot_index)
{
    memory_broker__break(&hub->slots[slot_index]);
}

struct memory_hub_counts memory_hub_counts(const struct memory_hub *hub, uint32_t slot)
{
    return hub->slots[slot].counts;
}

uint32_t memory_hub_interest(const struct memory_hub *hub, const char *subject)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MEMORY_BROKER_NODES_MAX; i++)
        count += memory_broker__is_interested(&hub->slots[i], subject);
    return count;
}

uint64_t memory_hub_hash(const struct memory_hub *hub)
{
    return hub->hash;
}
