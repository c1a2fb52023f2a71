/* SPDX-License-Identifier: MIT */
/* hash_table.c - linear hashing (Litwin, 1980): hash_table.h draws the segments.
 *
 *      buckets_count = 16 + 3      [ 0 | 1 | 2 | 3 ... 15 | 16 | 17 | 18 ]
 *                                    '------ split ----------^
 *
 * Bucket n + 2^k is the second half of bucket n: the nodes whose hash has bit k. It is split off
 * when there are more nodes than buckets, and merged when there are less than half as many. */
#include "hash_table.h"

#include "check.h"
#include "memory.h"

#define HASH_TABLE__BUCKETS_MAX (HASH_TABLE_FIRST_BUCKETS << (HASH_TABLE_SEGMENTS_MAX - 1))
/* Splits for one added node, so that a table that found no memory catches up. */
#define HASH_TABLE__SPLITS_MAX 2
/* Segments of this size and more come from the system, which zeroes them page by page. */
#define HASH_TABLE__PAGES_BYTES ((size_t)64 * 1024)

void hash_table_init(struct hash_table *table)
{
    *table = (struct hash_table){.buckets_count = HASH_TABLE_FIRST_BUCKETS};
    table->segments[0] = table->first;
}

/* Returns the largest power of two that is not above `n`. */
static uint32_t hash_table__floor(uint32_t n)
{
    weir_check(n > 0);
    return UINT32_C(1) << (31 - __builtin_clz(n));
}

/* Returns the segment of a bucket, and its first bucket. */
static uint32_t hash_table__segment(uint32_t bucket, uint32_t *begin)
{
    *begin = 0;
    if (bucket < HASH_TABLE_FIRST_BUCKETS) return 0;
    *begin = hash_table__floor(bucket);
    return (uint32_t)__builtin_clz(HASH_TABLE_FIRST_BUCKETS) + 1 - (uint32_t)__builtin_clz(bucket);
}

static struct hash_node **hash_table__at(struct hash_table *table, uint32_t bucket)
{
    uint32_t begin, segment = hash_table__segment(bucket, &begin);

    weir_check(bucket < table->buckets_count);
    return &table->segments[segment][bucket - begin];
}

struct hash_node **hash_table_bucket(struct hash_table *table, uint32_t hash)
{
    uint32_t size = hash_table__floor(table->buckets_count);
    uint32_t bucket = hash & (2 * size - 1);

    if (bucket >= table->buckets_count) bucket = hash & (size - 1); /* not split yet */
    return hash_table__at(table, bucket);
}

/* ---- walks ----
 *
 * The position of a walk is a hash whose bits are reversed. A bucket has the hashes with the same
 * low bits: one range of positions. Splits and merges halve and join such ranges. */

static uint32_t hash_table__reverse(uint32_t bits)
{
    bits = (bits >> 1 & 0x55555555) | (bits & 0x55555555) << 1;
    bits = (bits >> 2 & 0x33333333) | (bits & 0x33333333) << 2;
    bits = (bits >> 4 & 0x0f0f0f0f) | (bits & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(bits);
}

/* Returns how many positions belong to the bucket of this hash. */
static uint64_t hash_table__range(const struct hash_table *table, uint32_t hash)
{
    uint32_t size = hash_table__floor(table->buckets_count);
    bool is_split = (hash & (size - 1)) + size < table->buckets_count;

    return HASH_TABLE_WALK_END / size / (is_split ? 2 : 1);
}

bool hash_table_walk(struct hash_table *table, uint64_t *position, uint32_t *hash)
{
    weir_check(*position < HASH_TABLE_WALK_END);
    uint32_t from = (uint32_t)*position;
    uint64_t range = hash_table__range(table, hash_table__reverse(from));
    uint64_t end = (from | (range - 1)) + 1, next = end;

    for (const struct hash_node *node = *hash_table_bucket(table, hash_table__reverse(from)); node;
         node = node->next) {
        uint32_t at = hash_table__reverse(node->hash);
        if (at >= from && at < next) next = at;
    }
    *position = next;
    if (next == end) return false;
    *hash = hash_table__reverse((uint32_t)next);
    ++*position;
    return true;
}

/* ---- segments ---- */

static size_t hash_table__segment_bytes(uint32_t begin)
{
    return (size_t)begin * sizeof(struct hash_node *); /* it doubles the table */
}

/* Makes room for bucket buckets_count. Returns false if memory is exhausted. */
static bool hash_table__reach(struct hash_table *table)
{
    uint32_t begin, segment = hash_table__segment(table->buckets_count, &begin);
    size_t bytes = hash_table__segment_bytes(begin);

    if (table->segments[segment]) return true;
    table->segments[segment] =
        bytes < HASH_TABLE__PAGES_BYTES ? memory_alloc(bytes) : memory_pages(bytes);
    return table->segments[segment] != NULL;
}

/* Frees the segment that begins at bucket buckets_count, if one does. */
static void hash_table__leave(struct hash_table *table)
{
    uint32_t begin, segment = hash_table__segment(table->buckets_count, &begin);
    size_t bytes = hash_table__segment_bytes(begin);

    if (begin != table->buckets_count) return;
    if (bytes < HASH_TABLE__PAGES_BYTES)
        memory_free(table->segments[segment]);
    else
        memory_pages_free(table->segments[segment], bytes);
    table->segments[segment] = NULL;
}

/* ---- growing and shrinking ---- */

/* Adds a bucket: half of the nodes of another one. Returns false if memory is exhausted. */
static bool hash_table__split(struct hash_table *table)
{
    uint32_t bit = hash_table__floor(table->buckets_count);

    if (!hash_table__reach(table)) return false;
    table->buckets_count++;
    struct hash_node **upper = hash_table__at(table, table->buckets_count - 1);
    struct hash_node **link = hash_table__at(table, (table->buckets_count - 1) & (bit - 1));
    weir_check(*upper == NULL);
    while (*link) {
        struct hash_node *node = *link;
        if (!(node->hash & bit)) {
            link = &node->next;
            continue;
        }
        *link = node->next;
        node->next = *upper;
        *upper = node;
    }
    return true;
}

/* Removes the last bucket: its nodes go back to where they were split off. */
static void hash_table__merge(struct hash_table *table)
{
    uint32_t last = table->buckets_count - 1;
    struct hash_node **upper = hash_table__at(table, last);
    struct hash_node **link = hash_table__at(table, last & (hash_table__floor(last) - 1));

    while (*link) link = &(*link)->next;
    *link = *upper;
    *upper = NULL;
    table->buckets_count--;
    hash_table__leave(table);
}

void hash_table_add(struct hash_table *table, struct hash_node *node)
{
    table->count++;
    for (int i = 0; i < HASH_TABLE__SPLITS_MAX; i++) {
        if (table->count <= table->buckets_count) break;
        if (table->buckets_count == HASH_TABLE__BUCKETS_MAX || !hash_table__split(table)) break;
    }
    struct hash_node **link = hash_table_bucket(table, node->hash);
    node->next = *link;
    *link = node;
}

void hash_table_remove(struct hash_table *table, struct hash_node *node)
{
    struct hash_node **link = hash_table_bucket(table, node->hash);

    while (*link != node) {
        weir_check(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    table->count--;
    while (table->buckets_count > HASH_TABLE_FIRST_BUCKETS &&
           table->buckets_count / 2 > table->count)
        hash_table__merge(table);
}
