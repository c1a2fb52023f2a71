/* SPDX-License-Identifier: MIT */
/* connector_table.c - slots under a lock; the array grows when none is free. */
#include "connector_table.h"

#include <string.h>

#include "check.h"
#include "memory.h"
#include "session_table.h"

#define CONNECTOR_TABLE__SLOT_LAST 0xffffffu /* the highest that an id can have */
#define CONNECTOR_TABLE__GENERATION_MAX 0xffffffu

bool connector_table_init(struct connector_table *table, uint8_t node, uint32_t slots_max)
{
    weir_check(slots_max > 0);
    weir_check(slots_max <= CONNECTOR_TABLE_SLOTS_MAX);
    *table = (struct connector_table){.node = node, .slots_max = slots_max, .lock = lock_open()};
    return table->lock != NULL;
}

void connector_table_free(struct connector_table *table)
{
    weir_check(table->used_count == 0);
    memory_free(table->slots);
    lock_free(table->lock);
    *table = (struct connector_table){.slots_max = 0};
}

/* Doubles the array. It has fewer than slots_max slots, and none is free. */
static bool connector_table__grow(struct connector_table *table)
{
    uint32_t before = table->slots_count, count = before == 0 ? 8 : before * 2;

    if (count > table->slots_max) count = table->slots_max;
    struct connector_slot *slots = memory_alloc_array(count, sizeof *slots);
    if (!slots) return false;
    if (before > 0) memcpy(slots, table->slots, before * sizeof *slots);
    memory_free(table->slots);
    for (uint32_t i = before; i < count; i++) slots[i].next_free = i + 1 < count ? i + 2 : 0;
    table->first_free = before + 1;
    table->slots = slots;
    table->slots_count = count;
    return true;
}

static uint64_t connector_table__id(const struct connector_table *table, uint8_t worker,
                                    uint32_t index)
{
    return (uint64_t)table->node << 56 | (uint64_t)worker << 48 |
           (uint64_t)table->slots[index].generation << 24 | (CONNECTOR_TABLE__SLOT_LAST - index);
}

uint64_t connector_table_add(struct connector_table *table, uint8_t worker,
                             struct connector *connector)
{
    uint64_t id = 0;

    lock_take(table->lock);
    if (table->used_count < table->slots_max &&
        (table->first_free > 0 || connector_table__grow(table))) {
        uint32_t index = table->first_free - 1;
        struct connector_slot *slot = &table->slots[index];
        table->first_free = slot->next_free;
        slot->connector = connector;
        slot->generation = slot->generation % CONNECTOR_TABLE__GENERATION_MAX + 1;
        table->used_count++;
        id = connector_table__id(table, worker, index);
    } else {
        table->refused++;
    }
    lock_give_back(table->lock);
    return id;
}

/* Returns the slot of an id; null: no connector has it. The caller holds the lock. */
static struct connector_slot *connector_table__find(const struct connector_table *table,
                                                    uint64_t id)
{
    uint32_t index = CONNECTOR_TABLE__SLOT_LAST - (uint32_t)(id & CONNECTOR_TABLE__SLOT_LAST);

    if (index >= table->slots_count || !table->slots[index].connector) return NULL;
    if (connector_table__id(table, session_table_worker_of(id), index) != id) return NULL;
    return &table->slots[index];
}

void connector_table_remove(struct connector_table *table, uint64_t id)
{
    lock_take(table->lock);
    struct connector_slot *slot = connector_table__find(table, id);
    weir_check(slot != NULL);
    slot->connector = NULL;
    slot->next_free = table->first_free;
    table->first_free = (uint32_t)(slot - table->slots) + 1;
    weir_check(table->used_count > 0);
    table->used_count--;
    lock_give_back(table->lock);
}

bool connector_table_act(struct connector_table *table, uint64_t id,
                         void (*act)(struct connector *connector))
{
    lock_take(table->lock);
    const struct connector_slot *slot = connector_table__find(table, id);
    if (slot) act(slot->connector);
    lock_give_back(table->lock);
    return slot != NULL;
}

struct connector *connector_table_find(const struct connector_table *table, uint64_t id)
{
    lock_take(table->lock);
    const struct connector_slot *slot = connector_table__find(table, id);
    struct connector *connector = slot ? slot->connector : NULL;
    lock_give_back(table->lock);
    return connector;
}

void connector_table_limit(struct connector_table *table, uint32_t slots_max)
{
    weir_check(slots_max > 0 && slots_max <= CONNECTOR_TABLE_SLOTS_MAX);
    lock_take(table->lock);
    table->slots_max = slots_max;
    lock_give_back(table->lock);
}

uint64_t connector_table_refused(const struct connector_table *table)
{
    lock_take(table->lock);
    uint64_t refused = table->refused;
    lock_give_back(table->lock);
    return refused;
}
