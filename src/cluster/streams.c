/* SPDX-License-Identifier: MIT */
/* streams.c - positions of messages, for senders and receivers; streams.h has the rules. */
#include "streams.h"

#include <string.h>

#include "check.h"
#include "hash_table.h"
#include "list.h"
#include "memory.h"

struct streams__entry {
    struct hash_node in_table;
    struct list in_order; /* of use: the most recent one is the last */
    struct streams_position last;
    char subject[];
};

struct streams {
    struct hash_table table;
    struct list order;
    uint32_t entries_max;
    uint32_t newest;                /* stream of this sender */
    struct streams__entry *current; /* of the last streams_next() */
    struct siphash_key key;
};

struct streams *streams_open(uint32_t entries_max, const struct siphash_key *key)
{
    struct streams *streams = memory_alloc(sizeof *streams);

    if (!streams) return NULL;
    hash_table_init(&streams->table);
    list_init(&streams->order);
    streams->entries_max = entries_max;
    streams->key = *key;
    return streams;
}

static void streams__forget(struct streams *streams, struct streams__entry *entry)
{
    hash_table_remove(&streams->table, &entry->in_table);
    list_remove(&entry->in_order);
    memory_free(entry);
}

void streams_free(struct streams *streams)
{
    if (!streams) return;
    while (!list_is_empty(&streams->order))
        streams__forget(streams,
                        weir_container_of(streams->order.next, struct streams__entry, in_order));
    memory_free(streams);
}

static uint32_t streams__hash(const struct streams *streams, const char *subject, uint8_t origin)
{
    return (uint32_t)siphash(&streams->key, subject, strlen(subject)) + origin * 0x9E3779B1u;
}

static struct streams__entry *streams__find(struct streams *streams, const char *subject,
                                            uint8_t origin)
{
    uint32_t hash = streams__hash(streams, subject, origin);
    struct hash_node *node = *hash_table_bucket(&streams->table, hash);

    for (; node; node = node->next) {
        struct streams__entry *entry = weir_container_of(node, struct streams__entry, in_table);
        if (node->hash != hash || entry->last.origin != origin) continue;
        if (strcmp(entry->subject, subject) != 0) continue;
        list_remove(&entry->in_order);
        list_add_last(&streams->order, &entry->in_order);
        return entry;
    }
    return NULL;
}

/* Returns a new entry without a position; null: out of memory. */
static struct streams__entry *streams__add(struct streams *streams, const char *subject,
                                           uint8_t origin)
{
    size_t size = strlen(subject) + 1;

    if (streams->table.count >= streams->entries_max)
        streams__forget(streams,
                        weir_container_of(streams->order.next, struct streams__entry, in_order));
    struct streams__entry *entry = memory_alloc(sizeof *entry + size);
    if (!entry) return NULL;
    memcpy(entry->subject, subject, size);
    entry->last.origin = origin;
    entry->in_table.hash = streams__hash(streams, subject, origin);
    list_init(&entry->in_order);
    list_add_last(&streams->order, &entry->in_order);
    hash_table_add(&streams->table, &entry->in_table);
    return entry;
}

/* ---- sender ---- */

bool streams_next(struct streams *streams, const char *subject, uint32_t *stream,
                  uint64_t *sequence)
{
    struct streams__entry *entry = streams__find(streams, subject, 0);

    if (!entry) {
        entry = streams__add(streams, subject, 0);
        if (!entry) return false;
        entry->last.stream = ++streams->newest;
    }
    streams->current = entry;
    *stream = entry->last.stream;
    *sequence = entry->last.sequence + 1;
    return true;
}

void streams_published(struct streams *streams)
{
    weir_check(streams->current != NULL);
    streams->current->last.sequence++;
    streams->current = NULL;
}

/* ---- receiver ---- */

static bool streams__is_repeated(const struct streams_position *last,
                                 const struct streams_position *position)
{
    if (last->incarnation != position->incarnation) return false;
    return position->stream < last->stream ||
           (position->stream == last->stream && position->sequence <= last->sequence);
}

/* Returns how many messages are missing between the two. */
static uint64_t streams__gaps(const struct streams_position *last,
                              const struct streams_position *position)
{
    if (last->subscription != position->subscription) return 0; /* not for this node */
    if (last->incarnation != position->incarnation || last->stream != position->stream)
        return position->sequence - 1;
    return position->sequence - last->sequence - 1;
}

bool streams_receive(struct streams *streams, const char *subject,
                     const struct streams_position *position, uint64_t *gaps)
{
    struct streams__entry *entry = streams__find(streams, subject, position->origin);

    *gaps = 0;
    if (!entry) {
        entry = streams__add(streams, subject, position->origin);
    } else {
        if (streams__is_repeated(&entry->last, position)) return false;
        *gaps = streams__gaps(&entry->last, position);
    }
    if (entry) entry->last = *position;
    return true;
}
