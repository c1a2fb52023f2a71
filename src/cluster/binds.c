/* SPDX-License-Identifier: MIT */
/* binds.c - the binds of this node, and their comparison with those of others; binds.h has the
 * rules.
 *
 *      all      every entry; announced in this order, each moves to the end
 *      changed  entries that must be announced, or whose session must be evicted
 */
#include "binds.h"

#include <string.h>

#include "check.h"
#include "hash_table.h"
#include "list.h"
#include "memory.h"
#include "thread.h"

#define BINDS__QUICK_BATCH 128u /* announcements per BINDS__QUICK_MS after a reconnect */
#define BINDS__QUICK_MS 10u

struct binds__entry {
    struct hash_node in_table;
    struct list in_all, in_changed;
    struct binds_bind bind;
    uint64_t made_ms;
    bool has_to_announce, has_to_evict;
};

struct binds {
    uint8_t node;
    struct siphash_key key;
    struct lock *lock; /* of everything below */
    struct hash_table table;
    struct list all, changed;
    uint64_t newest;       /* timestamp that was made or heard */
    uint64_t connected_ms; /* when the broker was back the last time */
    /* The round of announcements that is going on: */
    uint32_t left;       /* names */
    uint32_t batch_left; /* of them, now */
    uint64_t batch_ms;   /* when the next batch begins */
    uint32_t quick_left; /* names of this round that are announced quickly */
};

struct binds *binds_open(uint8_t node, const struct siphash_key *key)
{
    struct binds *binds = memory_alloc(sizeof *binds);

    if (!binds) return NULL;
    binds->lock = lock_open();
    if (!binds->lock) {
        memory_free(binds);
        return NULL;
    }
    binds->node = node;
    binds->key = *key;
    hash_table_init(&binds->table);
    list_init(&binds->all);
    list_init(&binds->changed);
    return binds;
}

static void binds__drop(struct binds *binds, struct binds__entry *entry)
{
    hash_table_remove(&binds->table, &entry->in_table);
    list_remove(&entry->in_all);
    list_remove(&entry->in_changed);
    memory_free(entry);
}

void binds_free(struct binds *binds)
{
    if (!binds) return;
    while (!list_is_empty(&binds->all))
        binds__drop(binds, weir_container_of(binds->all.next, struct binds__entry, in_all));
    lock_free(binds->lock);
    memory_free(binds);
}

/* ---- under the lock ---- */

static struct binds__entry *binds__find(struct binds *binds, const char *name)
{
    uint32_t hash = (uint32_t)siphash(&binds->key, name, strlen(name));
    struct hash_node *node = *hash_table_bucket(&binds->table, hash);

    for (; node; node = node->next) {
        struct binds__entry *entry = weir_container_of(node, struct binds__entry, in_table);
        if (strcmp(entry->bind.name, name) == 0) return entry;
    }
    return NULL;
}

static struct binds__entry *binds__make(struct binds *binds, const char *name)
{
    size_t length = strlen(name);
    struct binds__entry *entry = memory_alloc(sizeof *entry);

    if (!entry) return NULL;
    weir_check(length < sizeof entry->bind.name);
    memcpy(entry->bind.name, name, length + 1);
    entry->in_table.hash = (uint32_t)siphash(&binds->key, name, length);
    list_init(&entry->in_all);
    list_init(&entry->in_changed);
    list_add_last(&binds->all, &entry->in_all);
    hash_table_add(&binds->table, &entry->in_table);
    return entry;
}

static bool binds__mark(struct binds *binds, struct binds__entry *entry)
{
    if (list_has(&entry->in_changed)) return false;
    list_add_last(&binds->changed, &entry->in_changed);
    return true;
}

static void binds__update_firm(const struct binds *binds, struct binds__entry *entry,
                               uint64_t now_ms)
{
    if (now_ms >= entry->made_ms + BINDS_FIRM_MS || entry->made_ms < binds->connected_ms)
        entry->bind.replaces = true;
}

static bool binds__is_later(const struct binds_bind *a, uint8_t a_node, const struct binds_bind *b,
                            uint8_t b_node)
{
    return a->timestamp != b->timestamp ? a->timestamp > b->timestamp : a_node > b_node;
}

/* Whether the own bind stays, against that of another node. */
static bool binds__wins(const struct binds *binds, const struct binds_bind *own,
                        const struct binds_bind *other, uint8_t origin)
{
    if (binds__is_later(own, binds->node, other, origin)) return own->replaces;
    return !other->replaces;
}

/* ---- any thread ---- */

enum weir_code binds_add(struct binds *binds, const char *name, uint64_t id, enum weir_bind how,
                         uint64_t now_ms, uint64_t unix_ms)
{
    lock_take(binds->lock);
    struct binds__entry *entry = binds__find(binds, name);
    if (!entry) entry = binds__make(binds, name);
    if (entry) {
        binds->newest = unix_ms > binds->newest ? unix_ms : binds->newest + 1;
        entry->bind.id = id;
        entry->bind.timestamp = binds->newest;
        entry->bind.replaces = how == WEIR_BIND_REPLACE;
        entry->made_ms = now_ms;
        entry->has_to_announce = true;
        entry->has_to_evict = false;
        binds__mark(binds, entry);
    }
    lock_give_back(binds->lock);
    return entry ? WEIR_OK : WEIR_NO_MEMORY;
}

