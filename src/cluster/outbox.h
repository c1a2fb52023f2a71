/* SPDX-License-Identifier: MIT */
/* outbox.h - the bounded queue from any thread to the bridge's thread.
 *
 *      outbox_make -> item of caller -> outbox_add -> queue -> outbox_take -> item of bridge
 *                                          | full                           |
 *                                          v                                v
 *                                   outbox_item_free                 outbox_release
 *
 * An item counts as waiting until outbox_release(), so that messages which the bridge is about to
 * publish are within the limits, too. The items of one thread stay in their order.
 */
#ifndef CLUSTER_OUTBOX_H
#define CLUSTER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "subjects.h"

struct outbox;

/* One message in its form for the broker. */
struct outbox_item {
    struct list in_queue;
    size_t size;           /* of `bytes` */
    size_t message_length; /* of the handler's message in it */
    uint8_t *bytes;        /* inside the item, like the subject */
    char *subject;
};

enum outbox_result {
    OUTBOX_ADDED,
    OUTBOX_ADDED_FIRST, /* the bridge's thread has taken all others: it may wait */
    OUTBOX_FULL,
};

/* Returns an empty queue; null: out of memory. The caller frees it, also with items in it. */
struct outbox *outbox_open(uint64_t messages_max, uint64_t bytes_max);
void outbox_free(struct outbox *outbox);

/* Changes the limit on bytes. What waits already stays. Thread: any. */
void outbox_limit_bytes(struct outbox *outbox, uint64_t bytes_max);

/* Returns an item with room for `size` bytes; null: out of memory. Thread: any, likewise below. */
struct outbox_item *outbox_make(const struct subject *subject, size_t size);
void outbox_item_free(struct outbox_item *item);

/* Takes the item over, unless the queue is full. */
enum outbox_result outbox_add(struct outbox *outbox, struct outbox_item *item);

/* Returns the first item; null: there is none. It still counts as waiting. Thread: the bridge's, as
 * for the following. */
struct outbox_item *outbox_take(struct outbox *outbox);

/* Puts a taken item back as the first one. */
void outbox_put_back(struct outbox *outbox, struct outbox_item *item);

/* Frees a taken item. */
void outbox_release(struct outbox *outbox, struct outbox_item *item);

/* What waits now. Thread: any. */
uint64_t outbox_messages(const struct outbox *outbox);
uint64_t outbox_bytes(const struct outbox *outbox);

#endif
