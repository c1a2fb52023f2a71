/* SPDX-License-Identifier: MIT */
/* wheel.c - a hierarchical timing wheel.
 *
 *      level 0:  64 slots of 1 ms        [ ][ ][x][ ] ...     due within now's 64 ms
 *      level 1:  64 slots of 64 ms       [ ][x][ ][ ] ...     ... within the 4096 ms
 *      level 7:  64 slots of 2^42 ms                          ... and so on, 48 bits in all
 *
 * A timer is at the level of the highest six bits in which its time differs from now, in the slot
 * that these bits of its time select. When now reaches such a slot, its timers move to lower
 * levels. At level 0, all timers of a slot expire in the same millisecond. One bit per occupied
 * slot finds the next one without a search. `next_ms` is a lower bound of the next expiry, so that
 * an iteration in which nothing expires costs one comparison.
 */
#include "wheel.h"

#include "check.h"

#define WHEEL__BITS 6

static uint32_t wheel__level(uint64_t now_ms, uint64_t due_ms)
{
    uint64_t differs = now_ms ^ due_ms;
    uint32_t level = 0;

    while (level < WHEEL_LEVELS - 1 && differs >> (WHEEL__BITS * (level + 1)) != 0) level++;
    return level;
}

static uint32_t wheel__slot(uint64_t ms, uint32_t level)
{
    return (uint32_t)(ms >> (WHEEL__BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    weir_check(now_ms <= WHEEL_MS_MAX);
    wheel->now_ms = wheel->taken_ms = now_ms;
    wheel->next_ms = UINT64_MAX;
    list_init(&wheel->due);
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++) list_init(&wheel->slots[level][slot]);
    }
}

void wheel_timer_init(struct wheel_timer *timer)
{
    list_init(&timer->in_slot);
    timer->due_ms = 0;
}

static void wheel__add(struct wheel *wheel, struct wheel_timer *timer)
{
    uint32_t level = wheel__level(wheel->now_ms, timer->due_ms);
    uint32_t slot = wheel__slot(timer->due_ms, level);

    weir_check(timer->due_ms >= wheel->now_ms);
    list_add_last(&wheel->slots[level][slot], &timer->in_slot);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

static uint32_t wheel__lowest_bit(uint64_t bits)
{
    uint32_t index = 0;

    weir_check(bits != 0);
    for (uint32_t half = 32; half > 0; half /= 2)
        if ((bits & ((UINT64_C(1) << half) - 1)) == 0) {
            bits >>= half;
            index += half;
        }
    return index;
}

/* Returns when the occupied slot begins that now_ms reaches first; *level: its level. Slots that
 * now_ms has passed are empty at every level. */
static uint64_t wheel__next(const struct wheel *wheel, uint32_t *level)
{
    for (*level = 0; *level < WHEEL_LEVELS; (*level)++) {
        if (wheel->occupied[*level] == 0) continue;
        uint32_t shift = WHEEL__BITS * *level;
        uint64_t slot = wheel__lowest_bit(wheel->occupied[*level]);
        uint64_t block = wheel->now_ms >> shift >> WHEEL__BITS << WHEEL__BITS;
        return (block | slot) << shift;
    }
    return UINT64_MAX;
}

static void wheel__update_next(struct wheel *wheel)
{
    uint32_t level;

    wheel->next_ms = list_is_empty(&wheel->due) ? wheel__next(wheel, &level) : wheel->now_ms;
}

void wheel_start(struct wheel *wheel, struct wheel_timer *timer, uint64_t due_ms)
{
    uint64_t soonest_ms = wheel->taken_ms + 1;

    wheel_stop(wheel, timer);
    if (due_ms < soonest_ms) due_ms = soonest_ms;
    timer->due_ms = due_ms < WHEEL_MS_MAX ? due_ms : WHEEL_MS_MAX;
    if (timer->due_ms < wheel->next_ms) wheel->next_ms = timer->due_ms;
    wheel__add(wheel, timer);
}

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer)
{
    struct list *neighbour = timer->in_slot.next;

    if (!wheel_timer_runs(timer)) return;
    list_remove(&timer->in_slot);
    if (!list_is_empty(neighbour)) return;
    /* The neighbour is now the head of an empty list: a slot, or the list of expired timers. */
    if (neighbour != &wheel->due) {
        size_t index = (size_t)(neighbour - &wheel->slots[0][0]);
        weir_check(index < WHEEL_LEVELS * WHEEL_SLOTS);
        wheel->occupied[index / WHEEL_SLOTS] &= ~(UINT64_C(1) << index % WHEEL_SLOTS);
    }
    wheel__update_next(wheel);
}

/* Moves now_ms to the beginning of the next occupied slot; its timers go to lower levels, or
 * expire. */
static void wheel__advance(struct wheel *wheel, uint32_t level, uint64_t to_ms)
{
    struct list *slot = &wheel->slots[level][wheel__slot(to_ms, level)];
    struct list moved;

    weir_check(to_ms >= wheel->now_ms);
    wheel->now_ms = to_ms;
    list_init(&moved);
    list_append_all(&moved, slot);
    wheel->occupied[level] &= ~(UINT64_C(1) << wheel__slot(to_ms, level));
    if (level == 0) {
        list_append_all(&wheel->due, &moved);
        return;
    }
    struct list *at;
    while ((at = list_take_first(&moved)) != NULL)
        wheel__add(wheel, weir_container_of(at, struct wheel_timer, in_slot));
}

/* Fills the list of expired timers, if it is empty, with those of the earliest due_ms. */
static void wheel__expire(struct wheel *wheel, uint64_t now_ms)
{
    uint32_t level;
    uint64_t next_ms;

    while (list_is_empty(&wheel->due) && (next_ms = wheel__next(wheel, &level)) <= now_ms)
        wheel__advance(wheel, level, next_ms);
    if (list_is_empty(&wheel->due) && now_ms > wheel->now_ms) wheel->now_ms = now_ms;
}

struct wheel_timer *wheel_take_next(struct wheel *wheel, uint64_t now_ms)
{
    if (now_ms > WHEEL_MS_MAX) now_ms = WHEEL_MS_MAX;
    if (now_ms > wheel->taken_ms) wheel->taken_ms = now_ms;
    wheel__expire(wheel, now_ms);
    weir_check(wheel->now_ms <= wheel->taken_ms);
    struct list *first = list_take_first(&wheel->due);
    wheel__update_next(wheel);
    return first ? weir_container_of(first, struct wheel_timer, in_slot) : NULL;
}

static void wheel__validate_slot(const struct wheel *wheel, uint32_t level, uint32_t slot)
{
    const struct list *header = &wheel->slots[level][slot];
    bool marked = (wheel->occupied[level] >> slot & 1) != 0;

    weir_check(marked == !list_is_empty(header));
    if (marked) weir_check(slot > wheel__slot(wheel->now_ms, level));
    for (struct list *at = header->next; at != header; at = at->next) {
        const struct wheel_timer *timer = weir_container_of(at, struct wheel_timer, in_slot);
        weir_check(at->next->previous == at);
        weir_check(timer->due_ms > wheel->now_ms);
        weir_check(timer->due_ms >= wheel->next_ms);
        weir_check(wheel__level(wheel->now_ms, timer->due_ms) == level);
        weir_check(wheel__slot(timer->due_ms, level) == slot);
    }
}

void wheel_validate(const struct wheel *wheel)
{
    weir_check(wheel->now_ms <= wheel->taken_ms);
    if (!list_is_empty(&wheel->due)) weir_check(wheel->next_ms <= wheel->now_ms);
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++)
        for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++)
            wheel__validate_slot(wheel, level, slot);
}
