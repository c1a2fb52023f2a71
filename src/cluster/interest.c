/* SPDX-License-Identifier: MIT */
/* interest.c - groups and names of this node, and their subscriptions; interest.h draws the states.
 *
 * The lock protects the table, the counts and the states. The bridge's thread calls the broker
 * without it, because such a call can wait for the network. An entry without users that is new or
 * waiting is freed by the thread that takes its last user away; any other one by the bridge's
 * thread alone.
 */
#include "interest.h"

#include <string.h>

#include <weir/weir.h>

#include "atomic.h"
#include "check.h"
#include "hash_table.h"
#include "list.h"
#include "memory.h"
#include "thread.h"

#define INTEREST__RETRY_MS 1000u /* after the broker failed to subscribe */

enum interest__state {
    INTEREST__NEW,
    INTEREST__WAITING,     /* no room: on the list of waiting entries */
    INTEREST__SUBSCRIBING, /* the bridge's thread calls the broker; `subscription` is set */
    INTEREST__SUBSCRIBED,  /* `broker_id` and `subscription` are set */
    INTEREST__LINGERING,   /* likewise; on the list of lingering entries */
};

struct interest__entry {
    struct hash_node in_table;
    struct list in_changed, in_state; /* the second: of waiting or lingering entries */
    struct list in_all;
    enum subject_kind kind;
    enum interest__state state;
    uint32_t users_count;
    bool is_refused; /* counted in groups_refused */
    uint64_t broker_id, subscription;
    uint64_t linger_until_ms;
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
};

/* What the broker must do next. */
struct interest__order {
    enum { INTEREST__NOTHING, INTEREST__SUBSCRIBE, INTEREST__UNSUBSCRIBE } kind;
    struct interest__entry *entry; /* to subscribe */
    uint64_t broker_id;            /* to unsubscribe */
};

struct interest {
    const struct subjects *subjects;
    struct tallies *tallies;
    uint32_t subscriptions_max, linger_ms;
    struct siphash_key key;
    struct lock *lock; /* of everything below, except what only the bridge's thread uses */
    struct hash_table table;
    struct list all, changed, waiting, lingering;
    _Atomic uint64_t counts[2]; /* subscribed, by kind */
    uint64_t subscriptions;     /* ever made; bridge's thread */
    uint64_t retry_ms;          /* bridge's thread; 0: the broker did not fail */
    bool is_suspended;          /* bridge's thread: entries stay new */
};

struct interest *interest_open(const struct subjects *subjects, struct tallies *tallies,
                               uint32_t subscriptions_max, uint32_t linger_ms,
                               const struct siphash_key *key)
{
    struct interest *interest = memory_alloc(sizeof *interest);

    if (!interest) return NULL;
    interest->lock = lock_open();
    if (!interest->lock) {
        memory_free(interest);
        return NULL;
    }
    interest->subjects = subjects;
    interest->tallies = tallies;
    interest->subscriptions_max = subscriptions_max;
    interest->linger_ms = linger_ms;
    interest->key = *key;
    hash_table_init(&interest->table);
    list_init(&interest->all);
    list_init(&interest->changed);
    list_init(&interest->waiting);
    list_init(&interest->lingering);
    return interest;
}

/* ---- entries, under the lock ---- */

static void interest__drop(struct interest *interest, struct interest__entry *entry)
{
    hash_table_remove(&interest->table, &entry->in_table);
    list_remove(&entry->in_all);
    list_remove(&entry->in_changed);
    list_remove(&entry->in_state);
    memory_free(entry);
}

void interest_free(struct interest *interest)
{
    if (!interest) return;
    while (!list_is_empty(&interest->all))
        interest__drop(interest,
                       weir_container_of(interest->all.next, struct interest__entry, in_all));
    lock_free(interest->lock);
    memory_free(interest);
}

