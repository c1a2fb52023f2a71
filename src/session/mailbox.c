/* SPDX-License-Identifier: MIT */
/* mailbox.c - a ring with many writers and one reader.
 *
 *      cell n:   sequence == n            free for command n       a writer that increments `tail`
 *                sequence == n + 1        command n is complete    owns the cell; the reader takes
 *                sequence == n + count    free for the next round  the cells in order
 *
 * Shutting is one atomic step, too: it changes `tail` from the reader's position to "shut", which
 * fails if a writer was first. Writers are counted while they are inside, so that the reader's net
 * is not woken after it was freed: the reader waits for the last writer, a few instructions long.
 *
 * The reader is woken once until it has read: it resets `woken`, and then reads again.
 *
 * Room is counted apart from the cells, in `used`, and given up after a cell is free. So a writer
 * that has reserved room always finds a free cell.
 */
#include "mailbox.h"

#include "check.h"
#include "memory.h"
#include "thread.h"

#define MAILBOX__SHUT (UINT64_C(1) << 63)
#define MAILBOX__ONE_COMMAND (UINT64_C(1) << 40) /* in `used` */
#define MAILBOX__BYTES_MASK (MAILBOX__ONE_COMMAND - 1)

struct mailbox_cell {
    _Atomic uint64_t sequence;
    struct mailbox_command command;
};

bool mailbox_init(struct mailbox *mailbox, uint32_t commands_max, uint64_t bytes_max)
{
    uint32_t count = 2; /* with one cell, "complete" and "free for the next" would be equal */

    weir_check(commands_max > 0);
    weir_check(commands_max <= 1u << 20);
    weir_check(bytes_max < MAILBOX__BYTES_MASK - UINT32_MAX);
    while (count < commands_max) count *= 2;
    mailbox->cells = memory_alloc_array(count, sizeof *mailbox->cells);
    if (!mailbox->cells) return false;
    mailbox->cells_count = count;
    mailbox->bytes_max = bytes_max;
    mailbox->head = 0;
    mailbox->net = NULL;
    for (uint32_t i = 0; i < count; i++) atomic_init(&mailbox->cells[i].sequence, i);
    atomic_init(&mailbox->tail, MAILBOX__SHUT);
    atomic_init(&mailbox->used, 0);
    atomic_init(&mailbox->refused, 0);
    atomic_init(&mailbox->posters, 0);
    atomic_init(&mailbox->woken, false);
    return true;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (!mailbox->cells) return;
    weir_check(atomic_load(&mailbox->tail) & MAILBOX__SHUT);
    weir_check(mailbox_count(mailbox) == 0);
    memory_free(mailbox->cells);
    mailbox->cells = NULL;
}

void mailbox_open(struct mailbox *mailbox, struct net *net)
{
    weir_check(atomic_load(&mailbox->tail) == MAILBOX__SHUT);
    mailbox->net = net;
    atomic_store(&mailbox->tail, 0);
}

bool mailbox_shut(struct mailbox *mailbox)
{
    uint64_t expected = mailbox->head;

    if (!atomic_compare_exchange_strong(&mailbox->tail, &expected, mailbox->head | MAILBOX__SHUT) &&
        !(expected & MAILBOX__SHUT))
        return false;
    while (atomic_load(&mailbox->posters) > 0) thread_yield();
    weir_check(mailbox_count(mailbox) == 0);
    return true;
}

void mailbox_wake(struct mailbox *mailbox)
{
    atomic_fetch_add(&mailbox->posters, 1);
    if (!(atomic_load(&mailbox->tail) & MAILBOX__SHUT)) net_wake(mailbox->net);
    atomic_fetch_sub(&mailbox->posters, 1);
}

/* ---- room ---- */

bool mailbox_reserve(struct mailbox *mailbox, uint32_t bytes)
{
    uint64_t used = atomic_load(&mailbox->used), used_bytes;

    weir_check(mailbox->cells != NULL);
    do {
        used_bytes = used & MAILBOX__BYTES_MASK;
        if (used / MAILBOX__ONE_COMMAND >= mailbox->cells_count ||
            (used_bytes > 0 && used_bytes + bytes > mailbox->bytes_max)) {
            atomic_fetch_add_explicit(&mailbox->refused, 1, memory_order_relaxed);
            return false;
        }
    } while (
        !atomic_compare_exchange_weak(&mailbox->used, &used, used + MAILBOX__ONE_COMMAND + bytes));
    return true;
}