bool binds_remove(struct binds *binds, const char *name, uint64_t id)
{
    lock_take(binds->lock);
    struct binds__entry *entry = binds__find(binds, name);
    bool is_holder = entry && entry->bind.id == id;
    if (is_holder) binds__drop(binds, entry);
    lock_give_back(binds->lock);
    return is_holder;
}

bool binds_heard(struct binds *binds, uint8_t origin, const struct binds_bind *bind,
                 uint64_t now_ms, uint64_t unix_ms, bool *is_changed)
{
    *is_changed = false;
    if (bind->timestamp > unix_ms && bind->timestamp - unix_ms > BINDS_AHEAD_MS_MAX) return false;
    lock_take(binds->lock);
    if (bind->timestamp > binds->newest) binds->newest = bind->timestamp;
    struct binds__entry *entry = binds__find(binds, bind->name);
    if (entry) {
        binds__update_firm(binds, entry, now_ms);
        if (binds__wins(binds, &entry->bind, bind, origin))
            entry->has_to_announce = true;
        else
            entry->has_to_evict = true;
        *is_changed = binds__mark(binds, entry);
    }
    lock_give_back(binds->lock);
    return true;
}

void binds_reconnected(struct binds *binds, uint64_t now_ms)
{
    lock_take(binds->lock);
    binds->connected_ms = now_ms;
    lock_give_back(binds->lock);
}

void binds_announce_all(struct binds *binds)
{
    lock_take(binds->lock);
    binds->left = binds->quick_left = binds->table.count;
    binds->batch_left = 0;
    binds->batch_ms = 0;
    lock_give_back(binds->lock);
}

/* ---- rounds, under the lock ---- */

/* Begins the next batch of the round, or the next round. */
static void binds__begin_batch(struct binds *binds, uint64_t now_ms)
{
    uint32_t count = binds->table.count;

    if (binds->left == 0) binds->left = count;
    if (binds->quick_left > 0) {
        binds->batch_left = BINDS__QUICK_BATCH;
        binds->batch_ms = now_ms + BINDS__QUICK_MS;
    } else if (count <= BINDS_ROUND_MS / BINDS__QUICK_MS) { /* one name per batch */
        binds->batch_left = count > 0;
        binds->batch_ms = now_ms + BINDS_ROUND_MS / (count > 0 ? count : 1);
    } else {
        binds->batch_left = count / (BINDS_ROUND_MS / BINDS__QUICK_MS) + 1;
        binds->batch_ms = now_ms + BINDS__QUICK_MS;
    }
}

/* Returns the next entry that the round announces; null: none now. */
static struct binds__entry *binds__next_of_round(struct binds *binds, uint64_t now_ms)
{
    if (binds->batch_left == 0 && now_ms >= binds->batch_ms) binds__begin_batch(binds, now_ms);
    if (binds->batch_left == 0) return NULL;
    if (binds->left > binds->table.count) binds->left = binds->table.count;
    if (binds->left == 0 || list_is_empty(&binds->all)) {
        binds->batch_left = binds->quick_left = 0;
        return NULL;
    }
    struct list *node = list_take_first(&binds->all);
    struct binds__entry *entry = weir_container_of(node, struct binds__entry, in_all);
    list_add_last(&binds->all, node);
    binds->batch_left--;
    binds->left--;
    if (binds->quick_left > 0) binds->quick_left--;
    entry->has_to_announce = true;
    return entry;
}

static enum binds_order binds__order(struct binds__entry *entry)
{
    enum binds_order order = entry->has_to_evict ? BINDS_EVICT : BINDS_ANNOUNCE;

    entry->has_to_evict = entry->has_to_announce = false;
    return order;
}

enum binds_order binds_next(struct binds *binds, uint64_t now_ms, struct binds_bind *bind,
                            uint64_t *next_ms)
{
    struct binds__entry *entry = NULL;
    enum binds_order order = BINDS_NOTHING;

    lock_take(binds->lock);
    struct list *node = list_take_first(&binds->changed);
    if (node)
        entry = weir_container_of(node, struct binds__entry, in_changed);
    else
        entry = binds__next_of_round(binds, now_ms);
    if (entry) {
        binds__update_firm(binds, entry, now_ms);
        order = binds__order(entry);
        *bind = entry->bind;
    }
    *next_ms = binds->table.count > 0 ? binds->batch_ms : UINT64_MAX;
    lock_give_back(binds->lock);
    return order;
}

void binds_retry(struct binds *binds, const struct binds_bind *bind, enum binds_order order)
{
    lock_take(binds->lock);
    struct binds__entry *entry = binds__find(binds, bind->name);
    if (entry && entry->bind.id == bind->id) {
        if (order == BINDS_EVICT)
            entry->has_to_evict = true;
        else
            entry->has_to_announce = true;
        binds__mark(binds, entry);
    }
    lock_give_back(binds->lock);
}
