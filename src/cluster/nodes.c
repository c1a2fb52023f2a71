/* SPDX-License-Identifier: MIT */
/* nodes.c - the table of the other nodes; nodes.h says which are live. */
#include "nodes.h"

#include <string.h>

#include "memory.h"
#include "thread.h"

struct nodes__node {
    bool is_live, has_said_hello;
    uint64_t heard_ms;
    uint32_t interval_ms;
    struct weir_cluster_node about; /* what it said about itself */
};

struct nodes {
    struct lock *lock;
    uint32_t interval_ms;
    struct nodes__node table[NODES_COUNT_MAX];
};

struct nodes *nodes_open(uint32_t interval_ms)
{
    struct nodes *nodes = memory_alloc(sizeof *nodes);

    if (!nodes) return NULL;
    nodes->interval_ms = interval_ms;
    nodes->lock = lock_open();
    if (nodes->lock) return nodes;
    memory_free(nodes);
    return NULL;
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes) return;
    lock_free(nodes->lock);
    memory_free(nodes);
}

static uint64_t nodes__deadline_ms(const struct nodes__node *node)
{
    return node->heard_ms + (uint64_t)NODES_SILENT_INTERVALS * node->interval_ms;
}

/* Under the lock. Returns the node; null: the
 * incarnation is outdated. */
static struct nodes__node *nodes__heard(struct nodes *nodes, uint8_t number, uint64_t incarnation,
                                        uint64_t now_ms)
{
    struct nodes__node *node = &nodes->table[number];
    uint64_t known = node->about.incarnation;

    if (node->is_live && incarnation < known && now_ms < nodes__deadline_ms(node)) return NULL;
    if (!node->is_live || incarnation != known) {
        memset(node, 0, sizeof *node);
        node->about.node = number;
        node->about.incarnation = incarnation;
        node->interval_ms = nodes->interval_ms;
        node->is_live = true;
    }
    node->heard_ms = now_ms;
    return node;
}

bool nodes_heard(struct nodes *nodes, uint8_t node, uint64_t incarnation, uint64_t now_ms)
{
    lock_take(nodes->lock);
    bool is_good = nodes__heard(nodes, node, incarnation, now_ms) != NULL;
    lock_give_back(nodes->lock);
    return is_good;
}

/* Copies text of another node: printable ASCII only, because it is shown to people. */
static void nodes__copy_address(const struct nodes_hello *hello, char *address, size_t size)
{
    size_t length = hello->address_length < size ? hello->address_length : size - 1;

    for (size_t i = 0; i < length; i++)
        address[i] =
            hello->address[i] > ' ' && hello->address[i] < 127 ? (char)hello->address[i] : '?';
    address[length] = '\0';
}

bool nodes_hello(struct nodes *nodes, const struct nodes_hello *hello, uint64_t now_ms)
{
    bool is_first = false;

    lock_take(nodes->lock);
    struct nodes__node *node = nodes__heard(nodes, hello->node, hello->incarnation, now_ms);
    if (node) {
        is_first = !node->has_said_hello;
        node->has_said_hello = true;
        if (hello->interval_ms > 0 && hello->interval_ms <= NODES_INTERVAL_MS_MAX)
            node->interval_ms = hello->interval_ms;
        node->about.sessions = hello->sessions;
        node->about.draining = hello->draining;
        nodes__copy_address(hello, node->about.address, sizeof node->about.address);
    }
    lock_give_back(nodes->lock);
    return is_first;
}

void nodes_bye(struct nodes *nodes, uint8_t node, uint64_t incarnation)
{
    lock_take(nodes->lock);
    if (nodes->table[node].about.incarnation == incarnation) nodes->table[node].is_live = false;
    lock_give_back(nodes->lock);
}

uint64_t nodes_step(struct nodes *nodes, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    lock_take(nodes->lock);
    for (uint32_t i = 0; i < NODES_COUNT_MAX; i++) {
        struct nodes__node *node = &nodes->table[i];
        if (node->is_live && nodes__deadline_ms(node) <= now_ms) node->is_live = false;
        if (node->is_live && nodes__deadline_ms(node) < next_ms) next_ms = nodes__deadline_ms(node);
    }
    lock_give_back(nodes->lock);
    return next_ms;
}

size_t nodes_live(struct nodes *nodes, struct nodes_set *set)
{
    size_t count = 0;

    if (set) memset(set, 0, sizeof *set);
    lock_take(nodes->lock);
    for (uint32_t i = 0; i < NODES_COUNT_MAX; i++) {
        if (!nodes->table[i].is_live) continue;
        count++;
        if (set) set->bits[i / 64] |= UINT64_C(1) << i % 64;
    }
    lock_give_back(nodes->lock);
    return count;
}

size_t nodes_list(struct nodes *nodes, uint64_t now_ms, struct weir_cluster_node *list,
                  size_t node_size, size_t nodes_max)
{
    size_t count = 0, size = node_size < sizeof *list ? node_size : sizeof *list;
    char *at = (char *)list;

    lock_take(nodes->lock);
    for (uint32_t i = 0; i < NODES_COUNT_MAX; i++) {
        struct nodes__node *node = &nodes->table[i];
        if (!node->is_live || count++ >= nodes_max) continue;
        uint64_t silent_ms = now_ms > node->heard_ms ? now_ms - node->heard_ms : 0;
        node->about.silent_ms = silent_ms < UINT32_MAX ? (uint32_t)silent_ms : UINT32_MAX;
        memset(at, 0, node_size);
        memcpy(at, &node->about, size);
        at += node_size;
    }
    lock_give_back(nodes->lock);
    return count;
}