void mailbox_cancel(struct mailbox *mailbox, uint32_t bytes)
{
    uint64_t before = atomic_fetch_sub(&mailbox->used, MAILBOX__ONE_COMMAND + bytes);

    weir_check(before >= MAILBOX__ONE_COMMAND + bytes);
    weir_check((before & MAILBOX__BYTES_MASK) >= bytes);
}

/* ---- commands ---- */

/* Claims a cell for command n, for which room was reserved. Returns null if the mailbox is shut. */
static struct mailbox_cell *mailbox__claim(struct mailbox *mailbox, uint64_t *n)
{
    uint64_t tail = atomic_load(&mailbox->tail), sequence;
    struct mailbox_cell *cell;

    do {
        if (tail & MAILBOX__SHUT) return NULL;
        cell = &mailbox->cells[tail & (mailbox->cells_count - 1)];
        sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        *n = tail;
        /* Fails if another writer has claimed the cell, because `tail` has changed. */
    } while (!atomic_compare_exchange_weak(&mailbox->tail, &tail, tail + 1));
    weir_check(sequence == *n);
    return cell;
}

enum mailbox_posted mailbox_post_reserved(struct mailbox *mailbox,
                                          const struct mailbox_command *command)
{
    uint64_t n = 0;

    weir_check(atomic_load(&mailbox->used) >= MAILBOX__ONE_COMMAND + command->bytes);
    atomic_fetch_add(&mailbox->posters, 1);
    struct mailbox_cell *cell = mailbox__claim(mailbox, &n);
    if (cell) {
        cell->command = *command;
        atomic_store_explicit(&cell->sequence, n + 1, memory_order_release);
        if (!atomic_exchange(&mailbox->woken, true)) net_wake(mailbox->net);
    }
    atomic_fetch_sub(&mailbox->posters, 1);
    if (cell) return MAILBOX_POSTED;
    mailbox_cancel(mailbox, command->bytes);
    return MAILBOX_SHUT;
}

enum mailbox_posted mailbox_post(struct mailbox *mailbox, const struct mailbox_command *command)
{
    if (atomic_load(&mailbox->tail) & MAILBOX__SHUT) return MAILBOX_SHUT;
    if (!mailbox_reserve(mailbox, command->bytes)) return MAILBOX_FULL;
    return mailbox_post_reserved(mailbox, command);
}

static bool mailbox__take(struct mailbox *mailbox, struct mailbox_command *command)
{
    struct mailbox_cell *cell = &mailbox->cells[mailbox->head & (mailbox->cells_count - 1)];

    if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != mailbox->head + 1)
        return false;
    weir_check(mailbox->head <
               (atomic_load_explicit(&mailbox->tail, memory_order_relaxed) & ~MAILBOX__SHUT));
    *command = cell->command;
    atomic_store_explicit(&cell->sequence, mailbox->head + mailbox->cells_count,
                          memory_order_release);
    mailbox->head++;
    mailbox_cancel(mailbox, command->bytes); /* the cell is free */
    return true;
}

bool mailbox_take(struct mailbox *mailbox, struct mailbox_command *command)
{
    if (mailbox__take(mailbox, command)) return true;
    if (!atomic_load_explicit(&mailbox->woken, memory_order_relaxed)) return false;
    /* Writers that post from here on wake again; commands posted before are visible now. */
    atomic_exchange(&mailbox->woken, false);
    return mailbox__take(mailbox, command);
}

struct mailbox_load mailbox_load(const struct mailbox *mailbox)
{
    uint64_t used = atomic_load_explicit(&mailbox->used, memory_order_relaxed);

    return (struct mailbox_load){used / MAILBOX__ONE_COMMAND, used & MAILBOX__BYTES_MASK};
}

uint32_t mailbox_count(const struct mailbox *mailbox)
{
    uint64_t tail = atomic_load(&mailbox->tail) & ~MAILBOX__SHUT;

    weir_check(tail >= mailbox->head);
    weir_check(tail - mailbox->head <= mailbox->cells_count);
    return (uint32_t)(tail - mailbox->head);
}