static uint32_t interest__hash(const struct interest *interest, enum subject_kind kind,
                               const char *name)
{
    return (uint32_t)siphash(&interest->key, name, strlen(name)) + (uint32_t)kind;
}

static struct interest__entry *interest__find(struct interest *interest, enum subject_kind kind,
                                              const char *name)
{
    uint32_t hash = interest__hash(interest, kind, name);
    struct hash_node *node = *hash_table_bucket(&interest->table, hash);

    for (; node; node = node->next) {
        struct interest__entry *entry = weir_container_of(node, struct interest__entry, in_table);
        if (entry->kind == kind && strcmp(entry->name, name) == 0) return entry;
    }
    return NULL;
}

static struct interest__entry *interest__add(struct interest *interest, enum subject_kind kind,
                                             const char *name)
{
    size_t length = strlen(name);
    struct interest__entry *entry = memory_alloc(sizeof *entry);

    weir_check(length > 0);
    weir_check(length < sizeof entry->name);
    if (!entry) return NULL;
    memcpy(entry->name, name, length + 1);
    entry->kind = kind;
    entry->in_table.hash = interest__hash(interest, kind, name);
    list_init(&entry->in_changed);
    list_init(&entry->in_state);
    list_init(&entry->in_all);
    list_add_last(&interest->all, &entry->in_all);
    hash_table_add(&interest->table, &entry->in_table);
    return entry;
}

static bool interest__mark(struct interest *interest, struct interest__entry *entry)
{
    if (list_has(&entry->in_changed)) return false;
    list_add_last(&interest->changed, &entry->in_changed);
    return true;
}

static bool interest__is_subscribed(const struct interest__entry *entry)
{
    return entry->state >= INTEREST__SUBSCRIBING;
}

/* ---- any thread ---- */

enum weir_code interest_begin(struct interest *interest, enum subject_kind kind, const char *name,
                              bool *is_changed)
{
    lock_take(interest->lock);
    struct interest__entry *entry = interest__find(interest, kind, name);
    if (!entry) entry = interest__add(interest, kind, name);
    *is_changed = entry && entry->users_count++ == 0 && interest__mark(interest, entry);
    lock_give_back(interest->lock);
    return entry ? WEIR_OK : WEIR_NO_MEMORY;
}

void interest_end(struct interest *interest, enum subject_kind kind, const char *name,
                  bool *is_changed)
{
    *is_changed = false;
    lock_take(interest->lock);
    struct interest__entry *entry = interest__find(interest, kind, name);
    weir_check(entry != NULL);
    weir_check(entry->users_count > 0);
    entry->users_count--;
    if (entry->users_count == 0) {
        if (interest__is_subscribed(entry))
            *is_changed = interest__mark(interest, entry);
        else
            interest__drop(interest, entry);
    }
    lock_give_back(interest->lock);
}

bool interest_look(struct interest *interest, enum subject_kind kind, const char *name,
                   uint64_t *subscription)
{
    lock_take(interest->lock);
    const struct interest__entry *entry = interest__find(interest, kind, name);
    bool has_users = entry && entry->users_count > 0;
    *subscription = entry && interest__is_subscribed(entry) ? entry->subscription : 0;
    lock_give_back(interest->lock);
    return has_users;
}

uint64_t interest_count(const struct interest *interest, enum subject_kind kind)
{
    return atomic_load(&interest->counts[kind]);
}

/* ---- bridge's thread, under the lock ---- */

static bool interest__has_room(const struct interest *interest)
{
    return atomic_load(&interest->counts[SUBJECT_GROUP]) +
               atomic_load(&interest->counts[SUBJECT_NAME]) <
           interest->subscriptions_max;
}

/* The entry is no longer subscribed. Without users it is freed. */
static struct interest__order interest__end_subscription(struct interest *interest,
                                                         struct interest__entry *entry)
{
    struct interest__order order = {.kind = INTEREST__UNSUBSCRIBE, .broker_id = entry->broker_id};

