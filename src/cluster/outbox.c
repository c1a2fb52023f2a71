/* SPDX-License-Identifier: MIT */
/* outbox.c - the bounded queue to the bridge's thread; outbox.h draws the way of an item. */
#include "outbox.h"

#include <string.h>

#include "atomic.h"
#include "check.h"
#include "memory.h"
#include "thread.h"

struct outbox {
    struct lock *lock; /* of the queue; the sums change under it, or by outbox_release() */
    struct list queue;
    struct list taken; /* off the queue, before it in the order; the bridge's thread */
    uint64_t messages_max;
    _Atomic uint64_t bytes_max, messages, bytes;
};

struct outbox *outbox_open(uint64_t messages_max, uint64_t bytes_max)
{
    struct outbox *outbox = memory_alloc(sizeof *outbox);

    if (!outbox) return NULL;
    outbox->lock = lock_open();
    if (!outbox->lock) {
        memory_free(outbox);
        return NULL;
    }
    list_init(&outbox->queue);
    list_init(&outbox->taken);
    outbox->messages_max = messages_max;
    outbox->bytes_max = bytes_max;
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    struct outbox_item *item;

    if (!outbox) return;
    while ((item = outbox_take(outbox))) outbox_item_free(item);
    lock_free(outbox->lock);
    memory_free(outbox);
}

void outbox_limit_bytes(struct outbox *outbox, uint64_t bytes_max)
{
    atomic_store(&outbox->bytes_max, bytes_max);
}

struct outbox_item *outbox_make(const struct subject *subject, size_t size)
{
    size_t subject_size = strlen(subject->text) + 1;
    struct outbox_item *item = NULL;

    if (size <= SIZE_MAX - sizeof *item - subject_size)
        item = memory_alloc(sizeof *item + subject_size + size);
    if (!item) return NULL;
    list_init(&item->in_queue);
    item->size = size;
    item->subject = (char *)(item + 1);
    memcpy(item->subject, subject->text, subject_size);
    item->bytes = (uint8_t *)item->subject + subject_size;
    return item;
}

void outbox_item_free(struct outbox_item *item)
{
    memory_free(item);
}

enum outbox_result outbox_add(struct outbox *outbox, struct outbox_item *item)
{
    enum outbox_result result = OUTBOX_FULL;

    lock_take(outbox->lock);
    bool was_empty = list_is_empty(&outbox->queue);
    uint64_t bytes = atomic_load(&outbox->bytes), bytes_max = atomic_load(&outbox->bytes_max);
    if (atomic_load(&outbox->messages) < outbox->messages_max && bytes <= bytes_max &&
        item->size <= bytes_max - bytes) {
        list_add_last(&outbox->queue, &item->in_queue);
        atomic_fetch_add(&outbox->messages, 1);
        atomic_fetch_add(&outbox->bytes, item->size);
        result = was_empty ? OUTBOX_ADDED_FIRST : OUTBOX_ADDED;
    }
    lock_give_back(outbox->lock);
    return result;
}

struct outbox_item *outbox_take(struct outbox *outbox)
{
    if (list_is_empty(&outbox->taken)) { /* one lock for many messages */
        lock_take(outbox->lock);
        list_append_all(&outbox->taken, &outbox->queue);
        lock_give_back(outbox->lock);
    }
    struct list *node = list_take_first(&outbox->taken);
    return node ? weir_container_of(node, struct outbox_item, in_queue) : NULL;
}

void outbox_put_back(struct outbox *outbox, struct outbox_item *item)
{
    list_add_first(&outbox->taken, &item->in_queue);
}

void outbox_release(struct outbox *outbox, struct outbox_item *item)
{
    atomic_fetch_sub(&outbox->messages, 1);
    atomic_fetch_sub(&outbox->bytes, item->size);
    outbox_item_free(item);
}

uint64_t outbox_messages(const struct outbox *outbox)
{
    return atomic_load(&outbox->messages);
}

uint64_t outbox_bytes(const struct outbox *outbox)
{
    return atomic_load(&outbox->bytes);
}
