/* SPDX-License-Identifier: MIT */
/* hash_table.h - an intrusive hash table that grows and shrinks by single buckets, so that no call
 * takes long, however many nodes there are. The owner protects it, by its thread or by a lock.
 *
 *      buckets 0..15   16..31   32..63   64..127      one segment each, allocated when the table
 *      [ first      ] [      ] [      ] [       ]     reaches it, freed when it leaves it
 *
 * The owner hashes the keys, and compares them while it walks a bucket.
 */
#ifndef BASE_HASH_TABLE_H
#define BASE_HASH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define HASH_TABLE_FIRST_BUCKETS 16u
#define HASH_TABLE_SEGMENTS_MAX 24

/* Most memory that the table itself takes for each of its nodes, beyond its first buckets. */
#define HASH_TABLE_NODE_BYTES 32u

/* A member of the object that is in the table. */
struct hash_node {
    struct hash_node *next; /* in its bucket */
    uint32_t hash;          /* of the key; set by the owner before hash_table_add() */
};

/* Empty: hash_table_init(). A table without nodes holds no memory. */
struct hash_table {
    uint32_t count;         /* of nodes */
    uint32_t buckets_count; /* at most twice `count`, or HASH_TABLE_FIRST_BUCKETS */
    struct hash_node **segments[HASH_TABLE_SEGMENTS_MAX];
    struct hash_node *first[HASH_TABLE_FIRST_BUCKETS];
};

/* The table stays at its address. */
void hash_table_init(struct hash_table *table);

/* Returns where the nodes of this hash are linked, among others: *link is the first. */
struct hash_node **hash_table_bucket(struct hash_table *table, uint32_t hash);

/* Finds the next hash in the order of a walk, which is not that of the buckets: a walk that takes
 * many calls meets each hash once, however the table grows and shrinks meanwhile. *position is
 * where the walk is, from 0 to HASH_TABLE_WALK_END, where it has ended. Looks at one bucket.
 * Returns true, with *hash, which several nodes may have, and *position behind it; or false, if
 * this bucket has no further hash, with *position at the next one. */
#define HASH_TABLE_WALK_END (UINT64_C(1) << 32)
bool hash_table_walk(struct hash_table *table, uint64_t *position, uint32_t *hash);

/* Adds a node. If no memory is left for a larger table, its buckets hold more nodes each. */
void hash_table_add(struct hash_table *table, struct hash_node *node);

/* Removes a node that is in the table. */
void hash_table_remove(struct hash_table *table, struct hash_node *node);

#endif