    atomic_fetch_sub(&interest->counts[entry->kind], 1);
    entry->state = INTEREST__NEW;
    entry->subscription = 0;
    list_remove(&entry->in_state);
    if (entry->users_count > 0)
        interest__mark(interest, entry);
    else
        interest__drop(interest, entry);
    return order;
}

static void interest__wait(struct interest *interest, struct interest__entry *entry)
{
    if (entry->state == INTEREST__WAITING) return;
    entry->state = INTEREST__WAITING;
    list_add_last(&interest->waiting, &entry->in_state);
    if (entry->is_refused) return;
    entry->is_refused = true;
    tallies_add(interest->tallies, TALLY_GROUPS_REFUSED, 1);
}

static struct interest__order interest__begin_subscription(struct interest *interest,
                                                           struct interest__entry *entry)
{
    struct interest__order order = {.kind = INTEREST__SUBSCRIBE, .entry = entry};

    list_remove(&entry->in_state);
    entry->state = INTEREST__SUBSCRIBING;
    entry->subscription = ++interest->subscriptions;
    atomic_fetch_add(&interest->counts[entry->kind], 1);
    return order;
}

static struct interest__order interest__lose_users(struct interest *interest,
                                                   struct interest__entry *entry, uint64_t now_ms)
{
    const struct interest__order nothing = {.kind = INTEREST__NOTHING};

    if (!interest__is_subscribed(entry)) {
        interest__drop(interest, entry);
        return nothing;
    }
    if (entry->kind == SUBJECT_NAME || interest->linger_ms == 0)
        return interest__end_subscription(interest, entry);
    if (entry->state == INTEREST__LINGERING) return nothing;
    entry->state = INTEREST__LINGERING;
    entry->linger_until_ms = now_ms + interest->linger_ms;
    list_add_last(&interest->lingering, &entry->in_state);
    return nothing;
}

static struct interest__order interest__update(struct interest *interest,
                                               struct interest__entry *entry, uint64_t now_ms)
{
    const struct interest__order nothing = {.kind = INTEREST__NOTHING};

    if (entry->users_count == 0) return interest__lose_users(interest, entry, now_ms);
    if (entry->state == INTEREST__LINGERING) {
        list_remove(&entry->in_state);
        entry->state = INTEREST__SUBSCRIBED;
    }
    if (interest__is_subscribed(entry)) return nothing;
    if (interest->retry_ms == 0 && interest__has_room(interest))
        return interest__begin_subscription(interest, entry);
    interest__wait(interest, entry);
    return nothing;
}

/* Returns the group that has had no members for the longest time; null: there is none. One that has
 * members again, of which the change was not looked at yet, stays subscribed. */
static struct interest__entry *interest__oldest(struct interest *interest)
{
    while (!list_is_empty(&interest->lingering)) {
        struct interest__entry *entry =
            weir_container_of(interest->lingering.next, struct interest__entry, in_state);
        if (entry->users_count == 0) return entry;
        list_remove(&entry->in_state);
        entry->state = INTEREST__SUBSCRIBED;
    }
    return NULL;
}

/* A waiting entry can try again if there is room. Returns what makes room. */
static struct interest__order interest__retry(struct interest *interest)
{
    const struct interest__order nothing = {.kind = INTEREST__NOTHING};
    struct list *node = interest->waiting.next;

    if (node == &interest->waiting || interest->retry_ms > 0) return nothing;
    bool has_room = interest__has_room(interest);
    struct interest__entry *oldest = has_room ? NULL : interest__oldest(interest);
    if (has_room || oldest)
        interest__mark(interest, weir_container_of(node, struct interest__entry, in_state));
    return oldest ? interest__end_subscription(interest, oldest) : nothing;
}

/* ---- bridge's thread, with and without the lock ---- */

/* Calls the broker: without the lock, because it can wait for the network. */
static void interest__execute(struct interest *interest, struct broker *broker,
                              const struct interest__order *order, uint64_t now_ms)
{
    struct interest__entry *entry = order->entry; /* it stays, because its state is SUBSCRIBING */
    struct subject subject;

    if (order->kind == INTEREST__UNSUBSCRIBE) broker->ops->unsubscribe(broker, order->broker_id);
    if (order->kind != INTEREST__SUBSCRIBE) return;
    subjects_named(interest->subjects, entry->kind, entry->name, &subject);
    enum weir_code code = broker->ops->subscribe(broker, subject.text, &entry->broker_id);
    lock_take(interest->lock);
    entry->state = INTEREST__SUBSCRIBED;
    if (code != WEIR_OK) {
        atomic_fetch_sub(&interest->counts[entry->kind], 1);
        entry->subscription = 0;
        interest->retry_ms = now_ms + INTEREST__RETRY_MS;
        interest__wait(interest, entry);
    }
    lock_give_back(interest->lock);
}

/* One change. Returns false if there is none. */
static bool interest__change(struct interest *interest, struct broker *broker, uint64_t now_ms)
{
    lock_take(interest->lock);
    struct interest__order order = interest__retry(interest);
    struct list *node = NULL;
    if (order.kind == INTEREST__NOTHING) {
        node = list_take_first(&interest->changed);
        if (node)
            order = interest__update(
                interest, weir_container_of(node, struct interest__entry, in_changed), now_ms);
    }
    lock_give_back(interest->lock);
    interest__execute(interest, broker, &order, now_ms);
    return node || order.kind != INTEREST__NOTHING;
}

/* Ends one subscription that has lingered long enough. Returns false if there is none: *next_ms is
 * the time of the next one. */
static bool interest__expire(struct interest *interest, struct broker *broker, uint64_t now_ms,
                             uint64_t *next_ms)
{
    struct interest__order order = {.kind = INTEREST__NOTHING};

    lock_take(interest->lock);
    struct interest__entry *oldest = interest__oldest(interest);
    *next_ms = oldest ? oldest->linger_until_ms : UINT64_MAX;
    if (*next_ms <= now_ms) order = interest__end_subscription(interest, oldest);
    lock_give_back(interest->lock);
    interest__execute(interest, broker, &order, now_ms);
    return order.kind != INTEREST__NOTHING;
}

uint64_t interest_step(struct interest *interest, struct broker *broker, uint64_t now_ms,
                       uint32_t changes_max)
{
    uint64_t next_ms;

    if (interest->is_suspended) return UINT64_MAX;
    if (interest->retry_ms <= now_ms) interest->retry_ms = 0;
    for (uint32_t left = changes_max; interest__change(interest, broker, now_ms);)
        if (--left == 0) return now_ms;
    for (uint32_t left = changes_max; interest__expire(interest, broker, now_ms, &next_ms);)
        if (--left == 0) return now_ms;
    if (interest->retry_ms > 0 && interest->retry_ms < next_ms) next_ms = interest->retry_ms;
    return next_ms;
}

void interest_suspend(struct interest *interest, struct broker *broker)
{
    if (interest->is_suspended) return;
    interest->is_suspended = true;
    lock_take(interest->lock);
    for (uint32_t left = interest->table.count; left > 0; left--) {
        struct list *node = list_take_first(&interest->all);
        if (!node) break; /* other threads have removed entries meanwhile */
        struct interest__entry *entry = weir_container_of(node, struct interest__entry, in_all);
        list_add_last(&interest->all, node);
        if (!interest__is_subscribed(entry)) continue;
        struct interest__order order = interest__end_subscription(interest, entry);
        lock_give_back(interest->lock);
        interest__execute(interest, broker, &order, 0);
        lock_take(interest->lock);
    }
    lock_give_back(interest->lock);
}

void interest_resume(struct interest *interest)
{
    interest->is_suspended = false;
}
